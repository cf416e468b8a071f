"""What a well-formed `stageward.yaml` may still have wrong: names that mean nothing, or two things.

What must hold of a lifecycle in itself is in `domain.lifecycle_check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import Configuration, RegistryType, Source
from stage_functions.domain.endpoint import glob_fault
from stage_functions.domain.governance_check import governance_faults
from stage_functions.domain.hint import did_you_mean
from stage_functions.domain.lifecycle import Lifecycle, OnViolation
from stage_functions.domain.lifecycle_check import Fault, faults
from stage_functions.domain.observation import CONVERSATION
from stage_functions.domain.people import OPERATORS, Directory
from stage_functions.domain.review_check import review_faults
from stage_functions.domain.rule import Rule
from stage_functions.domain.visible_tags import visible_tags
from stage_functions.wire.address import address_fault
from stage_functions.wire.copy_faults import copy_faults, strangers_only
from stage_functions.wire.duration_faults import duration_faults
from stage_functions.wire.identifiers import id_fault
from stage_functions.wire.mirror_faults import bind_faults, mirror_faults
from stage_functions.wire.policy_faults import CheckRule, misplaced, policy_faults


def configuration_faults(
    content: Mapping[str, Any], configuration: Configuration, check_rule: CheckRule
) -> Iterator[Fault]:
    """Return what is wrong with a configuration, each with its path in the file.

    Args:
        content: the file as plain values, of the right shape.
        configuration: what was made of it.
        check_rule: says what is wrong with a rule.
    """
    yield from _registry_faults(content["registries"], configuration)
    yield from _people_faults(configuration.directory)
    yield from _repeated("lifecycles", "name", content["lifecycles"])
    for index, lifecycle in enumerate(configuration.lifecycles):
        path = ("lifecycles", index)
        for fault in (
            *_scope_faults(lifecycle, configuration.registries),
            *_endpoint_faults(lifecycle, configuration),
            *_name_faults(lifecycle),
            *duration_faults(lifecycle),
            *bind_faults(lifecycle, configuration),
            *faults(lifecycle, configuration.directory),
            *review_faults(lifecycle, configuration.directory),
            *governance_faults(lifecycle, configuration.directory),
            *_rule_faults(lifecycle, configuration, check_rule),
            *copy_faults(lifecycle, configuration),
        ):
            yield Fault((*path, *fault.path), fault.message)


def _repeated(section: str, key: str, items: Sequence[Mapping[str, Any]]) -> Iterator[Fault]:
    for index, item in enumerate(items):
        if any(item[key] == earlier[key] for earlier in items[:index]):
            message = f"the {key} '{item[key]}' is there already; it must be unique"
            yield Fault((section, index, key), message)


def _registry_faults(
    items: Sequence[Mapping[str, Any]], configuration: Configuration
) -> Iterator[Fault]:
    yield from _repeated("registries", "alias", items)
    seen: dict[str, str] = {}
    for index, item in enumerate(items):
        registry = configuration.registries[item["alias"]]
        path = ("registries", index)
        if Source.MLFLOW_STAGE in registry.requests_from and registry.type is RegistryType.AZUREML:
            message = "mlflow_stage is of MLflow servers; Azure ML has no such field"
            yield Fault((*path, "requests_from"), message)
        shown = item.get("mirror_to", ())
        for found in mirror_faults(registry, configuration.lifecycles, shown):
            yield Fault((*path, *found.path), found.message)
        why = strangers_only(registry, configuration) if registry.copies_only else ""
        if why:
            yield Fault((*path, "copies_only"), why)
        for position, glob in enumerate(registry.watch):
            yield from _kind_faults((*path, "watch", position), glob.partition("/")[0])
        if not registry.address:
            continue
        fault = address_fault(registry.type, registry.address)
        other = seen.setdefault(registry.address.casefold(), registry.alias)
        if not fault and other != registry.alias:
            fault = f"registry {other} has this address already"
        if fault:
            yield Fault((*path, "address"), fault)


def _kind_faults(path: tuple[str | int, ...], glob: str) -> Iterator[Fault]:
    if not any(fnmatchcase(kind, glob) for kind in Kind):
        yield Fault(path, f"'{glob}' matches no kind; the kinds are {', '.join(Kind)}")


def _people_faults(directory: Directory) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for key, person in directory.people.items():
        if key in directory.groups:
            message = f"'{key}' is a group too; a person needs a key of their own"
            yield Fault(("people", key), message)
        for index, id_ in enumerate(person.ids):
            malformed = id_fault(id_)
            if malformed:
                yield Fault(("people", key, "ids", index), malformed)
            owner = owners.setdefault(id_.casefold(), key)
            if owner != key or id_ in person.ids[:index]:
                yield Fault(("people", key, "ids", index), f"'{id_}' is an id of {owner} already")
    if OPERATORS in directory.groups:
        message = f"'{OPERATORS}' is a section of its own; a group needs another name"
        yield Fault(("groups", OPERATORS), message)
    for group, members in directory.groups.items():
        yield from _unknown_people(("groups", group), members, directory)
    yield from _unknown_people(("operators",), directory.operators, directory)
    for group in directory.entra:
        if group != OPERATORS and group not in directory.groups:
            hint = did_you_mean(group, (*directory.groups, OPERATORS))
            message = f"no group is named {group}; name one under groups, with [] if need be{hint}"
            yield Fault(("entra", group), message)


def _unknown_people(
    path: tuple[str, ...], keys: Iterable[str], directory: Directory
) -> Iterator[Fault]:
    for index, key in enumerate(keys):
        if key in directory.people:
            continue
        why = f"'{key}' is a group; name its people" if key in directory.groups else ""
        hint = did_you_mean(key, directory.people)
        yield Fault((*path, index), why or f"nobody under people has the key '{key}'{hint}")


def _scope_faults(lifecycle: Lifecycle, aliases: Iterable[str]) -> Iterator[Fault]:
    known = tuple(aliases)
    for index, glob in enumerate(lifecycle.applies_to):
        registry, kind, _ = glob.split("/")
        path = ("applies_to", index)
        if not any(fnmatchcase(alias, registry) for alias in known):
            message = f"'{registry}' matches no registry; there are {', '.join(known)}"
            yield Fault(path, message + did_you_mean(registry, known))
        yield from _kind_faults(path, kind)


def _endpoint_faults(lifecycle: Lifecycle, configuration: Configuration) -> Iterator[Fault]:
    for name, stage in lifecycle.stages.items():
        for index, glob in enumerate(stage.deployable_to):
            fault = glob_fault(glob, configuration.registries)
            if fault:
                yield Fault(("stages", name, "deployable_to", index), fault)
    types = (registry.type for registry in configuration.registries.values())
    if lifecycle.on_violation is OnViolation.ZERO_TRAFFIC and RegistryType.AZUREML not in types:
        message = (
            "only Azure ML has endpoints to take traffic from, and no registry here is one: write "
            f"{OnViolation.NOTIFY}"
        )
        yield Fault(("on_violation",), message)


def _name_faults(lifecycle: Lifecycle) -> Iterator[Fault]:
    seen: dict[str, str] = {}
    for name in lifecycle.stages:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            yield Fault(("stages", name), f"'{name}' and '{other}' differ in case only")
    for index, glob in enumerate(lifecycle.bind):
        own = [tag for tag in CONVERSATION if fnmatchcase(tag, glob)]
        if own:
            message = f"'{glob}' binds Stageward's own tag {own[0]}, which changes as it answers"
            yield Fault(("bind", index), message)


def _rule_faults(
    lifecycle: Lifecycle, configuration: Configuration, check_rule: CheckRule
) -> Iterator[Fault]:
    calendars = tuple(lifecycle.calendars)
    tags = visible_tags(lifecycle, configuration.registries.values())
    for rule in lifecycle.rules.values():
        path = ("rules", rule.name)
        if rule.policy is not None:
            yield from policy_faults(rule, rule.policy, tags, check_rule)
            continue
        yield from misplaced(lifecycle, rule.name)
        fault = check_rule(Rule(rule.name, rule.cel, rule.says), calendars, tags)
        if fault:
            yield Fault((*path, "cel"), f"rule {rule.name}: {fault}")
        for index, expression in enumerate(rule.shows):
            fault = check_rule(Rule(rule.name, "true", rule.says, (expression,)), calendars, tags)
            if fault:
                yield Fault((*path, "shows", index), f"rule {rule.name} {fault}")
