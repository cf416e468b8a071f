"""What the log of requests must not keep: the token of a personal link, and who came from where."""

from __future__ import annotations

import logging
from urllib.parse import unquote

LOGGER = "uvicorn.access"
REMOVED = "REDACTED"
NOBODY = "-"
"""For the address of the caller: a person's, or that of a proxy, which tells nothing."""
_SECRET = ("sig", "token", "code", "key")


class WithoutTokens(logging.Filter):
    """Takes out the caller's address, and the query where a token is in it, or may be."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, but for that."""
        if isinstance(record.args, tuple) and record.args:
            record.args = (NOBODY, *(_clean(one) for one in record.args[1:]))
        return True


def _clean(value: object) -> object:
    if not isinstance(value, str) or "?" not in value:
        return value
    path, _, query = value.partition("?")
    plain = unquote(query).lower()  # however it is written
    secret = any(one in plain for one in _SECRET)
    return f"{path}?{REMOVED}" if secret else value
