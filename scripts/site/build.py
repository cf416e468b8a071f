"""Builds the site, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

from scripts.site import built, reference, sphinx_site
from scripts.site.pages import collect


def build(root: Path, out: Path) -> list[str]:
    """Build the site of a project into a folder; return what is wrong, a line each.

    A folder that holds something else than a site is left alone.

    Args:
        root: the project's top.
        out: where the site goes; what was built there before is replaced.
    """
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").exists():
        return [f"{out}: is there already, and is no site: name another folder"]
    pages = collect(root, reference.pages(root))
    found = sphinx_site.write(pages, out)
    return sorted({*pages.faults, *found}) or built.faults(out)
