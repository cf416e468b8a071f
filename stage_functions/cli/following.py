"""To wait for a decision, and to see meanwhile what it waits for."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.text import Text

from stage_functions.cli.output import PENDING, complain, moment
from stage_functions.client import Client
from stage_functions.domain.approval import ending
from stage_functions.domain.error import RetryableError
from stage_functions.wire import api

POLL_SECONDS = 1.0


def decided(
    stageward: Client, pending: api.Decision, *, pause: Callable[[float], None] = time.sleep
) -> api.Decision:
    """Wait until an approval is closed; return how the request ended.

    Args:
        stageward: where it was asked.
        pending: the answer that it waits.
        pause: lets so many seconds pass.

    Raises:
        typer.Exit: the waiting was ended by Ctrl-C; the request still waits.
    """
    id_ = pending.approval or ""
    try:
        with _progress() as show:
            approval = _closed(stageward, id_, show, pause)
    except KeyboardInterrupt:
        complain(
            f"no longer waiting; approval {id_} is still open. "
            f"`stageward approvals {id_}` shows it, `stageward withdraw {id_}` takes it back"
        )
        raise typer.Exit(PENDING) from None
    granted = approval.status == "approved"
    return api.Decision(
        outcome="granted" if granted else "closed",
        changed=granted and not (approval.renews or approval.ratifies),
        version=pending.version,
        stage=approval.to_stage if granted else pending.stage,
        detail=ending(approval.status, approval.why),
        approval=approval.id,
        status=approval.status,
        displaces=approval.displaces if granted else (),
        fingerprint=approval.fingerprint,
        renews=approval.renews,
        ratifies=bool(approval.ratifies),
    )


def _closed(
    stageward: Client, id_: str, show: Callable[[str], None], pause: Callable[[float], None]
) -> api.Approval:
    """Ask again and again; a Stageward that is away for a while ends nothing."""
    while True:
        try:
            approval = stageward.approval(id_)
        except RetryableError as exc:
            show(f"approval {id_}: {exc}; still waiting")
        else:
            if approval.status != "open":
                return approval
            show(_words(approval))
        pause(POLL_SECONDS)


def _words(approval: api.Approval) -> str:
    waits = approval.waits_for or ", ".join(approval.needs)
    return f"approval {approval.id} needs {waits}; open until {moment(approval.deadline)}"


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is waited for: one line that changes on a terminal, else a line when it changes."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    console = Console(stderr=True, highlight=False)
    with console.status("waiting") as status:
        yield lambda text: status.update(Text(text))


class _Lines:
    """Prints a text when it is another one than before."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, text: str) -> None:
        if text != self._last:
            complain(text)
            self._last = text
