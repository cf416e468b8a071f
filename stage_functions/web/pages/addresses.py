"""Addresses of pages. Names are percent-encoded once, here and nowhere else."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from stage_functions.domain.asset import Asset, Version


def url_for_asset(asset: Asset | str) -> str:
    """Return the address of an asset's page; of an asset, or of `registry/kind/name`."""
    named = Asset.parse(asset) if isinstance(asset, str) else asset
    return f"/assets/{_part(named.registry)}/{_part(named.kind)}/{_part(named.name)}"


def url_for_version(version: Version | Asset | str, number: str = "") -> str:
    """Return the address of a version's page; of a version, or of an asset and a number."""
    if isinstance(version, Version):
        return url_for_version(version.asset, version.number)
    return f"{url_for_asset(version)}/versions/{_part(number)}"


def url_for_version_named(name: str) -> str:
    """Return the address of the page of a version that is named as records name it."""
    return url_for_version(Version.parse(name))


def url_for_rollback(asset: Asset, stage: str = "") -> str:
    """Return the address of the page that says what a rollback would do."""
    return url_with(f"{url_for_asset(asset)}/rollback", stage=stage)


def url_for_approval(approval: str) -> str:
    """Return the address of an approval's page."""
    return f"/approvals/{_part(approval)}"


def url_for_export(page: str) -> str:
    """Return the address of the evidence pack of what a page is about: a version or an approval."""
    return f"{page}/export"


def url_for_lifecycle(name: str) -> str:
    """Return the address of a lifecycle's page."""
    return f"/lifecycles/{_part(name)}"


def url_with(path: str, **fields: object) -> str:
    """Return an address with those fields that have a value: a text, a number, or `True`."""
    given = {
        name: "1" if value is True else str(value)
        for name, value in fields.items()
        if value not in ("", None, False, 0)
    }
    return f"{path}?{urlencode(given)}" if given else path


def _part(text: str) -> str:
    return quote(text, safe="")
