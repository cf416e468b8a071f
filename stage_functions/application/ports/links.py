"""The link port: where pages are, and the personal links that let someone vote on an approval's.

A personal link names its approval, its approver and the fingerprint of the brief, and ends with the
approval. Whoever has it is taken for the approver: the weaker level, `Assurance.LINK`.
"""

from __future__ import annotations

from typing import Protocol

from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version


class Links(Protocol):
    """Makes addresses of pages. Safe to share between threads."""

    def approval(self, approval: str) -> str:
        """Return the plain address of an approval's page: for channels, events and cards."""
        ...

    def version(self, version: Version) -> str:
        """Return the address of a version's page, whether the ledger knows it or not."""
        ...

    def personal(self, approval: Approval, person: str) -> str:
        """Return the address that lets one person vote: for their own mail, and nothing else.

        Args:
            approval: an open one.
            person: key of the approver.

        Raises:
            UnknownOutcomeError, StoreUnavailableError: the keys cannot be read.
        """
        ...
