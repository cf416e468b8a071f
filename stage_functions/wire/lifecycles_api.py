"""Documents of the API about lifecycles: what waits, who consented, what a file would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class LifecycleChange:
    """A change of a lifecycle that the file has, and that is not in force.

    Attributes:
        digest: what is consented to: of the text, or over all that changes.
        text: digest of the text that would be in force; an empty text where it is taken out.
        before: digest of the text in force; an empty text where none is.
        changes: '+ path: value', '- path: value' or '~ path: old → new'.
        loosens: what it loosens, in words; empty where it waits only because it was superseded.
        needs: whose word it waits for, in words.
        groups: of whom a member must consent; empty where an operator must say so.
    """

    digest: str
    text: str
    before: str
    changes: tuple[str, ...]
    loosens: tuple[str, ...]
    needs: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LifecycleLaw:
    """A lifecycle in force, and what waits to be.

    Attributes:
        name: its name.
        digest: of the text in force; an empty text where none is.
        waiting: the change that waits, or null.
    """

    name: str
    digest: str
    waiting: LifecycleChange | None


@dataclass(frozen=True, slots=True)
class AdoptionBody:
    """Consent to a change of a lifecycle.

    Attributes:
        digest: of the change, as it was shown.
        comment: in your words, at most 2,000 characters.
    """

    digest: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Adoption:
    """What was adopted.

    Attributes:
        name: of the lifecycle.
        digest: of the text in force now; an empty text where it is no more.
        record: number of the record that says so.
        actor: id of who consented.
        loosens: what was consented to, in words.
    """

    name: str
    digest: str
    record: int
    actor: str
    loosens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LifecycleHistory:
    """Records of a lifecycle, in order.

    Attributes:
        records: as they are kept.
    """

    records: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ValidationBody:
    """A file that is to be held against the ledger.

    Attributes:
        configuration: its text, at most 200,000 characters.
        definitions: texts of the definitions of Azure Policy that it names, by their paths.
    """

    configuration: str
    definitions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StrandedVersions:
    """Versions that would stand nowhere, be too many, or be governed by nothing.

    Attributes:
        asset: `registry/kind/name`.
        versions: their numbers.
        stage: where they stand.
        why: in words, with what to do.
    """

    asset: str
    versions: tuple[str, ...]
    stage: str
    why: str


@dataclass(frozen=True, slots=True)
class VoidedApproval:
    """An open approval that a file would void: it is bound to the text in force.

    Attributes:
        id: of the approval.
        version: `registry/kind/name:version`.
        deadline: when it would lapse.
    """

    id: str
    version: str
    deadline: datetime


@dataclass(frozen=True, slots=True)
class CourseOfLifecycle:
    """What would become of a lifecycle.

    Attributes:
        name: its name.
        outcome: `same`, `adopt` (at once), or `wait` (for consent).
        change: what waits, or null.
    """

    name: str
    outcome: str
    change: LifecycleChange | None


@dataclass(frozen=True, slots=True)
class RenamedStage:
    """A stage that a file calls otherwise.

    Attributes:
        lifecycle: its name.
        before: how the stage is called now.
        after: how it would be.
        versions: how many stand there, and would follow.
    """

    lifecycle: str
    before: str
    after: str
    versions: int


@dataclass(frozen=True, slots=True)
class Validation:
    """What a file would do to what is there; nothing was changed.

    Attributes:
        sound: it would strand nothing.
        refused: why it could not be adopted at all, in words.
        stranded: versions, at most 200 entries.
        more: how many further entries there are.
        voided: open approvals that it would void, the next deadline first.
        lifecycles: what would become of each.
        renamed: stages that are called otherwise.
    """

    sound: bool
    refused: tuple[str, ...]
    stranded: tuple[StrandedVersions, ...]
    more: int
    voided: tuple[VoidedApproval, ...]
    lifecycles: tuple[CourseOfLifecycle, ...]
    renamed: tuple[RenamedStage, ...]
