"""Texts that prove that they were made here, when, and what for: by itsdangerous.

A text begins with the number of its key, then follow its parts, its time and its signature. The
purpose and the number are in the salt: what was signed for a form is no link, and a text whose
number was exchanged is nothing. How old is too old is for whoever asks: with several instances,
clocks differ a little, and a text may come from a moment that has not come yet.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadData, TimestampSigner, URLSafeTimedSerializer
from msgspec import Struct

from stage_functions.application.link_keys import Key, LinkKeys
from stage_functions.application.ports.clock import Clock

MAX_CHARACTERS = 2000
AHEAD = timedelta(minutes=5)
"""How far clocks of instances may differ."""
_TEXT = re.compile(r"([1-9][0-9]{0,8})\.([A-Za-z0-9._-]+)")


class Purpose(StrEnum):
    """What a text was signed for; it is good for nothing else."""

    LINK = "link"
    SESSION = "session"
    FORM = "form"


class Signed(Struct, frozen=True):
    """What a text says.

    Attributes:
        parts: what was signed.
        at: when, to the second.
    """

    parts: tuple[str, ...]
    at: datetime

    def younger(self, than: timedelta, now: datetime) -> bool:
        """Tell whether it is not too old, and not of a future that clocks cannot explain."""
        return -AHEAD <= now - self.at < than


class _Signer(TimestampSigner):
    """Signs at a moment that it is given; of a signature one spelling is right."""

    default_digest_method = staticmethod(hashlib.sha256)
    default_key_derivation = "hmac"

    def __init__(self, secret_key: list[bytes], salt: bytes, moment: int) -> None:
        super().__init__(secret_key, salt)
        self._moment = moment

    def get_timestamp(self) -> int:
        """Return the moment."""
        return self._moment

    def verify_signature(self, value: str | bytes, sig: str | bytes) -> bool:
        """Compare texts: as base 64, several would mean the same bytes."""
        given = sig.encode() if isinstance(sig, str) else sig
        return hmac.compare_digest(given, self.get_signature(value))


class Signatures:
    """Makes and reads signed texts. Safe to share between threads."""

    def __init__(self, keys: LinkKeys, clock: Clock) -> None:
        """Sign with the newest of the keys, by this clock."""
        self._keys, self._clock = keys, clock

    def sign(self, purpose: Purpose, *parts: str) -> str:
        """Return the text for some parts.

        Raises:
            StoreUnavailableError, UnknownOutcomeError, LedgerDamagedError: there are no keys.
        """
        key = self._keys.newest()
        now = int(self._clock.now().timestamp())
        return f"{key.number}.{_serializer(key, purpose, now).dumps(parts)}"

    def read(self, purpose: Purpose, text: str) -> Signed | None:
        """Return what a text says; None for any that was not made here for this purpose.

        Raises:
            StoreUnavailableError, UnknownOutcomeError, LedgerDamagedError: there are no keys.
        """
        found = _TEXT.fullmatch(text) if len(text) <= MAX_CHARACTERS else None
        key = self._keys.numbered(int(found[1])) if found else None
        if found is None or key is None:
            return None
        try:
            parts, at = _serializer(key, purpose).loads(found[2], return_timestamp=True)
        except BadData:
            return None
        return Signed(tuple(str(part) for part in parts), at)


def _serializer(key: Key, purpose: Purpose, now: int = 0) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(
        key.secret,
        salt=f"stageward/{purpose}/{key.number}",
        signer=_Signer,
        signer_kwargs={"moment": now},
    )
