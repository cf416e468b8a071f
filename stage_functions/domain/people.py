"""Who is who: one person, many ids. Separation of duties compares persons, never ids.

The directory is what `people`, `groups` and `operators` of the configuration say now; membership
is judged at the moment of a vote or request, not when an approval opened.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum

from msgspec import Struct, field
from msgspec.structs import replace

from stage_functions.domain.stored import Stored

PERSON = "person"
AZUREML = "aml"
"""The provider of a name that Azure ML shows of a writer whose id it does not tell."""
_MASKED = re.compile(r"raw-[0-9a-f]{24}\Z")


class Attribution(StrEnum):
    """How surely it is known who acted."""

    PROVEN = "proven"
    INFERRED = "inferred"
    NONE = "none"


class Actor(Stored, frozen=True):
    """Who did something, and how surely that is known.

    Attributes:
        id: `person:<key>`, `<provider>:<stable id>`, or "" where nobody is known.
        attribution: proven, inferred or none.
        via: how it arrived: `api`, `cli`, `page`, `link`, `tag`, `registry`, `scan`, `import`, or
            `itself`.
    """

    id: str
    attribution: Attribution
    via: str


NOBODY = Actor("", Attribution.NONE, "tag")
"""Of a tag that somebody wrote, nobody knows who."""
UNKNOWN = Actor("", Attribution.NONE, "registry")
"""Of what a registry shows, where no tag asked for anything."""
OPERATORS = "operators"
STAGEWARD = "stageward"
"""The actor id of what Stageward does of itself: expiry, put-backs, adoption of a lifecycle."""


def names_somebody(id_: str) -> bool:
    """Tell whether an id could be a name or a mail address: records carry it masked."""
    provider, _, text = id_.partition(":")
    if provider == PERSON:
        return False
    blank = any(one.isspace() for one in text)  # ids have none, display names do
    return "@" in text or blank or (provider == AZUREML and not _MASKED.match(text))


class Person(Struct, frozen=True):
    """A person of the configuration.

    Attributes:
        key: stable name in the file; printed as `person:<key>` in records.
        name: what pages show.
        ids: `<provider>:<stable id>` each.
        mail: where personal mail goes, or "".
    """

    key: str
    name: str
    ids: tuple[str, ...] = ()
    mail: str = ""

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
        entra: app roles and groups of Microsoft Entra whose members belong to a group here too, by
            its name, or by `OPERATORS`.
        claimed: groups of whoever is signed in now by what Entra says of them, by id.
    """

    people: Mapping[str, Person] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    operators: tuple[str, ...] = ()
    entra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    claimed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
            key: replace(person, ids=(*person.ids, *map(mask, filter(names_somebody, person.ids))))
            for key, person in self.people.items()
        }
        return replace(self, people=people)

    def person(self, id_: str) -> Person | None:
        """Return the person whom this id means, or None."""
        provider, _, key = self.resolve(id_).partition(":")
        return self.people.get(key) if provider == PERSON else None

    def groups_of(self, id_: str) -> tuple[str, ...]:
        """Return the groups of whoever this id means, in file order."""
        person = self.person(id_)
        claimed = self.claimed.get(self.resolve(id_), ())
        return tuple(
            name
            for name, members in self.groups.items()
            if name in claimed or (person is not None and person.key in members)
        )

    def is_operator(self, id_: str) -> bool:
        """Tell whether this id is an operator's."""
        person = self.person(id_)
        listed = person is not None and person.key in self.operators
        return listed or OPERATORS in self.claimed.get(self.resolve(id_), ())

    def knows(self, id_: str) -> bool:
        """Tell whether this id means somebody of the file, by name or by what Entra says."""
        return self.person(id_) is not None or self.resolve(id_) in self.claimed

    def claiming(self, id_: str, values: Iterable[str]) -> Directory:
        """Return the directory as it is for somebody signed in with roles and groups of Entra.

        Args:
            id_: who is signed in.
            values: the app roles and group ids that the token names.
        """
        named = set(values)
        groups = tuple(name for name, wanted in self.entra.items() if named & set(wanted))
        return replace(self, claimed={self.resolve(id_): groups}) if groups else self

    def certainly_differ(self, one: str, other: str) -> bool:
        """Tell whether two ids certainly mean different persons.

        An id that no person is mapped to may be anybody's, unless whoever it is compared with has
        an id of that same provider: then theirs is known, and it is a different one.
        """
        mine, theirs = self.resolve(one), self.resolve(other)
        if mine == theirs:
            return False
        persons = mine.startswith(f"{PERSON}:") and theirs.startswith(f"{PERSON}:")
        return persons or bool(self._providers(mine) & self._providers(theirs))

    def _providers(self, id_: str) -> set[str]:
        """Return the providers by whose ids somebody can be told from others."""
        person = self.person(id_)
        ids = person.ids if person is not None else (id_,)
        return {known.partition(":")[0] for known in ids} - {PERSON}
