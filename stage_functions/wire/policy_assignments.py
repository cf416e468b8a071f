"""What the lifecycles of a configuration make of the definitions of Azure Policy.

An assignment is for a resource group; its workspaces, who is approved and whether it watches or
prevents are for the deployment to add. What a policy cannot say is left out, and named: nothing is
rendered that holds for other assets than the lifecycle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from stage_functions.domain import presence
from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import (
    Configuration,
    Mode,
    RegistryConfiguration,
    RegistryType,
    StageEdits,
)
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import shows_native
from stage_functions.domain.record import Json
from stage_functions.wire.policy_definitions import (
    DELETION,
    EFFECTS,
    STAGE_FIELD,
    STAGE_TAG,
    resource_type,
)
from stage_functions.wire.policy_names import EVERY, Governed, governed

MAX_ASSIGNMENT_NAME = 50
"""Azure takes 64 characters; 14 are for what the template adds to tell environments apart."""
DISABLED = "disabled"

_WORKSPACE = "/workspaces/"
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")
_TITLES = {
    STAGE_TAG: "Stageward: the tag `stage` ({})",
    STAGE_FIELD: "Stageward: the stage field ({})",
    DELETION: "Stageward: deletion ({})",
}
_SAYS = {
    STAGE_TAG: "Stageward alone writes what shows a stage: ask by the tag stage_request of a "
    "version at its first stage, or by `stageward promote`.",
    STAGE_FIELD: "Stageward alone writes the stage field of models: leave it as it is, or empty.",
    DELETION: "A version is deleted at these stages only: {}. Ask for one of them first, such as "
    "by `stageward promote`.",
}


class Assignment(Struct, frozen=True):
    """One definition, with what a lifecycle says.

    Attributes:
        definition: its name.
        lifecycle: the lifecycle's.
        registries: aliases of the workspaces that it is for.
        parameters: without those that the deployment adds.
    """

    definition: str
    lifecycle: str
    registries: tuple[str, ...]
    parameters: Mapping[str, list[str]]


class Plan(Struct, frozen=True):
    """What stands in front of the workspaces of a configuration.

    Attributes:
        assignments: in the order of definitions and of the file.
        notes: what to know before preventing anything.
        left_out: what Azure Policy has no words for; nothing stands in front of that.
        unseen: registries whose versions it does not see at all.
    """

    assignments: tuple[Assignment, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()


class _Rule(Struct, frozen=True):
    """What one assignment says of one registry and kind."""

    definition: str
    lifecycle: str
    parameters: tuple[tuple[str, tuple[str, ...]], ...]


def plan(configuration: Configuration) -> Plan:
    """Return the assignments of a configuration."""
    rules: dict[_Rule, dict[str, list[Kind]]] = {}
    left_out: list[str] = []
    unseen: list[str] = []
    spelled: list[str] = []
    workspaces = []
    for registry in configuration.registries.values():
        if not is_workspace(registry):
            unseen.append(f"{registry.alias}: {_unseen(registry)}")
            continue
        workspaces.append(registry)
        for kind in filter(registry.watches_kind, Kind):
            said = governed(registry, kind, configuration.lifecycles)
            left_out += [f"{registry.alias}/{kind}, {one}" for one in said.lost]
            for one in said.governed:
                spelled += one.names + one.exceptions
                for rule in _rules(registry, kind, one):
                    rules.setdefault(rule, {}).setdefault(registry.alias, []).append(kind)
    notes = [*_cautions(workspaces)]
    if any(one != EVERY for one in spelled):
        notes.append("case does not count in the names of a policy: for Iris it is iris, too")
    return Plan(tuple(_grouped(rules)), tuple(notes), tuple(left_out), tuple(unseen))


def is_workspace(registry: RegistryConfiguration) -> bool:
    """Tell whether Azure Policy sees the versions of a registry: it does in workspaces alone."""
    return registry.type is RegistryType.AZUREML and _WORKSPACE in registry.address.lower()


def document(found: Plan) -> list[Json]:
    """Return the assignments as their file holds them."""
    names: set[str] = set()
    return [_document(one, _named(one, names)) for one in found.assignments]


def _document(one: Assignment, name: str) -> Json:
    stages = ", ".join(one.parameters.get("deletableStages", ()))
    return {
        "name": name,
        "definition": one.definition,
        "displayName": _TITLES[one.definition].format(one.lifecycle),
        "registries": list(one.registries),
        "effects": {**EFFECTS[one.definition], DISABLED: DISABLED},
        "parameters": {key: {"value": value} for key, value in one.parameters.items()},
        "nonComplianceMessage": _SAYS[one.definition].format(stages or "none"),
    }


def _named(one: Assignment, taken: set[str]) -> str:
    """Return a name that Azure takes, and that no other assignment has."""
    stem = f"{one.definition}-{_UNFIT.sub('-', one.lifecycle)}"
    number = 1
    while True:
        behind = f"-{number}" if number > 1 else ""
        name = f"{stem[: MAX_ASSIGNMENT_NAME - len(behind)]}{behind}"
        if name.casefold() not in taken:
            taken.add(name.casefold())
            return name
        number += 1


def _rules(registry: RegistryConfiguration, kind: Kind, one: Governed) -> Iterator[_Rule]:
    lifecycle = one.lifecycle
    where = (("names", one.names), ("exceptNames", one.exceptions))
    opened = ("openStages", (lifecycle.initial,))
    reserved = ("reservedTags", _reserved(registry, lifecycle))
    yield _Rule(STAGE_TAG, lifecycle.name, (opened, reserved, *where))
    if shows_native(registry, kind):
        yield _Rule(STAGE_FIELD, lifecycle.name, (opened, *where))
    deletable = tuple(stage.name for stage in lifecycle.stages.values() if stage.deletable)
    if len(deletable) < len(lifecycle.stages):
        yield _Rule(DELETION, lifecycle.name, (("deletableStages", deletable), *where))


def _reserved(registry: RegistryConfiguration, lifecycle: Lifecycle) -> tuple[str, ...]:
    """Return the keys that show a stage which nobody else may write, where none of them asks."""
    if not presence.mirrored(registry):
        return ()
    keys = presence.keys(registry, lifecycle)
    own = [key for stage, key in keys.items() if stage != lifecycle.initial]
    return (*(() if presence.asked(registry) else own), presence.APPROVAL)


def _grouped(rules: Mapping[_Rule, Mapping[str, list[Kind]]]) -> Iterator[Assignment]:
    """Return one assignment for the registries of which a rule says the same of the same kinds."""
    for definition in EFFECTS:
        for rule, found in rules.items():
            if rule.definition != definition:
                continue
            alike: dict[tuple[Kind, ...], list[str]] = {}
            for alias, kinds in found.items():
                alike.setdefault(tuple(kinds), []).append(alias)
            for these, aliases in alike.items():
                parameters = {"resourceTypes": [resource_type(kind) for kind in these]}
                parameters |= {key: list(values) for key, values in rule.parameters}
                yield Assignment(definition, rule.lifecycle, tuple(aliases), parameters)


def _unseen(registry: RegistryConfiguration) -> str:
    if registry.type is RegistryType.MLFLOW:
        return "Azure Policy does not see an MLflow server"
    return (
        "Azure Policy has no words for the versions of a registry; give the right to write there "
        "to the governor alone"
    )


def _cautions(workspaces: Iterable[RegistryConfiguration]) -> Iterator[str]:
    for one in workspaces:
        if one.mode is Mode.OBSERVE:
            yield (
                f"{one.alias} is only observed: whatever is denied there, Stageward does not do "
                "instead; audit until its mode is enforce"
            )
        if one.stage_edits is StageEdits.FORWARD:
            yield (
                f"{one.alias}: an edit of `stage` asks (stage_edits: forward); denied, it asks no "
                "more. stage_request and `stageward promote` do"
            )
        if presence.asked(one):
            yield (
                f"{one.alias}: keys that stand for stages ask (requests_from: presence), so anybody"
                " may set them: only the tag `stage` is guarded"
            )
