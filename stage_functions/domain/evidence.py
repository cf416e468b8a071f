"""What is known of a version when it is judged.

The document always has every section, empty where nothing is known, so that a rule can ask
`has(evidence.job.id)`. It is what is there: nothing is invented, and nothing is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec import Struct, field

from stage_functions.domain.people import STAGEWARD
from stage_functions.domain.record import Json, canonical, digest_of

SECTIONS = (
    "job",
    "code",
    "model",
    "data",
    "environment",
    "metrics",
    "params",
    "explanations",
    "base_model",
    "features",
    "template",
    "author",
)
MAX_INTEGER = 2**53
"""Canonical JSON keeps integers below this; larger ones are kept as text."""
Scalar = str | bool | int | float
Section = Mapping[str, Scalar]
_EMPTY: Section = MappingProxyType({})
_METRICS = "metrics"
_AUTHOR, _ID = "author", "id"
_NUMBER = re.compile(
    r"-?(?:(?:0|[1-9][0-9]{0,399})(?:\.[0-9]{1,400})?(?:e[+-]?[0-9]{1,3})?|inf|nan)\Z"
)
"""As Python's `repr` writes a number; a text that is longer is a text."""


class Evidence(Struct, frozen=True):
    """The evidence document.

    Attributes:
        sections: by name, each a flat map; missing sections count as empty.
    """

    sections: Mapping[str, Section] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = set(self.sections) - set(SECTIONS)
        if unknown:
            message = (
                f"no evidence section {sorted(unknown)}; the sections are {', '.join(SECTIONS)}"
            )
            raise ValueError(message)

    def section(self, name: str) -> Section:
        """Return a section, empty where nothing is known."""
        return self.sections.get(name, _EMPTY)

    def over(self, origin: Evidence) -> Evidence:
        """Return the document of a copy: what is empty here is as the original has it.

        Its author is the original's: the copy was made by Stageward.
        """
        own = {name: section for name, section in self.sections.items() if section}
        author = {name: section for name in (_AUTHOR,) if (section := origin.section(name))}
        return Evidence({**origin.sections, **own, **author})

    def by(self, told: Callable[[str], str]) -> Evidence:
        """Return the document whose author's id is told in another way, and no other name of it."""
        id_ = str(self.section(_AUTHOR).get(_ID, ""))
        section: Section = {_ID: told(id_)} if id_ else {}
        if section == self.section(_AUTHOR):
            return self
        return Evidence({**self.sections, _AUTHOR: section})

    @property
    def trainer(self) -> str:
        """Id of whose job it was, as the registry writes it; "" where that is not known."""
        id_ = str(self.section(_AUTHOR).get(_ID, ""))
        return "" if id_ == STAGEWARD else id_

    def of_job(self, job: str | None) -> Evidence:
        """Return the document with the job that the version names, where nothing is known of it.

        A version whose job was deleted must not look like one that never had a job.
        """
        if not job or self.section("job").get("id"):
            return self
        named = {**self.section("job"), "id": job}
        return Evidence({**self.sections, "job": named})

    def variables(self) -> dict[str, dict[str, Scalar]]:
        """Return the document as rules see it: every section present, numbers as numbers."""
        return {name: dict(self.section(name)) for name in SECTIONS}

    def document(self) -> dict[str, Json]:
        """Return the document as it is kept and hashed: fractions as Python's `repr` text.

        Canonical JSON has one way to write a text, and several readings of a fraction.
        """
        return {
            name: {key: _kept(value) for key, value in self.section(name).items()}
            for name in SECTIONS
        }

    @classmethod
    def kept(cls, document: Mapping[str, Mapping[str, Scalar]]) -> Evidence:
        """Read the document as it is kept; metrics are numbers again, other fractions stay texts.

        What a later release keeps besides is left out.
        """
        sections = {name: dict(document[name]) for name in SECTIONS if name in document}
        metrics = {
            key: value if (read := number(value)) is None else read
            for key, value in sections.get(_METRICS, {}).items()
        }
        return cls({**sections, _METRICS: metrics})

    def sealed(self) -> tuple[str, bytes]:
        """Return `sha256:<hex>` of the kept document, and its canonical bytes."""
        body = canonical(self.document())
        return digest_of(body), body


def _kept(value: Scalar) -> Json:
    if isinstance(value, float) or (isinstance(value, int) and abs(value) >= MAX_INTEGER):
        return repr(value)
    return value


def number(value: Scalar) -> float | None:
    """Return the number that a value is, or is the text of; None where it is none."""
    if isinstance(value, bool) or (isinstance(value, str) and not _NUMBER.match(value)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
