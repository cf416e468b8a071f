"""Who is who: one person, many ids. Separation of duties compares persons, never ids.

The directory is what `people`, `groups` and `operators` of the configuration say now; membership
is judged at the moment of a vote or request, not when an approval opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

PERSON = "person"


class Attribution(StrEnum):
    """How surely it is known who acted."""

    PROVEN = "proven"
    INFERRED = "inferred"
    NONE = "none"


class Actor(Struct, frozen=True):
    """Who did something, and how surely that is known.

    Attributes:
        id: `person:<key>`, `<provider>:<stable id>`, or "" where nobody is known.
        attribution: proven, inferred or none.
        via: how it arrived: `api`, `cli`, `tag`, `registry`, `scan`, `import`, or `itself`.
    """

    id: str
    attribution: Attribution
    via: str


NOBODY = Actor("", Attribution.NONE, "tag")
STAGEWARD = "stageward"
"""The actor id of what Stageward does of itself: expiry, put-backs, adoption of a lifecycle."""


class Person(Struct, frozen=True):
    """A person of the configuration.

    Attributes:
        key: stable name in the file; printed as `person:<key>` in records.
        name: what pages show.
        ids: `<provider>:<stable id>` each.
    """

    key: str
    name: str
    ids: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id that records carry."""
        return f"{PERSON}:{self.key}"


class Directory(Struct, frozen=True):
    """All people and groups of the configuration.

    Attributes:
        people: by key.
        groups: keys of people by group name.
        operators: keys of people who may import, scan, resolve and retry.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operators: tuple[str, ...] = ()

    def resolve(self, id_: str) -> str:
        """Return `person:<key>` if a person has this id, else the id itself."""
        if id_.startswith(f"{PERSON}:"):
            return id_
        folded = id_.casefold()
        for person in self.people.values():
            if any(known.casefold() == folded for known in person.ids):
                return person.id
        return id_

    def masked(self, mask: Callable[[str], str]) -> Directory:
        """Return the directory where the masked form of an id means the same person.

        So a person who is mapped only after records were written is known in those as well.
        """
        people = {
            key: replace(
                person, ids=(*person.ids, *(mask(id_) for id_ in person.ids if "@" in id_))
            )
            for key, person in self.people.items()
        }
        return replace(self, people=people)

    def person(self, id_: str) -> Person | None:
        """Return the person whom this id means, or None."""
        provider, _, key = self.resolve(id_).partition(":")
        return self.people.get(key) if provider == PERSON else None

    def groups_of(self, id_: str) -> tuple[str, ...]:
        """Return the groups of the person whom this id means, in file order."""
        person = self.person(id_)
        if person is None:
            return ()
        return tuple(name for name, members in self.groups.items() if person.key in members)

    def is_operator(self, id_: str) -> bool:
        """Tell whether this id is an operator's."""
        person = self.person(id_)
        return person is not None and person.key in self.operators

    def certainly_differ(self, person_id: str, other: str) -> bool:
        """Tell whether a known person is certainly not the one behind another id.

        An id that no person is mapped to may be anybody's, unless the person has an id of that
        same provider: then theirs is known, and it is a different one.
        """
        resolved = self.resolve(other)
        if resolved.startswith(f"{PERSON}:"):
            return self.resolve(person_id) != resolved
        person = self.person(person_id)
        provider = resolved.partition(":")[0]
        return person is not None and any(i.partition(":")[0] == provider for i in person.ids)
