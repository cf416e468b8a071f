"""What may be wrong with a rule that is a definition of Azure Policy, each with its place.

What a definition may hold is for the rule engine to say, which names the place in the definition:
where that is written in the configuration, the line is told; where it has a file of its own, the
JSON Pointer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping

from stage_functions.domain.definition import read
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.lifecycle_check import Fault
from stage_functions.domain.rule import AzurePolicy, Rule
from stage_functions.domain.visible_tags import VisibleTags

CheckRule = Callable[[Rule, Collection[str], VisibleTags], str]
"""Says what is wrong with a rule, given the names of the calendars that it may ask about, and the
tags that it may see; "" if nothing is."""

_UNREAD = "{}"
"""Stands for a definition that could not be read, of which that is told already."""


def policy_faults(
    rule: Rule, policy: AzurePolicy, tags: VisibleTags, check_rule: CheckRule
) -> Iterator[Fault]:
    """Return what is wrong with a policy, each with its path from the lifecycle down."""
    path = ("rules", rule.name)
    if rule.shows:
        message = f"rule {rule.name}: shows is of rules in cel; a policy shows the fields it reads"
        yield Fault((*path, "shows"), message)
    if policy.definition == _UNREAD:
        return
    parameters = tuple(_parameter_faults(rule.name, policy))
    yield from parameters
    fault = "" if parameters else check_rule(rule, (), tags)
    given = _given(fault, policy)
    if given:
        pointer, _, said = fault.partition(": ")
        yield Fault((*path, *pointer.split("/")[1:]), f"rule {rule.name}: '{given}': {said}")
    elif fault:
        named = f"{policy.file}: " if policy.file else ""
        inside = () if policy.file else _path(fault, json.loads(policy.definition))
        yield Fault((*path, "azure_policy", *inside), f"rule {rule.name}: {named}{fault}")


def misplaced(lifecycle: Lifecycle, rule: str) -> Iterator[Fault]:
    """Return the fault of an expression that is given parameters, as written in a lifecycle."""
    rules = lifecycle.text.get("rules")
    item = rules.get(rule) if isinstance(rules, Mapping) else None
    if isinstance(item, Mapping) and item.get("parameters"):
        message = f"rule {rule}: parameters are of azure_policy; write values into the expression"
        yield Fault(("rules", rule, "parameters"), message)


def _parameter_faults(name: str, policy: AzurePolicy) -> Iterator[Fault]:
    path, found = ("rules", name), read(policy)
    declared = {one.lower() for one in found.parameters}
    given = {one.lower() for one in found.given}
    for one in found.given:
        if one.lower() not in declared:
            hint = did_you_mean(one, found.parameters)
            known = f"; it has {', '.join(found.parameters)}" if found.parameters else ""
            message = f"rule {name}: the definition has no parameter '{one}'{hint or known}"
            yield Fault((*path, "parameters", one), message)
    for one, has_default in found.parameters.items():
        if not has_default and one.lower() not in given:
            message = (
                f"rule {name}: the definition's parameter '{one}' has no default: give it a value "
                "under parameters"
            )
            yield Fault((*path, "azure_policy"), message)


def _given(fault: str, policy: AzurePolicy) -> str:
    """Return the parameter whose value, as given, is at fault; "" for any other fault."""
    pointer = fault.partition(": ")[0]
    given = read(policy).given if pointer.startswith("/parameters/") else {}
    return next((name for name in given if pointer == f"/parameters/{name}"), "")


def _path(fault: str, definition: object) -> tuple[str | int, ...]:
    """Return the path that the JSON Pointer means with which a fault begins."""
    pointer, colon, _ = fault.partition(": ")
    path: list[str | int] = []
    for part in pointer.split("/")[1:] if colon and fault.startswith("/") else ():
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(definition, list) and key.isdecimal() and int(key) < len(definition):
            path.append(int(key))
            definition = definition[int(key)]
        elif isinstance(definition, dict) and key in definition:
            path.append(key)
            definition = definition[key]
        else:
            break
    return tuple(path)
