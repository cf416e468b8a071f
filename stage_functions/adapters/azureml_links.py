"""Where people look at a version in Azure Machine Learning studio. Pure; it asks nobody.

The addresses are those that studio itself shows; Microsoft documents few of them. That of a
component in a workspace is formed as its neighbours are, and not confirmed by anything public.
"""

from __future__ import annotations

from urllib.parse import quote

from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.evidence import Evidence
from stage_functions.domain.places import Places

_PAGES = {
    Kind.MODELS: "model/{name}:{number}/details",
    Kind.DATA: "data/{name}/{number}/details",
    Kind.ENVIRONMENTS: "environments/{name}/version/{number}",
    Kind.COMPONENTS: "components/{name}/version/{number}",
}
_ID_SAFE = "/"
"""A resource id stands in an address as it is, as studio writes it."""


def workspace_places(
    studio: str, workspace: str, version: Version, evidence: Evidence, tenant: str = ""
) -> Places:
    """Return the pages of a version in a workspace, and of its job and experiment.

    Args:
        studio: address of studio, without a slash at the end.
        workspace: resource id.
        version: one of it.
        evidence: what is known of it.
        tenant: the directory to sign in to; the one people are signed in to if empty.
    """
    where = f"?wsid={quote(workspace, safe=_ID_SAFE)}"
    where += f"&tid={_part(tenant)}" if tenant else ""
    asset = version.asset
    page = _PAGES[asset.kind].format(name=_part(asset.name), number=_part(version.number))
    job, experiment = (
        _part(str(evidence.section("job").get(key, ""))) for key in ("id", "experiment")
    )
    return Places(
        f"{studio}/{page}{where}",
        f"{studio}/runs/{job}{where}" if job else "",
        f"{studio}/experiments/id/{experiment}{where}" if experiment else "",
    )


def registry_places(studio: str, registry: str, version: Version, tenant: str = "") -> Places:
    """Return the page of a version in a registry; nothing else is known of one there."""
    asset = version.asset
    path = "/".join((_part(registry), asset.kind, _part(asset.name), "version"))
    sign_in = f"?tid={_part(tenant)}" if tenant else ""
    return Places(f"{studio}/registries/{path}/{_part(version.number)}{sign_in}")


def _part(text: str) -> str:
    """Return a text as one part of an address, as browsers encode it."""
    return quote(text.encode(errors="replace"), safe="")
