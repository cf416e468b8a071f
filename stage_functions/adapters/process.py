"""What this process knows of itself when it starts: from its settings, and from the keys in them.

Decides what of the settings operators may see. No secret is kept here: of a key that says when it
ends, its variable's name and that day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from stage_functions import __version__
from stage_functions.application.clocks import Clocks
from stage_functions.application.pace import Pace
from stage_functions.application.ports.clock import Clock
from stage_functions.application.ports.dead_letters import DeadLetters
from stage_functions.application.process import Ending, Facts, Process
from stage_functions.domain.error import ConfigurationError
from stage_functions.settings import Settings
from stage_functions.wire.ending import ending_of

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

SCAN_MINUTES = (1, 1440)
SCAN_AGE_SECONDS = (300, 604_800)
"""What may be set: up to a day, up to a week."""
_NOTIFY = "STAGEWARD_NOTIFY_"
_REGISTRY = "STAGEWARD_REGISTRY_"


def open_process(
    settings: Settings,
    place: str,
    clock: Clock,
    clocks: Clocks,
    credential: Callable[[], TokenCredential],
) -> Process:
    """Return what this process knows of itself.

    Args:
        settings: what the environment says.
        place: where the ledger is, without a secret.
        clock: the time.
        clocks: what is heard of other clocks.
        credential: makes what to sign in to Azure with.

    Raises:
        ConfigurationError: STAGEWARD_DEAD_LETTERS names no container, or a number is none, or out
            of its range.
    """
    facts = Facts(
        version=__version__,
        ledger=place,
        sign_in=str(settings.sign_in),
        endings=tuple(_endings(settings)),
        started=clock.now(),
        pace=Pace.of(
            _number("STAGEWARD_SCAN_MINUTES", settings.scan_minutes, *SCAN_MINUTES),
            _number("STAGEWARD_SCAN_AGE_SECONDS", settings.scan_age_seconds, *SCAN_AGE_SECONDS),
        ),
    )
    return Process(facts, clocks, _dead_letters(settings, credential))


def _number(name: str, value: str, least: int, most: int) -> int:
    """Return a number as it is set; 0 where it is not."""
    if not value:
        return 0
    if value.isascii() and value.isdecimal() and least <= int(value) <= most:
        return int(value)
    message = f"{name}={value}: it is a whole number from {least} to {most}; unset it for the usual"
    raise ConfigurationError(message)


def _endings(settings: Settings) -> Iterator[Ending]:
    known = settings.environment or {}
    names = {
        "STAGEWARD_TABLES": settings.tables,
        "STAGEWARD_DEAD_LETTERS": settings.dead_letters,
        "STAGEWARD_ANCHORS": " ".join(settings.anchors),
        "STAGEWARD_EVENTGRID_KEY": settings.eventgrid_key,
        "STAGEWARD_WEBHOOKS": " ".join(settings.webhooks),
        **{n: v for n, v in known.items() if n.startswith((_NOTIFY, _REGISTRY))},
        "MLFLOW_TRACKING_TOKEN": known.get("MLFLOW_TRACKING_TOKEN", ""),
    }
    for name, value in names.items():
        ends = [end for one in value.split() if (end := ending_of(one)) is not None]
        if ends:
            yield Ending(name, min(ends))


def _dead_letters(
    settings: Settings, credential: Callable[[], TokenCredential]
) -> DeadLetters | None:
    if not settings.dead_letters:
        return None
    from stage_functions.adapters.containers import checked  # noqa: PLC0415  # seldom configured
    from stage_functions.adapters.dead_letters import (  # noqa: PLC0415  # loads azure-core
        BlobDeadLetters,
    )

    try:
        return BlobDeadLetters(checked(settings.dead_letters), credential)
    except ConfigurationError as exc:
        message = f"STAGEWARD_DEAD_LETTERS: {exc}"
        raise ConfigurationError(message) from exc
