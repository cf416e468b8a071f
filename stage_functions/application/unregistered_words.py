"""What is said of what nobody has registered, and the command by which somebody registers it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from stage_functions.application.unregistered_rows import Note
from stage_functions.domain.asset import Kind
from stage_functions.domain.configuration import RegistryConfiguration, RegistryType
from stage_functions.domain.lifecycle import UNREGISTERED

_COMMAND = {
    Kind.MODELS: "az ml model create --name <name>",
    Kind.DATA: "az ml data create --name <name>",
    Kind.ENVIRONMENTS: "az ml environment create --name <name>",
    Kind.COMPONENTS: "az ml component create --name <name>",
}
_BY_ADDRESS = (Kind.MODELS, Kind.DATA)
"""What an address and a type are enough for; the others are told in a file."""


def origin_words(note: Note) -> str:
    """Say what it is that nobody has registered."""
    if note.output:
        return f"output {note.output} of job {note.job}"
    return f"made by its registry for job {note.job}" if note.job else "made by its registry"


def how_to_register(note: Note, registry: RegistryConfiguration) -> str:
    """Return a command by which it is registered, in the registry that has it.

    What the reader must fill in stands in angle brackets.
    """
    kind = note.named.asset.kind
    if kind in _BY_ADDRESS:
        type_ = shlex.quote(note.type) if note.type else "<its type>"
        what = f"--path {shlex.quote(note.path or note.content)} --type {type_}"
    else:
        what = "--file <its YAML file>"
    return " ".join((_COMMAND[kind], what, *_place(registry)))


def refusal_words(note: Note, registry: RegistryConfiguration) -> str:
    """Say why nothing can be asked of it, and what to do."""
    how = how_to_register(note, registry)
    return f"{note.version} is {UNREGISTERED}: register it first, such as by `{how}`"


def _place(registry: RegistryConfiguration) -> Iterator[str]:
    """Yield the options that name a workspace or registry of Azure ML."""
    if registry.type is not RegistryType.AZUREML:
        return
    parts = registry.address.strip("/").split("/")
    named = dict(zip((part.lower() for part in parts[::2]), parts[1::2], strict=False))
    if shared := named.get("registries"):
        yield f"--registry-name {shlex.quote(shared)}"
        return
    for option, key in (("workspace-name", "workspaces"), ("resource-group", "resourcegroups")):
        if key in named:
            yield f"--{option} {shlex.quote(named[key])}"
