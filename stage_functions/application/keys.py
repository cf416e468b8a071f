"""How names become keys of rows, the same in every store.

Bytes outside `[A-Za-z0-9._-]` are written `=XX`; names keep the registry's own case. A key part
above 400 characters becomes a prefix, `~` and a hash: nothing is cut without saying so.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from stage_functions.domain.asset import Asset, Version

MAX_PART_CHARACTERS = 400
SHARDS = 16
_PLAIN = re.compile(r"[A-Za-z0-9._-]*\Z")
_PLAIN_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_MICROSECOND = 10**17 - 1  # in the year 5138

HEAD = "head"
VERSION = "version:"
APPROVAL = "approval:"
RECORD = "record:"
OPERATION = "operation:"
OUTBOX = "outbox:"
NOTE = "note:"
HOLD = "hold:"
APPROVALS_PARTITION = "approvals"
ASSETS_PARTITION = "assets"
LEDGER_PARTITION = "ledger"
NAMES_PARTITION = "names"
PEOPLE_PARTITION = "people"
HOLDS_PARTITION = "holds"
JOURNAL_PARTITION = "journal"
RESTORED = "restored"
"""Of the ledger's own rows: how often it was restored."""
COPIES_PARTITION = "copies"
LIFECYCLES_PARTITION = "lifecycles"
"""Names of the lifecycles that were adopted; a row there only nominates."""
DECIDED_PARTITION = "decided"
"""Of the catalog: closed approvals. No registry's partition is called so: those have a colon."""
WHOLE_PARTITION = "whole"
"""Of the catalog: that it has all, see `whole`."""


def encode(text: str) -> str:
    """Return a text as a key part."""
    if len(text) <= MAX_PART_CHARACTERS and _PLAIN.match(text):
        return text
    encoded = "".join(
        chr(byte) if byte in _PLAIN_BYTES else f"={byte:02X}" for byte in text.encode()
    )
    if len(encoded) <= MAX_PART_CHARACTERS:
        return encoded
    suffix = hashlib.sha256(text.encode()).hexdigest()
    return f"{encoded[: MAX_PART_CHARACTERS - 65]}~{suffix}"


@lru_cache(maxsize=1024)  # asked for with every row
def asset_partition(asset: Asset) -> str:
    """Return the partition of an asset's rows."""
    return f"asset:{asset.registry}:{asset.kind}:{encode(asset.name)}"


def lifecycle_partition(name: str) -> str:
    """Return the partition of a lifecycle's own history."""
    return f"lifecycle:{encode(name)}"


def registry_partition(alias: str) -> str:
    """Return the partition of a registry's state."""
    return f"registry:{alias}"


def catalog_partition(registry: str, kind: str) -> str:
    """Return the partition of the catalog rows of one kind in a registry."""
    return f"{registry}:{kind}"


def catalog_key(version: Version) -> str:
    """Return the key of a version's catalog row."""
    return f"{encode(version.asset.name)}:{encode(version.number)}"


def past_partition(registry: str, kind: str) -> str:
    """Return the partition of the catalog that says where versions of a kind stood, by their keys.

    No registry's partition is called so: those have one colon.
    """
    return f"past:{registry}:{kind}"


def earlier_partition(registry: str, kind: str) -> str:
    """Return the partition of what `past_partition` has no more room for."""
    return f"earlier:{registry}:{kind}"


def earlier_key(version: Version, begun: datetime) -> str:
    """Return the key of a part of a version's past: of those begun by then the latest is first."""
    return f"{catalog_key(version)}:{_LAST_MICROSECOND - (begun - _EPOCH) // _MICROSECOND:017d}"


def decided_key(closed: datetime, approval: str) -> str:
    """Return the key of a closed approval in the catalog: the one closed last comes first."""
    return f"{_LAST_MICROSECOND - (closed - _EPOCH) // _MICROSECOND:017d}:{encode(approval)}"


