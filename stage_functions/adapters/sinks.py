"""What all sinks share: what an answer means, and which secrets can be sent.

Refused for good is what the design parks at once: 400, 403, 404 and all else that says that this
event, or this address, will never do. A redirect is among them: the address is wrong. A 401 is
not: keys are rotated and grants take minutes to spread, while nothing is wrong with the event, so
it is tried again with growing pauses, and shows on health till then.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from math import ceil

from stage_functions.adapters.words import in_a_line
from stage_functions.domain.error import (
    ConfigurationError,
    SinkRefusedError,
    SinkUnavailableError,
)

SinkError = SinkUnavailableError | SinkRefusedError

_PATIENCE = frozenset({401, 408, 425, 429})
_SERVER_FAULT = 500
_SECONDS = re.compile(r"[0-9]{1,9}\Z")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?\Z")
_SHOWN_CHARACTERS = 200


def error_for(who: str, status: int, headers: Mapping[str, str], said: str) -> SinkError:
    """Return the error for an answer that is not the one hoped for.

    Args:
        who: the sink, as messages name it.
        status: the HTTP status.
        headers: of the answer.
        said: the answer's own words; cut for the message.
    """
    words = in_a_line(said, _SHOWN_CHARACTERS)
    message = f"{who} answered {status}{f': {words}' if words else ''}"
    if status in _PATIENCE or status >= _SERVER_FAULT:
        wait = retry_after_seconds(headers)
        return SinkUnavailableError(message, retry_after_seconds=wait)
    return SinkRefusedError(message)


def retry_after_seconds(headers: Mapping[str, str]) -> int | None:
    """Return how long an answer asks to wait; None where it does not say.

    A date is measured from the answer's own `Date`, so that no clock but the sender's counts.
    """
    known = {key.lower(): value.strip() for key, value in headers.items()}
    text = known.get("retry-after", "")
    if _SECONDS.match(text):
        return int(text)
    try:
        wait = parsedate_to_datetime(text) - parsedate_to_datetime(known.get("date", ""))
    except (OverflowError, TypeError, ValueError):
        return None
    return max(0, ceil(wait.total_seconds()))


class AddressHidden(logging.Filter):
    """Puts something else in the place of one address in what a library logs.

    Args:
        address: as the library writes it; it may hold a secret.
        shown: what is written instead.
    """

    def __init__(self, address: str, shown: str) -> None:
        super().__init__()
        self._address = address
        self._shown = shown

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, its arguments put right."""
        if isinstance(record.args, tuple):
            record.args = tuple(self._hidden(arg) for arg in record.args)
        return True

    def _hidden(self, arg: object) -> object:
        return self._shown if str(arg) == self._address else arg


def sendable(what: str, secret: str) -> str:
    """Return a secret that a header can carry.

    Raises:
        ConfigurationError: it cannot be sent; the message does not repeat it.
    """
    if not _HEADER_VALUE.match(secret):
        message = (
            f"{what} cannot be sent: it is empty, or has a line break, a space at an end, "
            "or a character outside of ASCII"
        )
        raise ConfigurationError(message)
    return secret
