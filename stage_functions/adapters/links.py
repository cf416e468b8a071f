"""Addresses of pages, and the personal ones: what mail carries to one approver and nobody else."""

from __future__ import annotations

from urllib.parse import quote

from stage_functions.application.signatures import Purpose, Signatures
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Version
from stage_functions.domain.lifecycle import Assurance


class PageLinks:
    """Addresses under the one where Stageward answers. Safe to share between threads."""

    def __init__(self, url: str, signatures: Signatures) -> None:
        """Make addresses below a URL, without a slash at its end."""
        self._url, self._signatures = url, signatures

    def approval(self, approval: str) -> str:
        """Return the plain address of an approval's page."""
        return f"{self._url}/approvals/{approval}"

    def version(self, version: Version) -> str:
        """Return the address of a version's page; names are percent-encoded once."""
        asset = version.asset
        parts = (asset.registry, asset.kind, asset.name, "versions", version.number)
        return f"{self._url}/assets/{'/'.join(quote(part, safe='') for part in parts)}"

    def personal(self, approval: Approval, person: str) -> str:
        """Return the address that lets one person vote; the plain one where a link is not enough.

        Raises:
            UnknownOutcomeError, StoreUnavailableError: the keys cannot be read.
        """
        plain = self.approval(approval.id)
        if approval.policy.assurance is not Assurance.LINK:
            return plain
        token = self._signatures.sign(Purpose.LINK, approval.id, person, approval.fingerprint)
        return f"{plain}/link?sig={token}"
