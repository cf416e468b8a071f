"""MLflow's documents of model versions, read as Stageward's; and which versions MLflow can have.

Pure. Whoever asks MLflow for version 01 gets version 1, so that only the one right way to write a
number is let through. A document without a name, a number or a time of creation is none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from stage_functions.domain.asset import Asset, Kind, Snapshot, Version
from stage_functions.wire.document import entries, integer, text

_NUMBER = re.compile(r"[1-9][0-9]{0,9}\Z")
_MAX_NUMBER = 2**31 - 1
"""MLflow's databases keep version numbers in 32 bits."""
_REFUSED_NAMES = (".", "..")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def possible(version: Version) -> bool:
    """Tell whether MLflow can have such a version at all."""
    name, number = version.asset.name, version.number
    if not _NUMBER.match(number) or int(number) > _MAX_NUMBER or name in _REFUSED_NAMES:
        return False
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def snapshot(document: object, alias: str) -> Snapshot:
    """Read a model version.

    Args:
        document: as `model-versions/get` and `model-versions/search` have it.
        alias: of the registry that it is in.

    Raises:
        ValueError: it is no model version.
    """
    name, number = text(document, "name"), integer(document, "version")
    created = integer(document, "creation_timestamp")
    if not name or number is None or created is None:
        message = "a model version without name, version or creation_timestamp"
        raise ValueError(message)
    try:
        created_at = _EPOCH + timedelta(milliseconds=created)
    except OverflowError as exc:
        message = f"a model version created {created} ms after 1970"
        raise ValueError(message) from exc
    user = text(document, "user_id")
    return Snapshot(
        Version(Asset(alias, Kind.MODELS, name), str(number)),
        created_at=created_at,
        content=text(document, "source"),
        tags=pairs(document, "tags"),
        author=f"mlflow:{user}" if user else None,
        description=text(document, "description"),
        job=text(document, "run_id") or None,
        native_stage=text(document, "current_stage") or None,
        aliases=tuple(sorted(one for one in entries(document, "aliases") if isinstance(one, str))),
    )


def aliases(document: object) -> dict[str, tuple[str, ...]]:
    """Return the aliases of a registered model, by the number of the version that has them."""
    found: dict[str, list[str]] = {}
    for row in entries(document, "aliases"):
        number = integer(row, "version")
        if number is not None and text(row, "alias"):
            found.setdefault(str(number), []).append(text(row, "alias"))
    return {number: tuple(sorted(names)) for number, names in found.items()}


def pairs(document: object, *path: str) -> dict[str, str]:
    """Return a list of keys and values as a map; a value that is left out is empty."""
    rows = entries(document, *path)
    return {text(row, "key"): text(row, "value") for row in rows if text(row, "key")}
