"""A rule's answer. Rules answer; they do not act.

Only `passed` lets a transition through. A rule that cannot be evaluated has errored, and an errored
rule never grants. Evaluation itself is an adapter's; what a rule may read is assembled here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from msgspec import Struct, field

from stage_functions.domain.stored import Stored

ABSENT = " is not recorded"
"""How the value of an expression ends that has none."""
NOBODY_HOLDS = "no version holds "
"""How the value of an expression begins that reads a holder where there is none."""


class Result(StrEnum):
    """What a rule answered."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


class AzurePolicy(Struct, frozen=True):
    """A definition of Azure Policy, and the values of its parameters.

    Attributes:
        definition: as canonical JSON.
        parameters: by name, as canonical JSON.
        file: where it is written, as the configuration names it; "" where it is written there.
    """

    definition: str
    parameters: str = "{}"
    file: str = ""


class Rule(Struct, frozen=True):
    """A condition on a transition: an expression, or a definition of Azure Policy.

    Attributes:
        name: as transitions refer to it.
        cel: the expression, in the Common Expression Language; must be a BOOL. "" for a policy.
        says: the condition in words, for people.
        shows: expressions whose values go into the verdict.
        policy: the definition, or None for an expression.
    """

    name: str
    cel: str = ""
    says: str = ""
    shows: tuple[str, ...] = ()
    policy: AzurePolicy | None = None


class Verdict(Stored, frozen=True):
    """A rule's answer with the values it saw.

    Attributes:
        rule: the rule's name.
        result: passed, failed or errored.
        values: text by expression of `shows`; an absent value says so in words.
        says: the condition in words.
        error: why it could not be evaluated, where it errored.
    """

    rule: str
    result: Result
    values: Mapping[str, str] = field(default_factory=dict)
    says: str = ""
    error: str = ""

    @property
    def sentence(self) -> str:
        """The verdict for people, with the values it saw."""
        text = f"{self.rule} {self.result}" + (f" ({self.says})" if self.says else "")
        parts = [part for part in (", ".join(self.shown), self.unsaid) if part]
        return f"{text}: {'; '.join(parts)}" if parts else text

    @property
    def shown(self) -> tuple[str, ...]:
        """The values it saw, each in words."""
        return tuple(_shown(name, value) for name, value in self.values.items())

    @property
    def unsaid(self) -> str:
        """Why it could not be evaluated, unless one of the values says just that."""
        return "" if self.error in self.shown else self.error


def _shown(name: str, value: str) -> str:
    if value.endswith(ABSENT):
        return f"{name}{ABSENT}"
    return f"{name}: {value}" if value.startswith(NOBODY_HOLDS) else f"{name} = {value}"


class Withheld(Struct, frozen=True):
    """Stands for a fact that cannot be given: whatever rule needs it has errored.

    Attributes:
        why: in words.
    """

    why: str


Facts = Mapping[str, Any]
"""The variables of a rule: `version`, `evidence`, `holder`, `request`, `now`, `in_stage_since`;
and, only where a rule names them, `uses`, `used_by`, `calendars`; only where a rule is a policy,
`resource`."""
RESOURCE = "resource"
"""The variable that policies read: see `arm_form`."""


def all_passed(verdicts: tuple[Verdict, ...]) -> bool:
    """Tell whether nothing stands in the way."""
    return all(verdict.result is Result.PASSED for verdict in verdicts)
