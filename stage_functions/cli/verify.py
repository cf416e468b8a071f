"""`stageward verify`: whether histories are whole, where the ledger is or from a file. Offline."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from msgspec import Struct

from stage_functions.adapters import logs
from stage_functions.cli.output import FAULT, Json, complain, fail, moment, print_json, say
from stage_functions.domain.chain import Broken
from stage_functions.domain.error import (
    ConfigurationError,
    InvalidInputError,
    LedgerDamagedError,
    NotFoundError,
)
from stage_functions.settings import Settings, read_settings

if typing.TYPE_CHECKING:
    from stage_functions.application.anchored import Anchored
    from stage_functions.application.verifying import Verified
    from stage_functions.application.verifying_file import InFile
    from stage_functions.domain.anchor import Anchor, Inclusion

WRONG = 2
"""The exit code of arguments that ask for nothing that there is."""
_BECAME = {
    Broken.ALTERED: "was altered",
    Broken.DROPPED: "was dropped",
    Broken.REORDERED: "was moved to another place",
    Broken.REPEATED: "has a repeated one in its place",
    Broken.MOVED: "was moved here from elsewhere",
    Broken.CUT: "was cut off",
    Broken.ADDED: "was added behind",
    Broken.UNREADABLE: "cannot be verified by this release",
}
_LINKED = (
    "Hash-linked, not anchored: whoever may write to the ledger could have linked all of it anew."
)
_ANCHORS = "--anchors PLACE compares it with anchors that are kept elsewhere."


class Report(Struct, frozen=True):
    """What a verification came to, for programs.

    Attributes:
        whole: nothing is wrong.
        ledger: the ledger's id, or "".
        histories: how many were verified.
        records: how many were read.
        results: the histories.
        anchored: what the comparison with anchors came to; None without one.
        unchecked: what could not be looked at here, in sentences.
        proven: of a file, up to which record each history is as it was anchored, in sentences.
        damaged: why a file could not be read to its end, or "".
    """

    whole: bool
    ledger: str
    histories: int
    records: int
    results: tuple[Verified, ...]
    anchored: Anchored | None
    unchecked: tuple[str, ...]
    proven: tuple[str, ...] = ()
    damaged: str = ""


def add_to(app: typer.Typer) -> None:
    """Add the command to the program."""
    app.command("verify")(verify)


def verify(  # options of a command
    what: Annotated[
        str | None,
        typer.Argument(
            help="An asset (registry/kind/name), lifecycle:<name> or ledger; or a file: of "
            "records, a backup, or an evidence pack."
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every history of the ledger.")] = False,
    anchors: Annotated[
        list[str] | None,
        typer.Option(
            help="Compare with anchors: a folder, a file of them, the URL of a container; or "
            "'configured' for those of STAGEWARD_ANCHORS."
        ),
    ] = None,
    proof: Annotated[
        Path | None, typer.Option(help="Of a file: the proof that came with it.")
    ] = None,
    documents: Annotated[
        bool, typer.Option(help="Look whether the documents that records name are kept.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Find the first bad record of a history, and say what became of it.

    It reads the ledger that the environment names, or a file, and asks no server. Exits 0 where all
    is whole, 1 where anything is not, 2 where the arguments ask for nothing that there is.
    """
    settings = read_settings()
    if every == (what is not None):
        fail("Name one history or one file, or give --all.", WRONG)
    kept = _kept(settings, anchors) if anchors else None
    if what is not None and Path(what).is_file():
        report = _file(Path(what), proof, kept, as_json=as_json)
    elif proof is not None:
        fail("--proof goes with a file.", WRONG)
    else:
        report = _ledger(settings, what, kept, documents=documents, as_json=as_json)
    if as_json:
        print_json(report)
    else:
        _sum_up(report, compared=kept is not None)
    if not report.whole:
        raise typer.Exit(FAULT)


def _kept(settings: Settings, places: Sequence[str]) -> list[Anchor]:
    """Return the anchors that are kept in the places that were named."""
    from stage_functions.bootstrap import read_anchors  # noqa: PLC0415  # loads adapters

    logs.hush_sign_in()
    return [one for place in places for one in read_anchors(settings, place)]


def _ledger(
    settings: Settings,
    what: str | None,
    kept: Sequence[Anchor] | None,
    *,
    documents: bool,
    as_json: bool,
) -> Report:
    from stage_functions.application import anchored, verifying  # noqa: PLC0415  # only here
    from stage_functions.bootstrap import (  # noqa: PLC0415  # loads a store
        ledger_is_missing,
        ledger_place,
        open_rows,
    )

    place = ledger_place(settings)
    try:
        history = verifying.named(what) if what is not None else None
    except InvalidInputError as exc:
        fail(f"{exc}; there is no file of that name", WRONG)
    if ledger_is_missing(settings):
        fail(f"There is no ledger at {place}; STAGEWARD_LEDGER names it.", WRONG)
    logs.hush_sign_in()
    try:
        rows = open_rows(settings, create=False, read_only=True)
    except ConfigurationError as exc:
        fail(str(exc), WRONG)
    complain(f"The ledger is {place}.")
    try:
        ledger = verifying.ledger_id(rows)
        if history is None:
            found = verifying.check_all(rows, documents=documents)
        else:
            found = iter([verifying.check(rows, ledger, history, documents=documents)])
        compared = None
        if kept is not None:
            only = (history.name,) if history is not None else ()
            compared = anchored.compare(rows, ledger, kept, only)
        results = tuple(_told(found, compared, as_json=as_json))
    except NotFoundError as exc:
        fail(str(exc), WRONG)
    finally:
        rows.close()
    nothing = history is not None and not results[0].records and results[0].whole
    if history is not None and nothing and not (compared and compared.rewritten):
        fail(f"The ledger knows no {history.name}.", WRONG)
    unchecked = () if documents else ("whether documents are kept was not looked at",)
    whole = all(one.whole for one in results) and (compared is None or compared.whole)
    records = sum(one.records for one in results)
    return Report(whole, ledger, len(results), records, results, compared, unchecked)


