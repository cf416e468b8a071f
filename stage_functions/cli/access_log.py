"""What the log of requests must not keep: the token of a personal link."""

from __future__ import annotations

import logging
from urllib.parse import unquote

LOGGER = "uvicorn.access"
REMOVED = "REDACTED"


class WithoutTokens(logging.Filter):
    """Takes the query out of an address that has, or may have, a token in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, but for that."""
        if isinstance(record.args, tuple):
            record.args = tuple(_clean(one) for one in record.args)
        return True


def _clean(value: object) -> object:
    if not isinstance(value, str) or "?" not in value:
        return value
    path, _, query = value.partition("?")
    secret = "sig" in unquote(query).lower()  # however it is written
    return f"{path}?{REMOVED}" if secret else value
