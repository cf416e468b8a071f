"""Signs what goes to webhooks, so that a receiver knows who sent it and that it is fresh.

After Standard Webhooks 1.0 (https://www.standardwebhooks.com), symmetric: HMAC-SHA256 over
`<id>.<seconds>.<body>`. Each receiver has a secret of its own, by its place among the addresses of
its setting: whoever has one could sign for Stageward towards everybody else who has the same.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from stage_functions.domain.error import ConfigurationError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
"""The headers."""
PREFIX = "whsec_"
"""How a secret begins."""
SUFFIX = "_SECRET"
"""Behind a setting with addresses: the secret of the first; with `_2` of the second, and so on."""
LEAST_BYTES, MOST_BYTES = 24, 64
"""How long a secret is, decoded."""
_MAKE_ONE = 'echo "whsec_$(openssl rand -base64 32)"'
_NOT_MLFLOWS = " (what MLflow signs its deliveries with is STAGEWARD_WEBHOOK_SECRET)"


class Signer:
    """Signs for one receiver: with one secret, or with several while they are changed.

    Attributes:
        keys: the secrets, decoded; a receiver takes a delivery that fits any one of its own.
    """

    def __init__(self, keys: tuple[bytes, ...]) -> None:
        self.keys = keys

    def headers(self, event: Mapping[str, object], body: bytes, at: datetime) -> dict[str, str]:
        """Return the headers of one attempt to deliver an event.

        Args:
            event: the CloudEvent.
            body: as it is sent.
            at: the time of the attempt; receivers refuse what is older than five minutes.
        """
        name, seconds = message_id(event), str(int(at.timestamp()))
        signed = f"{name}.{seconds}.".encode() + body
        made = (base64.b64encode(hmac.digest(key, signed, "sha256")) for key in self.keys)
        return {
            ID: name,
            TIMESTAMP: seconds,
            SIGNATURE: " ".join(f"v1,{one.decode()}" for one in made),
        }


def message_id(event: Mapping[str, object]) -> str:
    """Return the id of an event in one text: the same for one `source` and `id`, else another.

    A hash, since the `id` of a CloudEvent is unique only with its `source`, may be long and have a
    full stop, which the signed text is parted by; and since headers are logged more readily than
    bodies are, and names of assets would be in it.
    """
    both = f"{event['source']}\n{event['id']}"
    return f"evt_{hashlib.sha256(both.encode()).hexdigest()}"


def signers(
    addresses: Mapping[str, Sequence[str]], given: Mapping[str, str]
) -> dict[str, dict[int, Signer]]:
    """Return what signs for whom: by the name of the setting, and place from 1.

    Args:
        addresses: of each setting that has some, in order.
        given: secrets by the names of their variables; several are separated by blanks.

    Raises:
        ConfigurationError: a secret is none, or is of nobody, or of two receivers. No message
            repeats a secret.
    """
    found: dict[str, dict[int, Signer]] = {setting: {} for setting in addresses}
    known = {name: (setting, place) for setting, place, name in _names(addresses)}
    owners: dict[bytes, tuple[str, str]] = {}
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(_of_nobody(name, addresses))
        setting, place = known[name]
        keys = tuple(_key(name, one) for one in value.split())
        address = addresses[setting][place - 1]
        for key in keys:
            owner, where = owners.setdefault(key, (name, address))
            if where != address:
                message = (
                    f"{name} has a secret of {owner} too: either receiver could sign for Stageward "
                    "towards the other; give each its own"
                )
                raise ConfigurationError(message)
        found[setting][place] = Signer(keys)
    return found


def _names(addresses: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, int, str]]:
    for setting, each in addresses.items():
        for place in range(1, len(each) + 1):
            yield setting, place, f"{setting}{SUFFIX}{f'_{place}' if place > 1 else ''}"


def _of_nobody(name: str, addresses: Mapping[str, Sequence[str]]) -> str:
    setting, _, place = name.partition(SUFFIX)
    count = len(addresses[setting])
    if place == "_1":
        return f"{name}: the secret of the first address is {setting}{SUFFIX}"
    return (
        f"{name} is a secret of nobody: {setting} names {count} "
        f"{'address' if count == 1 else 'addresses'}; {setting}{SUFFIX} is of the first, "
        f"{setting}{SUFFIX}_2 of the second, and so on"
    )


def _key(name: str, secret: str) -> bytes:
    """Return the bytes of a secret.

    Raises:
        ConfigurationError: it is none.
    """
    if not secret.startswith(PREFIX):
        raise ConfigurationError(_fault(name, f"begins with {PREFIX}") + _NOT_MLFLOWS)
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except ValueError as exc:
        raise ConfigurationError(_fault(name, f"is base64 behind {PREFIX}")) from exc
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        words = f"has {LEAST_BYTES} to {MOST_BYTES} bytes, not {len(key)}"
        raise ConfigurationError(_fault(name, words))
    return key


def _fault(name: str, words: str) -> str:
    return f"{name}: a secret {words}; several are separated by blanks; to make one: {_MAKE_ONE}"
