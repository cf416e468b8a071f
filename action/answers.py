"""Stageward's answers as a step of a pipeline tells them, and the exit code of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from report import Level, Told

from stage_functions.cli.output import FAULT, GRANTED, PENDING, REFUSED, REJECTED, moment
from stage_functions.domain.approval import ending
from stage_functions.wire import api

_OUTPUTS = ("outcome", "approval", "address", "stage", "version", "number", "detail")


def decided(decision: api.Decision, given: Mapping[str, str]) -> tuple[Told, int]:
    """Tell the answer to a request."""
    to, pending = given["stage"], decision.outcome == "pending"
    words, level, code = {
        "granted": ("granted", None, GRANTED),
        "unchanged": ("it stands there already", None, GRANTED),
        "pending": ("waits for approval", Level.NOTICE, PENDING),
    }.get(decision.outcome, ("refused", Level.ERROR, REFUSED))
    page = _page(given, decision.approval)
    waits = decision.waits_for or ", ".join(decision.needs)
    detail = f"{decision.detail}; approve it at {page}" if pending else decision.detail
    told = Told(
        f"{decision.version} → {to}: {words}",
        detail,
        level,
        _outputs(
            outcome=decision.outcome,
            approval=decision.approval,
            address=page,
            stage=decision.stage,
            version=decision.version,
            detail=decision.detail,
        ),
        (
            ("version", decision.version),
            ("stands at", decision.stage),
            ("asked for", to),
            ("on behalf of", given.get("on_behalf_of", "")),
            ("reason", given.get("reason", "")),
            ("waits for", waits if pending else ""),
            ("displaces", ", ".join(decision.displaces)),
            ("may be asked for", ", ".join(decision.allowed)),
        ),
        (page, f"approval {decision.approval}") if page else ("", ""),
        _verdicts(decision.verdicts),
    )
    return told, code


def closed(found: api.Approval, given: Mapping[str, str]) -> tuple[Told, int]:
    """Tell how an approval ended, or that it is open still."""
    page = _page(given, found.id)
    waits = found.waits_for or ", ".join(found.needs)
    level: Level | None
    if found.status == "open":
        outcome, level, code = "pending", Level.NOTICE, PENDING
        detail = f"approval {found.id} still needs {waits}; approve it at {page}"
    else:
        granted = found.status == "approved"
        outcome = "granted" if granted else "closed"
        level, code = (None, GRANTED) if granted else (Level.ERROR, REJECTED)
        detail = f"approval {found.id}: {ending(found.status, found.why)}"
    told = Told(
        f"{found.version} → {found.to_stage}: {found.status}",
        detail,
        level,
        _outputs(
            outcome=outcome,
            approval=found.id,
            address=page,
            stage=found.to_stage if outcome == "granted" else found.from_stage,
            version=found.version,
            detail=detail,
        ),
        (
            ("version", found.version),
            ("asked for", f"{found.from_stage} → {found.to_stage}"),
            ("on behalf of", found.on_behalf_of or ""),
            ("reason", found.reason),
            ("waits for", waits if outcome == "pending" else ""),
            ("open until", moment(found.deadline) if outcome == "pending" else ""),
        ),
        (page, f"approval {found.id}"),
        _verdicts(found.verdicts),
    )
    return told, code


def checked(found: api.Check, version: str, target: str) -> tuple[Told, int]:
    """Tell whether something would be allowed."""
    words = "allowed" if found.allowed else "not allowed"
    told = Told(
        f"{version} to {target}: {words}",
        found.detail,
        None if found.allowed else Level.ERROR,
        _outputs(outcome=found.outcome, stage=found.stage, version=version, detail=found.detail),
        (("version", version), ("stands at", found.stage or ""), ("asked about", target)),
        verdicts=_verdicts(found.verdicts),
    )
    return told, GRANTED if found.allowed else REFUSED


def held(found: api.Asset, stage: str) -> tuple[Told, int]:
    """Tell which version stands at a stage; several are a fault, none is an answer."""
    numbers = [one.version for one in found.versions if one.stage == stage and not one.gone]
    if len(numbers) == 1:
        version = f"{found.asset}:{numbers[0]}"
        detail = f"{version} stands at {stage}"
        outputs = _outputs(outcome="granted", stage=stage, version=version, detail=detail)
        return Told(f"{stage} is {version}", detail, None, outputs), GRANTED
    if numbers:
        detail = f"versions {', '.join(numbers)} of {found.asset} all stand at {stage}"
        outputs = _outputs(outcome="fault", stage=stage, detail=detail)
        return Told(f"{stage} has no one holder", detail, Level.ERROR, outputs), FAULT
    detail = f"no version of {found.asset} stands at {stage}"
    outputs = _outputs(outcome="none", stage=stage, detail=detail)
    return Told(f"{stage} is empty", detail, Level.NOTICE, outputs), GRANTED


def _outputs(**given: str | None) -> dict[str, str]:
    """Return all outputs: one that has no value is empty, and does not keep an older one."""
    found = {name: given.get(name) or "" for name in _OUTPUTS}
    return found | {"number": found["version"].rpartition(":")[2]}


def _page(given: Mapping[str, str], approval: str | None) -> str:
    return f"{given['address'].rstrip('/')}/approvals/{approval}" if approval else ""


def _verdicts(found: Iterable[api.Verdict]) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.rule, one.result, one.sentence) for one in found)