def _told(
    found: Iterator[Verified], compared: Anchored | None, *, as_json: bool
) -> Iterator[Verified]:
    """Print each history as it is verified, and yield it."""
    for one in found:
        if not as_json:
            for line in _lines(one, compared):
                say(line)
        yield one


def _file(
    path: Path, proof: Path | None, kept: Sequence[Anchor] | None, *, as_json: bool
) -> Report:
    from stage_functions.bootstrap import proofs_beside  # noqa: PLC0415  # adapters

    proofs: dict[str, Inclusion] = {}
    damaged = ""
    found: list[InFile] = []
    try:
        proofs = proofs_beside(path, proof)
        found.extend(_in_file(path, proofs, kept, as_json=as_json))
    except InvalidInputError as exc:
        fail(str(exc), WRONG)
    except LedgerDamagedError as exc:
        damaged = str(exc)
    names = {one.verified.name for one in found}
    others = sorted(proofs.keys() - names)
    if not found and not damaged:
        fail(f"There is no record in {path}.", WRONG)
    if others and not damaged and (proof is None or len(others) == len(proofs)):
        fail(f"The proof is of {', '.join(others)}, which is not in {path}.", WRONG)
    return Report(
        whole=all(one.verified.whole for one in found) and not damaged,
        ledger=found[-1].ledger if found else "",
        histories=len(found),
        records=sum(one.verified.records for one in found),
        results=tuple(one.verified for one in found),
        anchored=None,
        unchecked=tuple(_unchecked(found, proofs, compared=kept is not None)),
        proven=tuple(f"{one.verified.name}: {one.proven}" for one in found if one.proven),
        damaged=damaged,
    )


def _in_file(
    path: Path,
    proofs: Mapping[str, Inclusion],
    kept: Sequence[Anchor] | None,
    *,
    as_json: bool,
) -> Iterator[InFile]:
    """Print each history of a file as it is verified, and yield it."""
    from stage_functions.application.verifying_file import check_lying  # noqa: PLC0415  # only here
    from stage_functions.bootstrap import histories_in  # noqa: PLC0415  # adapters

    for one in check_lying(histories_in(path), proofs, kept):
        if not as_json:
            for line in _lines(one.verified, None):
                say(line)
        yield one


def _unchecked(
    found: Sequence[InFile], proofs: Mapping[str, Inclusion], *, compared: bool
) -> Iterator[str]:
    """Yield what could not be looked at in a file."""
    yield "the state beside the records, and the documents that they name: see the ledger"
    bare = [one for one in found if one.verified.name not in proofs]
    if any(not one.ends for one in bare):
        yield "whether the tail was cut: a file has no head, and no proof was given"
    if bare and compared:
        yield (
            f"the anchors, for {len(bare)} of {len(found)}: a file needs a proof (--proof) to be "
            "compared with them; a backup can be restored to an empty store, and compared there"
        )


def _lines(one: Verified, compared: Anchored | None) -> Iterator[str]:
    rewritten = compared.rewritten.get(one.name) if compared is not None else None
    name = one.name or "the file"
    for fault in filter(None, (one.fault, rewritten)):
        yield f"{name}: record {fault.number} {_BECAME[fault.broken]}: {fault.why}"
    for why in one.beside:
        yield f"{one.name}: {why}"
    if one.more:
        yield f"{one.name}: and {one.more} more contradictions"
    if one.fault is not None or rewritten is not None:
        return
    count = f"{one.records} record{'' if one.records == 1 else 's'}"
    ends = f", every hash and link is right; the last is {one.hash}" if one.records else ""
    up_to = compared.up_to.get(one.name) if compared is not None else None
    since = f"; as anchored up to record {up_to.number}, {moment(up_to.at)}" if up_to else ""
    yield f"{one.name}: {count}{ends}{since}"


def _sum_up(report: Report, *, compared: bool) -> None:
    bad = {one.name for one in report.results if not one.whole}
    if report.anchored is not None:
        bad |= set(report.anchored.rewritten)
        for why in report.anchored.faults:
            say(f"anchors: {why}")
        missing = set(report.anchored.rewritten) - {one.name for one in report.results}
        for name in sorted(missing):
            fault = report.anchored.rewritten[name]
            say(f"{name}: record {fault.number} {_BECAME[fault.broken]}: {fault.why}")
    several = "histories" if report.histories != 1 else "history"
    what = f"{report.histories} {several} of ledger {report.ledger}, {report.records} records"
    if report.damaged:
        say(f"the file is damaged, and what stands behind was not read: {report.damaged}")
    whole = "not whole" if report.damaged else "whole"
    say(f"{what}: {f'{len(bad)} not whole' if bad else whole}")
    for why in (*report.proven, *(f"not checked: {one}" for one in report.unchecked)):
        say(why)
    told = bool(report.proven) or not report.whole
    if report.anchored is None and not (compared and told):
        say(f"{_LINKED} {_ANCHORS}")
    elif report.anchored is not None and report.anchored.latest is not None:
        say(
            f"Compared with {report.anchored.anchors} anchors, the latest of "
            f"{moment(report.anchored.latest)}; what is newer is hash-linked only."
        )
