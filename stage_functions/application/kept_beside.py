"""Keep, with an approval that opens, what approvers see beside what it is bound to."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from stage_functions.application.context import Context
from stage_functions.domain.approval import Approval
from stage_functions.domain.asset import Snapshot, Version
from stage_functions.domain.beside import shown_beside
from stage_functions.domain.lifecycle import Lifecycle
from stage_functions.domain.record import canonical, digest_of


def keep_beside(
    context: Context, lifecycle: Lifecycle, approval: Approval, snapshot: Snapshot
) -> tuple[Approval, Mapping[str, bytes]]:
    """Return an approval that names what was shown beside, and that document by its digest.

    Raises:
        RegistryUnavailableError: the holder cannot be read.
    """
    asset, holder = snapshot.version.asset, None
    if approval.holder_evidence:
        holder = context.registry(asset.registry).read(Version(asset, approval.holder))
    document = canonical(shown_beside(lifecycle, snapshot, holder).document())
    digest = digest_of(document)
    return replace(approval, beside=digest), {digest: document}
