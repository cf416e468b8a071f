"""Copy a version to another registry when its stage is granted, and know the copy when it comes."""

from __future__ import annotations

from stage_functions.application.context import Context
from stage_functions.application.ledger import Loaded, Owed
from stage_functions.domain.asset import Version


def copy(context: Context, loaded: Loaded, row: Owed) -> tuple[Version, ...]:
    """Copy a version to the registry that a duty names; return the copy."""
    raise NotImplementedError
