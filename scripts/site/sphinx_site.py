"""HTML of the pages, by Sphinx: nothing of it asks the network, or writes outside its folders."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import cast

from docutils import nodes
from markdown_it.tree import SyntaxTreeNode
from myst_parser.mdit_to_docutils.sphinx_ import SphinxRenderer
from myst_parser.parsers.mdit import create_md_parser
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

import stage_functions
from scripts.site.pages import FILES, Pages

STATIC = Path(__file__).parent / "static"
SEARCH_ORDER = Path(__file__).parent / "search_order.js"
ICON = Path(stage_functions.__file__).parent / "web" / "static" / "icon.svg"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LEVELS = 6
"""GitHub gives headings of every level an anchor."""
_MOST_AT_ONCE = 4
CONFIGURATION: Mapping[str, object] = MappingProxyType(
    {
        "project": "Stageward",
        "extensions": ["myst_parser"],
        "html_theme": "furo",
        "html_title": "Stageward",
        "html_favicon": str(ICON),
        "html_logo": str(ICON),
        "html_static_path": [str(STATIC)],
        "html_css_files": ["stageward.css"],
        "html_js_files": [("stageward.js", {"defer": "defer"})],
        "html_search_scorer": str(SEARCH_ORDER),
        "html_show_copyright": False,
        "html_show_sourcelink": False,
        "html_copy_source": False,
        "html_use_index": False,
        "exclude_patterns": [f"{FILES}/**"],
        "language": "en",
        "myst_heading_anchors": _LEVELS,
        "nitpicky": True,
        "smartquotes": False,
        # Blocks that leave something out, as `…`, are of no language; they are shown as they are.
        "suppress_warnings": ["misc.highlighting_failure"],
    }
)

_MENDED: Mapping[str, str] = MappingProxyType(
    {
        '<p class="caption" role="heading">': '<p class="caption" role="heading" aria-level="2">',
        '<aside class="sidebar-drawer">': '<aside class="sidebar-drawer" aria-label="All pages">',
        '<aside class="toc-drawer">': '<aside class="toc-drawer" aria-label="This page">',
    }
)
"""What a screen reader misses in pages of Sphinx and Furo, and what it is given."""


def write(pages: Pages, out: Path) -> list[str]:
    """Write the site into a folder that is made anew; return what is wrong, a line each."""
    with TemporaryDirectory(prefix="site-") as there, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of code of Sphinx; what it says of pages it says itself
        top = Path(there).resolve()
        source = top / "source"
        _write_sources(pages, source)
        said = _build(pages, top, source)
        _mend(top / "html")
        if out.exists():
            shutil.rmtree(out)
        shutil.copytree(top / "html", out)
    return [_in_project(line, source, pages) for line in said.splitlines() if line]


def _build(pages: Pages, top: Path, source: Path) -> str:
    """Let Sphinx write `html` below a folder; return what it says of the pages."""
    said = StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            srcdir=source,
            confdir=None,
            outdir=top / "html",
            doctreedir=top / "doctrees",
            buildername="html",
            confoverrides=dict(CONFIGURATION),
            status=None,
            warning=said,
            freshenv=True,
            parallel=min(_MOST_AT_ONCE, os.cpu_count() or 1),
        )
        app.add_source_parser(_parser(pages), override=True)
        app.build()
    return _COLOURS.sub("", said.getvalue())


def _mend(html: Path) -> None:
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for said, instead in _MENDED.items():
            text = text.replace(said, instead)
        page.write_text(text, encoding="utf-8")


def _write_sources(pages: Pages, source: Path) -> None:
    for page in pages.by_name.values():
        path = source / f"{page.name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page.text, encoding="utf-8")
    for one in pages.files:
        path = source / FILES / one
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(pages.root / one, path)


def _in_project(line: str, source: Path, pages: Pages) -> str:
    """Return a line of Sphinx that names the document, not its copy."""
    found, colon, rest = line.removeprefix(f"{source}/").partition(".md:")
    page = pages.by_name.get(found)
    return f"{page.source or found}:{rest}" if colon and page else line


def _parser(pages: Pages) -> type[MystParser]:
    """Return the parser of documents whose links lead where the pages are."""

    class Renderer(SphinxRenderer):
        """Links and pictures are looked up before they are rendered."""

        def _moved(self, token: SyntaxTreeNode, key: str) -> None:
            written = str(token.attrGet(key) or "")
            token.attrs[key] = pages.address(self.sphinx_env.docname, written)

        def render_link(self, token: SyntaxTreeNode) -> None:
            self._moved(token, "href")
            super().render_link(token)

        def render_image(self, token: SyntaxTreeNode) -> None:
            self._moved(token, "src")
            super().render_image(token)

    class Parser(MystParser):
        """As its parent, with that renderer; no document sets options of its own."""

        def parse(self, inputstring: str, document: nodes.document) -> None:
            config = document.settings.env.myst_config
            parser = create_md_parser(config, cast("type[SphinxRenderer]", Renderer))
            parser.options["document"] = document
            parser.render(inputstring)

    return Parser
