"""The template functions that are evaluated, and those that Azure does not let a policy use.

`FUNCTIONS` has those that need only their arguments; what else can be called is in `scope`.
"""

from __future__ import annotations

from typing import Final

from stage_functions.azure_policy.functions.collections import COLLECTION_FUNCTIONS
from stage_functions.azure_policy.functions.encoding import ENCODING_FUNCTIONS
from stage_functions.azure_policy.functions.moments import MOMENT_FUNCTIONS
from stage_functions.azure_policy.functions.network import NETWORK_FUNCTIONS
from stage_functions.azure_policy.functions.numbers import NUMBER_FUNCTIONS
from stage_functions.azure_policy.functions.signature import MOST_ARGUMENTS, Function
from stage_functions.azure_policy.functions.texts import TEXT_FUNCTIONS

__all__ = ["FORBIDDEN", "FUNCTIONS", "MOST_ARGUMENTS", "UNSUPPORTED", "Function"]

FUNCTIONS: Final = {
    function.name.casefold(): function
    for function in (
        *COLLECTION_FUNCTIONS,
        *ENCODING_FUNCTIONS,
        *MOMENT_FUNCTIONS,
        *NETWORK_FUNCTIONS,
        *NUMBER_FUNCTIONS,
        *TEXT_FUNCTIONS,
    )
}
"""Functions by their names in lower case."""

FORBIDDEN: Final = frozenset(
    name.casefold()
    for name in [
        "copyIndex",
        "deployer",
        "deployment",
        "environment",
        "extensionResourceId",
        "getSecret",
        "list",
        "listKeys",
        "listAccountSas",
        "listSecrets",
        "listServiceSas",
        "managementGroup",
        "managementGroupResourceId",
        "newGuid",
        "pickZones",
        "providers",
        "reference",
        "references",
        "resourceId",
        "subscriptionResourceId",
        "tenant",
        "tenantResourceId",
        "variables",
    ]
)
"""Functions of templates that Azure does not let a policy's rule use."""

UNSUPPORTED: Final = {
    "guid": "how Azure makes an id of texts is not documented",
    "uniquestring": "how Azure makes a hash of texts is not documented",
    "lambda": "functions as arguments are not evaluated here",
    "filter": "functions as arguments are not evaluated here",
    "map": "functions as arguments are not evaluated here",
    "mapvalues": "functions as arguments are not evaluated here",
    "reduce": "functions as arguments are not evaluated here",
    "sort": "functions as arguments are not evaluated here",
    "todictionary": "functions as arguments are not evaluated here",
    "toobject": "functions as arguments are not evaluated here",
    "groupby": "functions as arguments are not evaluated here",
    "toresourcelogicalid": "it is not documented",
}
"""Functions that are refused by name, each with the reason."""