def users_partition(asset: Asset) -> str:
    """Return the partition of the rows that say what uses the versions of an asset."""
    return f"uses:{asset_partition(asset)}"


def users_prefix(used: Version) -> str:
    """Return how the keys of the rows begin that say what uses a version."""
    return f"{hashlib.sha256(used.number.encode()).hexdigest()[:32]}-"


def user_key(used: Version, user: Version) -> str:
    """Return the key of the row that says that one version uses another."""
    return f"{users_prefix(used)}{hashlib.sha256(str(user).encode()).hexdigest()}"


def hashed(text: str) -> str:
    """Return what stands for a text in a key that is never read back: 32 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def contents_partition(alias: str) -> str:
    """Return the partition of the catalog that says which versions have a content or a job.

    No registry's partition is called so: those have one colon.
    """
    return f"contents:registry:{alias}"


def violators_partition(endpoint: str) -> str:
    """Return the partition of the catalog that says what violates at a registry's endpoints.

    No registry's partition is called so: those have one colon.
    """
    return f"violators:registry:{endpoint.partition('/')[0]}"


def violator_prefix(endpoint: str) -> str:
    """Return how the keys of rows begin that say what violates at `registry/endpoint`."""
    return f"{hashed(endpoint)}-"


def unregistered_partition(alias: str) -> str:
    """Return the partition of what nobody has registered in a registry."""
    return f"unregistered:{alias}"


def note_key(version: Version) -> str:
    """Return the key of what is noted of something unregistered, in the order of lists."""
    return f"{NOTE}{version.asset.kind}:{catalog_key(version)}"


def content_prefix(kind: str, content: str) -> str:
    """Return how the keys of rows begin that say which things of a kind have a content."""
    return f"content:{hashed(f'{kind}:{content}')}-"


def job_prefix(kind: str, job: str) -> str:
    """Return how the keys of rows begin that say which things of a kind come from a job."""
    return f"job:{hashed(f'{kind}:{job}')}-"


def version_key(number: str) -> str:
    """Return the key of a version's row."""
    return f"{VERSION}{encode(number)}"


def approval_key(approval: str) -> str:
    """Return the key of an approval's row."""
    return f"{APPROVAL}{encode(approval)}"


def record_key(number: int) -> str:
    """Return the key of a record's row."""
    return f"{RECORD}{number:010d}"


def operation_key(operation: str) -> str:
    """Return the key of an operation's answer."""
    return f"{OPERATION}{hashlib.sha256(operation.encode()).hexdigest()}"


def hold_key(case: str) -> str:
    """Return the key of the row of a hold in an asset's partition."""
    return f"{HOLD}{hashed(case)}"


def outbox_key(commit: int, position: int) -> str:
    """Return the key of an outbox row."""
    return f"{OUTBOX}{commit:010d}-{position:03d}"


def after(prefix: str) -> str:
    """Return the end of the range of keys that begin with a prefix."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def behind(key: str) -> str:
    """Return where the range behind a key begins: `!` sorts before every character of a key."""
    return f"{key}!"


def shard(partition: str) -> int:
    """Return the shard of `work` that an asset's markers and deadlines live in."""
    return hashlib.sha256(partition.encode()).digest()[0] % SHARDS


def outbox_shard(partition: str) -> str:
    """Return the partition of `work` with an asset's markers."""
    return f"outbox-{shard(partition):02d}"


def deadlines_shard(partition: str) -> str:
    """Return the partition of `work` with an asset's deadlines."""
    return f"deadlines-{shard(partition):02d}"


def deadline_key(moment: datetime, partition: str, approval: str) -> str:
    """Return the key of a row that lets the clock find an approval from a moment on."""
    return f"{moment.isoformat()}@{partition}@{approval}"


def marker_key(partition: str, commit: int) -> str:
    """Return the key of the marker of a commit to be made."""
    return f"{partition}@{commit:010d}"
