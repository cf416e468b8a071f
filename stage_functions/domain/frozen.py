"""What is edited from outside of a version at a frozen stage, and how it is put back.

As a version comes to such a stage, what it is then is kept as a document: its tags, its description
and what identifies its content. What differs from that later was edited from outside.

- Left out are the tags that carry the conversation and the stage, and those that a registry and its
  libraries write themselves.
- Tags and the description are put back. The content cannot be: a version whose content was edited
  in place is another thing, which begins anew.
- Each part is recorded once until somebody acknowledges it, however often it is edited.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain import presence
from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import Edit
from stage_functions.domain.observation import CONVERSATION
from stage_functions.domain.record import Draft, Json, RecordType, canonical, digest_of
from stage_functions.domain.state import Step, VersionState

OF_REGISTRIES = ("mlflow.", "azureml.")
"""Beginnings of the keys that MLflow and Azure ML write themselves."""
CONTENT, DESCRIPTION = "content", "description"
PAUSED = "paused"
"""Stands among the parts for the record that Stageward stops putting back for a while."""
MAX_PARTS = 50
"""Parts recorded until somebody acknowledges; further ones are put back without a record."""
SHOWN_CHARACTERS = 120
"""Of a value, before and after, in a record."""
_ARRIVES = frozenset({RecordType.REGISTERED, RecordType.IMPORTED, RecordType.STAGE_CHANGED})


class Frozen(Struct, frozen=True):
    """What a version is, as far as a frozen stage keeps it.

    Attributes:
        tags: all but those that are left out.
        description: free text.
        content: what identifies its content.
    """

    tags: Mapping[str, str]
    description: str
    content: str

    def sealed(self) -> tuple[str, bytes]:
        """Return its digest and the document that it is over."""
        document = canonical(
            {"tags": dict(self.tags), "description": self.description, "content": self.content}
        )
        return digest_of(document), document

    def parts(self, now: Frozen) -> dict[str, str]:
        """Return what differs by now: the parts, each with what changed, in words.

        Content that differs is another incarnation, and none of these.
        """
        keys = sorted(self.tags.keys() | now.tags.keys())
        changed = {
            _tag(key): _line(f"tag {key}", self.tags.get(key), now.tags.get(key))
            for key in keys
            if self.tags.get(key) != now.tags.get(key)
        }
        if self.description != now.description:
            old, new = self.description or None, now.description or None
            changed[DESCRIPTION] = _line(DESCRIPTION, old, new)
        return changed

    def edit(self, now: Frozen) -> Edit:
        """Return what is to be written so that a version shows this again."""
        keys = self.tags.keys() | now.tags.keys()
        tags = {k: self.tags.get(k) for k in keys if self.tags.get(k) != now.tags.get(k)}
        described = None if self.description == now.description else self.description
        return Edit(tags, description=described)


def shown(snapshot: Snapshot, registry: RegistryConfiguration, lifecycle: Lifecycle) -> Frozen:
    """Return what a version is, as its registry shows it."""
    own = {*CONVERSATION, *presence.heard(registry, [lifecycle])}
    tags = {
        _sound(key): _sound(value)
        for key, value in snapshot.tags.items()
        if key not in own and not key.startswith(OF_REGISTRIES)
    }
    return Frozen(tags, _sound(snapshot.description), snapshot.content)


def kept(document: bytes) -> Frozen:
    """Read a document that was kept."""
    return msgspec.json.decode(document, type=Frozen)


def freezes(lifecycle: Lifecycle, stage: str) -> bool:
    """Tell whether versions at a stage are frozen."""
    known = lifecycle.stages.get(stage)
    return known is not None and known.frozen


def edited_in_place(state: VersionState, snapshot: Snapshot, lifecycle: Lifecycle) -> bool:
    """Tell whether the content of a version at a frozen stage was edited: it was not made anew."""
    made = snapshot.incarnation.partition("/")[0]
    return (
        freezes(lifecycle, state.stage)
        and state.incarnation != snapshot.incarnation
        and state.incarnation.partition("/")[0] == made
    )


def content_change(state: VersionState, snapshot: Snapshot) -> str:
    """Say what became of the content."""
    return _line(CONTENT, state.content, snapshot.content)


def seal(step: Step, version: str, digest: str) -> Step:
    """Note what a version is at its frozen stage, also in the record that brought it there."""
    step = step.with_version(replace(step.version(version), frozen=digest))
    for place in reversed(range(len(step.drafts))):
        draft = step.drafts[place]
        if draft.version == version and draft.type in _ARRIVES:
            drafts = list(step.drafts)
            drafts[place] = _with(draft, {"frozen": digest})
            return replace(step, drafts=tuple(drafts))
    return step


def _with(draft: Draft, fields: Mapping[str, Json]) -> Draft:
    return replace(draft, fields={**draft.fields, **fields})


def _tag(key: str) -> str:
    return f"tag {key}"


def _line(what: str, old: str | None, new: str | None) -> str:
    """Say a difference as a record of a lifecycle does."""
    if old is None:
        return f"+ {what}: {_short(new or '')}"
    if new is None:
        return f"- {what}: {_short(old)}"
    return f"~ {what}: {_short(old)} → {_short(new)}"


def _short(value: str) -> str:
    return value if len(value) <= SHOWN_CHARACTERS else f"{value[: SHOWN_CHARACTERS - 1]}…"


def _sound(text: str) -> str:
    """Return a text without halves of surrogate pairs, which no document can hold."""
    return text.encode(errors="replace").decode()
