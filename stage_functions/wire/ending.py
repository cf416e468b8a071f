"""When a key says itself that it ends: shared access signatures (`se`) and JSON Web Tokens (`exp`).

Nothing is verified, and nothing of the key is kept: a date is read, where there is one.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import UTC, datetime
from urllib.parse import unquote

_SIGNED = re.compile(r"[?&;=]se=([^&;\s]{10,60})")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{4,}\.([A-Za-z0-9_-]{4,8192})\.[A-Za-z0-9_-]+\Z")


def ending_of(key: str) -> datetime | None:
    """Return when a key ends, aware UTC; None where it does not say."""
    signed = _SIGNED.search(f"?{key}")
    if signed:
        return _moment(unquote(signed[1]))
    token = _TOKEN.match(key)
    return _expiry(token[1]) if token else None


def _moment(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _expiry(payload: str) -> datetime | None:
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        exp = claims.get("exp") if isinstance(claims, dict) else None
        if isinstance(exp, bool) or not isinstance(exp, int | float):
            return None
        return datetime.fromtimestamp(exp, UTC)
    except (binascii.Error, ValueError, OverflowError, OSError, RecursionError):
        return None
