"""What a version uses, and what uses it: facts of rules that reach across assets.

What a version uses is in its evidence. Who uses a version is found by the index `users`, which
nominates and is never believed: a user counts only if its own row in the ledger says that it uses
the version, and it stands where that row says.

Stages of other assets are read as they are at that moment, under no lock of theirs: see
`docs/adr/0012-rules-across-assets.md`.
"""

from __future__ import annotations

from collections.abc import Mapping

from stage_functions.application import users as index
from stage_functions.application.context import Context
from stage_functions.application.ledger import Ledger
from stage_functions.domain.asset import Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.facts import related
from stage_functions.domain.rule import Withheld
from stage_functions.domain.state import Step, VersionState
from stage_functions.domain.uses import MAX_RELATED, Use, uses

Related = list[Mapping[str, str]]


def used(context: Context, step: Step, of: Version, evidence: Evidence) -> Related | Withheld:
    """Return what a version uses, each with the stage that it stands at now."""
    found = uses(evidence)
    if len(found) > MAX_RELATED:
        why = f"{of} uses {len(found)} things; rules look at {MAX_RELATED} at the most"
        return Withheld(why)
    return [
        {"as": use.role, **related(use.version, _stage(context.ledger, step, of, use), use.text)}
        for use in found
    ]


def users(context: Context, step: Step, of: Version) -> Related | Withheld:
    """Return the versions that use this one, each with the stage that it stands at now."""
    nominated = index.nominated(context.ledger.rows, of, MAX_RELATED + 1)
    if len(nominated) > MAX_RELATED:
        why = f"more than {MAX_RELATED} versions use {of}; rules look at no more of them"
        return Withheld(why)
    found: Related = []
    for user in nominated:
        state = _state(context.ledger, step, of, user)
        if state is not None and state.governed and str(of) in state.uses:
            found.append(related(user, state.stage))
    return found


def _stage(ledger: Ledger, step: Step, of: Version, use: Use) -> str:
    state = _state(ledger, step, of, use.version) if use.version is not None else None
    return state.stage if state is not None and state.governed else ""


def _state(ledger: Ledger, step: Step, of: Version, version: Version) -> VersionState | None:
    """Return where a version stands: as the decision in hand has it, else as the ledger has."""
    if version.asset == of.asset and version.number in step.state.versions:
        return step.version(version.number)
    return ledger.state(version)
