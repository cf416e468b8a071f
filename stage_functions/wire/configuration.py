"""Reads `stageward.yaml` into the configuration, or says everything that is wrong with it.

Three stages of checking, each telling all of its faults with file, line and column: the notation,
the shape, the meaning. Whether a stage may still change while versions stand in it is not checked
here: that needs the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from stage_functions.domain.calendar import Calendar
from stage_functions.domain.configuration import (
    Configuration,
    Mirror,
    Mode,
    RegistryConfiguration,
    RegistryType,
    Source,
    StageEdits,
)
from stage_functions.domain.error import LaterReleaseError
from stage_functions.domain.lifecycle import (
    ApprovalPolicy,
    Assurance,
    Emergency,
    Escalation,
    Excluded,
    Lifecycle,
    NotRatified,
    OnViolation,
    Review,
    Stage,
    Transition,
    WhenInvalid,
    WhenUnreviewed,
)
from stage_functions.domain.people import Directory, Person
from stage_functions.domain.record import Json, canonical
from stage_functions.domain.rule import AzurePolicy, Rule
from stage_functions.wire import yaml_marks
from stage_functions.wire.address import expand
from stage_functions.wire.alias_faults import ALIAS, split
from stage_functions.wire.configuration_faults import configuration_faults
from stage_functions.wire.definitions import FILE, ReadFile, no_files, with_definitions
from stage_functions.wire.faults import Fault, raise_any
from stage_functions.wire.policy_faults import CheckRule
from stage_functions.wire.schema_faults import misfit, schema_faults
from stage_functions.wire.yaml_marks import Document

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}

Item = Mapping[str, Any]
_ANY_REGISTRY = {"alias": "any", "type": "mlflow", "address": "http://any"}
"""A file has one; of a text that is read alone none is asked."""


def load(
    text: str,
    *,
    path: str,
    environment: Mapping[str, str] | None,
    check_rule: CheckRule,
    read_file: ReadFile = no_files,
) -> Configuration:
    """Return what the file says.

    Args:
        text: the file's content.
        path: the file's name, for messages.
        environment: what `${NAME}` in an address is read from; with None no address is looked at.
        check_rule: says what is wrong with a rule.
        read_file: how the definitions of Azure Policy that it names are read.

    Raises:
        ConfigurationError: the number of faults, then each with file, line and column.
    """
    document, notation = yaml_marks.read(text)
    raise_any(notation, path)
    raise_any(schema_faults(document), path)
    written: Item = document.value  # type: ignore[assignment]  # the schema says so
    content, unread = with_definitions(written, read_file)
    configuration = _configuration(content, environment)
    raise_any(
        [
            *_unset(document, content["registries"], environment),
            *(
                Fault(document.place(fault.path), fault.message)
                for fault in (
                    *unread,
                    *configuration_faults(content, configuration, check_rule),
                )
            ),
        ],
        path,
    )
    return configuration


def lifecycle_of(text: Mapping[str, Json]) -> Lifecycle:
    """Return what the text of a lifecycle says that the ledger keeps: it was checked once.

    Raises:
        LaterReleaseError: it has what this release does not know, which may be a demand.
    """
    rules = {name: _as_sent(rule) for name, rule in _mapping(text.get("rules")).items()}
    shape = {**text, **({"rules": rules} if rules else {})}
    whole: Any = {"version": 1, "registries": [_ANY_REGISTRY], "lifecycles": [shape]}
    found = misfit(whole)
    if found:
        message = f"the lifecycle {text.get('name')} is of a later release: {found}"
        raise LaterReleaseError(message)
    return _lifecycle(text)


def _mapping(value: object) -> Item:
    return value if isinstance(value, Mapping) else {}


def _as_sent(rule: object) -> Mapping[str, Any]:
    """Return a rule without the name of the file that its definition was read from."""
    return {key: value for key, value in _mapping(rule).items() if key != FILE}


def _unset(
    document: Document, registries: Sequence[Item], environment: Mapping[str, str] | None
) -> list[Fault]:
    if environment is None:
        return []
    found = [
        (index, expand(registry["address"], registry["alias"], environment)[1])
        for index, registry in enumerate(registries)
    ]
    return [
        Fault(document.place(("registries", index, "address")), message)
        for index, message in found
        if message
    ]


def _configuration(content: Item, environment: Mapping[str, str] | None) -> Configuration:
    registries = [_registry(item, environment) for item in content["registries"]]
    groups: Mapping[str, Sequence[str]] = content.get("groups", {})
    return Configuration(
        registries={registry.alias: registry for registry in registries},
        directory=Directory(
            people={key: _person(key, item) for key, item in content.get("people", {}).items()},
            groups={name: tuple(keys) for name, keys in groups.items()},
            operators=tuple(content.get("operators", ())),
            entra={name: tuple(named) for name, named in content.get("entra", {}).items()},
        ),
        lifecycles=tuple(_lifecycle(item) for item in content["lifecycles"]),
    )


def _registry(item: Item, environment: Mapping[str, str] | None) -> RegistryConfiguration:
    address = ""
    if environment is not None:
        address, _ = expand(item["address"], item["alias"], environment)
    return RegistryConfiguration(
        alias=item["alias"],
        type=RegistryType(item["type"]),
        address=address.rstrip("/"),
        **_options(
            item,
            mode=Mode,
            watch=tuple,
            requests_from=lambda names: tuple(Source(name) for name in names),
            mirror_to=lambda names: tuple(
                Mirror(name) for name in names if not name.startswith(ALIAS)
            ),
            stage_edits=StageEdits,
            presence=dict,
            copies_only=bool,
        ),
        aliases=dict(split(name) for name in item.get("mirror_to", ()) if name.startswith(ALIAS)),
    )


def _person(key: str, item: Item) -> Person:
    return Person(key, item.get("name", key), **_options(item, ids=tuple, mail=str))


def _lifecycle(item: Item) -> Lifecycle:
    rules: Mapping[str, Item] = item.get("rules", {})
    calendars: Mapping[str, Item] = item.get("calendars", {})
    return Lifecycle(
        name=item["name"],
        applies_to=tuple(item["applies_to"]),
        stages={name: _stage(name, stage) for name, stage in item["stages"].items()},
        transitions=tuple(_transition(transition) for transition in item["transitions"]),
        rules={name: _rule(name, rule) for name, rule in rules.items()},
        calendars={name: _calendar(name, calendar) for name, calendar in calendars.items()},
        text=item,
        **_options(
            item,
            forward_only=bool,
            bind=tuple,
            links_despite_exclusions=bool,
            on_violation=OnViolation,
            emergency=_emergency,
            protect_lifecycle=tuple,
            renamed=dict,
            retain_for=_duration,
        ),
    )


def _stage(name: str, item: Item) -> Stage:
    return Stage(
        name,
        **_options(
            item,
            initial=bool,
            terminal=bool,
            exclusive=bool,
            displaced_to=str,
            deletable=bool,
            deployable_to=tuple,
            hidden=bool,
            retire_within=_duration,
            rollback_within=_duration,
            frozen=bool,
        ),
        review=_review(item),
    )


def _review(item: Item) -> Review | None:
    if "review_every" not in item:
        return None
    return Review(
        _duration(item["review_every"]),
        **_options(
            item.get("review", {}),
            groups=tuple,
            within=_duration,
            remind=_durations,
            when_unreviewed=WhenUnreviewed,
        ),
    )


def _emergency(item: Item) -> Emergency:
    return Emergency(
        tuple(item["groups"]),
        **_options(
            item,
            ratify_within=_duration,
            not_ratified=NotRatified,
            escalate_to=str,
            waives=tuple,
        ),
    )


def _rule(name: str, item: Item) -> Rule:
    return Rule(name, **_options(item, cel=str, says=str, shows=tuple), policy=_policy(item))


def _policy(item: Item) -> AzurePolicy | None:
    """Return the definition of a rule; an empty one where its file has faults."""
    if "azure_policy" not in item:
        return None
    return AzurePolicy(
        canonical(item["azure_policy"] or {}).decode(),
        canonical(item.get("parameters", {})).decode(),
        item.get(FILE, ""),
    )


def _calendar(name: str, item: Item) -> Calendar:
    return Calendar(
        name,
        item["timezone"],
        item["starts"],
        _duration(item["lasts"]),
        **_options(item, recurs=str),
    )


def _transition(item: Item) -> Transition:
    return Transition(
        item["from"],
        item["to"],
        **_options(item, rules=tuple, requesters=tuple, approval=_approval, copy_to=str),
    )


def _approval(item: Item) -> ApprovalPolicy:
    return ApprovalPolicy(
        item["quorum"],
        dict(item["groups"]),
        **_options(
            item,
            exclude=lambda parts: tuple(Excluded(part) for part in parts),
            expires=_duration,
            remind=_durations,
            escalate=lambda further: Escalation(_duration(further["after"]), further["to"]),
            assurance=Assurance,
            valid_for=_duration,
            when_invalid=WhenInvalid,
        ),
    )


def _durations(texts: Sequence[str]) -> tuple[timedelta, ...]:
    return tuple(_duration(text) for text in texts)


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


def _options(item: Item, **readers: Callable[[Any], object]) -> dict[str, Any]:
    """Return what the file gives of some keys; the rest keeps the default of its type."""
    return {key: read(item[key]) for key, read in readers.items() if key in item}
