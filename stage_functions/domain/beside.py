"""What approvers see beside what an approval is bound to: kept, compared, and never a ground.

Tags in which a registry's libraries name who made a version are left out: evidence has the author,
masked, and what is kept here could never be forgotten. A half of a surrogate pair, which canonical
JSON cannot hold, is kept as a question mark.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from stage_functions.domain.asset import Snapshot
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.mirror import own_tags
from stage_functions.domain.observation import CONVERSATION
from stage_functions.domain.record import Json

OF_AUTHORS = ("mlflow.user",)
"""Tags that name who made a version."""


class HolderBeside(Struct, frozen=True):
    """What was shown of the holder beside its evidence.

    Attributes:
        tags: those that the lifecycle binds.
        properties: all.
        description: free text.
    """

    tags: dict[str, str]
    properties: dict[str, str]
    description: str = ""


class Beside(Struct, frozen=True):
    """What was shown of a version, and of the holder, beside what an approval is bound to.

    Attributes:
        tags: of the version, those that are not bound.
        holder: of the holder, or None where there was none.
    """

    tags: dict[str, str]
    holder: HolderBeside | None = None

    def document(self) -> dict[str, Json]:
        """Return it as it is kept."""
        tags = dict(self.tags)
        if self.holder is None:
            return {"tags": tags}
        holder = self.holder
        return {
            "tags": tags,
            "holder": {
                "tags": dict(holder.tags),
                "properties": dict(holder.properties),
                "description": holder.description,
            },
        }


def shown_beside(
    lifecycle: Lifecycle,
    registry: RegistryConfiguration,
    snapshot: Snapshot,
    holder: Snapshot | None,
) -> Beside:
    """Return what approvers see of a version and of the holder beside what they are bound to."""
    tags = unbound_tags(lifecycle, registry, snapshot)
    if holder is None:
        return Beside(tags)
    return Beside(
        tags,
        HolderBeside(
            _whole(lifecycle.bound(holder.tags)),
            _whole(holder.properties),
            _encodable(holder.description),
        ),
    )


def unbound_tags(
    lifecycle: Lifecycle, registry: RegistryConfiguration, snapshot: Snapshot
) -> dict[str, str]:
    """Return the tags that an approval is not bound to; Stageward's own conversation is none."""
    own = own_tags(registry, lifecycle)
    left_out = {*OF_AUTHORS, *lifecycle.bound(snapshot.tags), *CONVERSATION, *own}
    return _whole({key: value for key, value in snapshot.tags.items() if key not in left_out})


def _whole(texts: Mapping[str, str]) -> dict[str, str]:
    return {_encodable(key): _encodable(value) for key, value in texts.items()}


def _encodable(text: str) -> str:
    return text.encode(errors="replace").decode()
