"""A typed client of the HTTP API, for Python programs and for the command line."""

from __future__ import annotations

from stage_functions.client.client import Client
from stage_functions.client.connection import NoTokenError, UnreachableError
from stage_functions.client.identity import Identity, NoIdentityError, bearer_of
from stage_functions.client.signing_in import signed_in_by

__all__ = [
    "Client",
    "Identity",
    "NoIdentityError",
    "NoTokenError",
    "UnreachableError",
    "bearer_of",
    "signed_in_by",
]
