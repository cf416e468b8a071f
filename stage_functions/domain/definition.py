"""What people are told of a definition of Azure Policy: its name, file, effect and parameters.

Nothing is evaluated or checked here; of what is not as it should be nothing is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from stage_functions.domain.rule import AzurePolicy, Rule

LANGUAGE = "Azure Policy"
_PARAMETER = re.compile(r"\[\s*parameters\(\s*'([^']*)'\s*\)\s*\]\Z", re.IGNORECASE)

Item = Mapping[str, Any]


class Definition(Struct, frozen=True):
    """What a definition says of itself.

    Attributes:
        title: its display name, or "".
        mode: or "" where it says none.
        effect: what follows where it matches, with the parameters as given; "" where it says none.
        parameters: the names of its parameters, each with whether it has a default.
        given: the values of its parameters, by name.
        rule: the rule itself, `if` and `then`.
    """

    title: str
    mode: str
    effect: str
    parameters: Mapping[str, bool] = field(default_factory=dict)
    given: Item = field(default_factory=dict)
    rule: Item = field(default_factory=dict)


class Written(Struct, frozen=True):
    """A rule as people read it.

    Attributes:
        text: the expression; of a policy the definition's rule and the parameters, as JSON.
        about: of a policy its name, file and effect; "" of an expression.
    """

    text: str
    about: str = ""


def read(policy: AzurePolicy) -> Definition:
    """Return what a definition says of itself, whichever of its forms it is written in."""
    whole = _mapping(json.loads(policy.definition))
    body = _mapping(member(whole, "properties")) or whole
    rule = _mapping(member(body, "policyRule")) or body
    declared = _mapping(member(body, "parameters"))
    given = _mapping(json.loads(policy.parameters))
    effect = _text(member(_mapping(member(rule, "then")), "effect"))
    named = _PARAMETER.match(effect)
    if named:
        default = member(_mapping(member(declared, named[1])), "defaultValue")
        effect = _text(member(given, named[1]) or default) or effect
    return Definition(
        title=_text(member(body, "displayName")),
        mode=_text(member(body, "mode")),
        effect=effect,
        parameters={
            name: member(_mapping(one), "defaultValue") is not None
            for name, one in declared.items()
        },
        given=given,
        rule=rule,
    )


def written(rule: Rule) -> Written:
    """Return a rule as people read it."""
    return Written(rule.cel) if rule.policy is None else _policy(rule.policy)


def kept(rule: Item) -> Written:
    """Return a rule of a lifecycle's text that the ledger keeps, as people read it."""
    definition = rule.get("azure_policy")
    if not isinstance(definition, Mapping):
        return Written(str(rule.get("cel", "")))
    given = _mapping(rule.get("parameters"))
    file = _text(rule.get("file"))
    return _policy(AzurePolicy(json.dumps(definition), json.dumps(given), file))


def member(of: Item, name: str) -> object:
    """Return a member of an object; Azure reads their names without regard to case."""
    if name in of:
        return of[name]
    folded = name.lower()
    return next((value for key, value in of.items() if key.lower() == folded), None)


def _policy(policy: AzurePolicy) -> Written:
    found = read(policy)
    about = " ".join(
        part
        for part in (
            LANGUAGE,
            f"'{found.title}'" if found.title else "",
            f"of {policy.file}" if policy.file else "",
        )
        if part
    )
    shown = {**found.rule, **({"parameters": found.given} if found.given else {})}
    rule = {key: value for key, value in shown.items() if key in ("if", "then", "parameters")}
    return Written(
        json.dumps(rule, ensure_ascii=False, indent=2),
        f"{about}, effect {found.effect}" if found.effect else about,
    )


def _mapping(value: object) -> Item:
    return value if isinstance(value, Mapping) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
