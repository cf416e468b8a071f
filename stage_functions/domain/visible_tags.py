"""Which tags of a version rules may see, and what to tell whoever wrote a rule about another one.

Rules see what approvals are bound to, so of tags those under `bind`. A rule about any other one is
true or false whatever the version carries: that is a fault of the file, not an answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from msgspec import Struct

from stage_functions.domain import presence
from stage_functions.domain.configuration import RegistryConfiguration
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.observation import CONVERSATION, STAGE

ANY = "*"


class VisibleTags(Struct, frozen=True):
    """The tags that rules of a lifecycle may see.

    Attributes:
        bind: globs of those that are the version's own.
        own: keys that Stageward writes, which are under no `bind`.
        written: those of them that a policy sees, as the write would set them.
    """

    bind: tuple[str, ...] = (ANY,)
    own: tuple[str, ...] = ()
    written: tuple[str, ...] = ()

    def unseen(self, key: str) -> str:
        """Say why no expression sees a tag, and the way out; "" if it does. Case counts."""
        if key in self.own:
            return f"it reads the tag '{key}', {_OWN}; the stage is version.stage"
        if any(fnmatchcase(key, glob) for glob in self.bind):
            return ""
        return f"it reads the tag '{key}', {_UNBOUND}; add it to bind"

    def unseen_by_policies(self, key: str) -> str:
        """Say why no policy sees a tag, and the way out; "" if it does. Case does not count."""
        folded = key.casefold()
        if folded in {one.casefold() for one in self.written}:
            return ""
        if folded in {one.casefold() for one in self.own}:
            return f"it reads the tag '{key}', {_OWN}; of its own it sees the tag stage"
        if any(fnmatchcase(folded, glob.casefold()) for glob in self.bind):
            return ""
        return f"it reads the tag '{key}', {_UNBOUND}; add it to bind"


_OWN = "which Stageward writes itself and no rule sees"
_UNBOUND = "which no rule sees, since bind has no glob for it"
EVERY_TAG = VisibleTags()


def visible_tags(lifecycle: Lifecycle, registries: Iterable[RegistryConfiguration]) -> VisibleTags:
    """Return the tags that the rules of a lifecycle may see in the registries that it governs."""
    governed = [one for one in registries if presence.governing(one.alias, [lifecycle])]
    heard = {key for one in governed for key in presence.heard(one, [lifecycle])}
    written = {
        key
        for one in governed
        if presence.mirrored(one)
        for key in presence.keys(one, lifecycle).values()
    }
    return VisibleTags(lifecycle.bind, (*CONVERSATION, *sorted(heard)), (STAGE, *sorted(written)))
