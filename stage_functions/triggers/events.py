"""An event that the Event Grid trigger delivers: signals followed up, or a reason not to.

Event Grid delivers again, for a day, whatever ends in an exception. So only what may succeed the
next time is let escape: what cannot be read, and what can never be followed up, is logged and
acknowledged.
"""

from __future__ import annotations

import logging
from functools import partial

from stage_functions.application.coalescing import Coalescing
from stage_functions.application.context import Context
from stage_functions.application.correlation import about
from stage_functions.application.deliveries import deliver
from stage_functions.application.following import follow_any
from stage_functions.domain.error import InvalidInputError
from stage_functions.wire.eventgrid import from_functions, parse

SECONDS = 15
"""After this long no further signal is begun: Event Grid waits 30 s, a cold start included."""
log = logging.getLogger("stageward.events")


class EventTrigger:
    """What the Event Grid trigger calls. Safe to share between threads.

    The events of a burst arrive one by one and at the same time: those about one version are
    followed up together.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._signals = Coalescing(partial(follow_any, context))

    def receive(self, event: object, parent: str = "") -> None:
        """Follow up what an event hints at.

        Args:
            event: an `azure.functions.EventGridEvent` or `CloudEvent`.
            parent: `traceparent` of the invocation, where the host says.

        Raises:
            RetryableError: it could not be followed up now, or not all of it; deliver it again.
        """
        known = self._context.configuration.registries
        try:
            signals = parse(from_functions(event), known)
        except InvalidInputError as exc:
            log.warning("an event is acknowledged unread: %s", exc)
            return
        # Whoever else calls the trigger lacks the key that the host gives to Event Grid alone.
        telemetry = self._context.telemetry
        try:
            with about(event=_id(event)):
                deliver(
                    self._signals.follow,
                    signals.vouched,
                    self._context.clock,
                    seconds=SECONDS,
                    telemetry=telemetry,
                    parent=parent,
                )
        finally:
            telemetry.flush()  # the instance may be gone before the next invocation


def _id(event: object) -> str:
    id_ = getattr(event, "id", "")
    return id_[:64] if isinstance(id_, str) else ""
