"""The pages of the site: documents, what they link to, and the reference."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from scripts.site import navigation
from scripts.site.links import Link, LinkError, addresses, read

DOCUMENTS = "docs"
PROJECT = "project"
"""Below it stand pages of what is outside `docs`."""
FILES = "files"
"""Below it stands what is shown or downloaded as it is."""
_MARKDOWN = ".md"
_INDEX = "index"
_DECISIONS = "adr/"
_REFERENCE = "reference"
_LARGEST_TEXT = 200_000
_LANGUAGES = {
    ".bicep": "text",
    ".json": "json",
    ".py": "python",
    ".sh": "sh",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_PICTURES = (".png", ".svg", ".jpg")
_ALWAYS = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")
_EXAMPLES = "examples/*/README.md"
_OUR_OWN = frozenset({"__pycache__", ".DS_Store"})


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the site.

    Attributes:
        name: its address without `.html`.
        source: what it shows, from the project's top; "" where it is made of code.
        text: its Markdown.
    """

    name: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Pages:
    """All pages, and what they need.

    Attributes:
        root: the project's top.
        by_name: the pages.
        by_path: names of pages by what they show, folders included.
        files: what is taken along as it is, from the project's top.
        faults: what is wrong with links, a line each.
    """

    root: Path
    by_name: dict[str, Page] = field(default_factory=dict)
    by_path: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def address(self, name: str, written: str) -> str:
        """Return a link of a page as the site has it: below the site's top, or as it was.

        Args:
            name: of the page.
            written: as its document says.
        """
        source = self.by_name[name].source
        try:
            link = read(source, written, self.root) if source else None
        except LinkError:
            return "#"  # it is a fault already
        if link is None:
            return written
        found = self.by_path.get(link.path)
        if found is None:
            return f"/{FILES}/{link.path}"
        markdown = link.path.endswith(_MARKDOWN) and link.fragment
        return f"/{found}{_MARKDOWN}" + (f"#{link.fragment}" if markdown else "")


def collect(root: Path, made: Mapping[str, str]) -> Pages:
    """Return the pages of a project.

    Args:
        root: its top.
        made: the Markdown of pages that are made of code, by name.
    """
    found = Pages(root)
    for name, text in made.items():
        found.by_name[name] = Page(name, "", text)
    documents = sorted((root / DOCUMENTS).rglob(f"*{_MARKDOWN}"))
    waiting = [one.relative_to(root).as_posix() for one in documents]
    further = [*(root / one for one in _ALWAYS), *sorted(root.glob(_EXAMPLES))]
    waiting += [one.relative_to(root).as_posix() for one in further if one.exists()]
    while waiting:
        waiting += _add(found, waiting.pop())
    _navigate(found)
    found.faults.extend(_left_over(found))
    return found


def _add(found: Pages, path: str) -> list[str]:
    """Add what stands at a path, unless it is there; return what it leads to."""
    if path in found.by_path or path in found.files:
        return []
    here = found.root / path
    if here.is_dir() and (here / "README.md").exists():
        found.by_path[path] = _name(posixpath.join(path, "README.md"))
        return [posixpath.join(path, "README.md")]
    text = _text(here, path)
    if text is None:
        found.files.add(path)
        return []
    name = _name(path) if path.endswith(_MARKDOWN) else f"{PROJECT}/{path}"
    name = f"{name}/{_INDEX}" if here.is_dir() else name
    found.by_path[path] = name
    found.by_name[name] = Page(name, path if path.endswith(_MARKDOWN) else f"{path}/.", text)
    return [link.path for link in _links(found, found.by_name[name])]


def _links(found: Pages, page: Page) -> Iterator[Link]:
    for address in addresses(page.text):
        try:
            link = read(page.source, address, found.root)
        except LinkError as exc:
            found.faults.append(f"{page.source}: {exc}")
        else:
            if link:
                yield link


def _name(path: str) -> str:
    """Return the name of a document's page: as in `docs`, and `index` for a README."""
    bare = path.removesuffix(_MARKDOWN)
    folder, _, last = bare.rpartition("/")
    bare = posixpath.join(folder, _INDEX) if last == "README" else bare
    inside = bare.removeprefix(f"{DOCUMENTS}/")
    return inside if inside != bare else f"{PROJECT}/{bare}"


def _text(here: Path, path: str) -> str | None:
    """Return the Markdown of a page that shows what is there; None for what is only taken along."""
    if here.is_dir():
        inside = sorted(one.name for one in here.iterdir() if one.name not in _OUR_OWN)
        return _unlisted(f"# `{path}`\n\n" + "\n".join(f"- [{one}](./{one})" for one in inside))
    if here.suffix == _MARKDOWN:
        return here.read_text(encoding="utf-8")
    language = _LANGUAGES.get(here.suffix)
    if language is None or here.stat().st_size > _LARGEST_TEXT:
        return None
    code = here.read_text(encoding="utf-8").rstrip("\n")
    return _unlisted(f"# `{path}`\n\n~~~~~~{language}\n{code}\n~~~~~~")


def _unlisted(text: str) -> str:
    """Return the text of a page that is reached by links alone."""
    return f"---\norphan: true\n---\n\n{text}\n"


def _navigate(found: Pages) -> None:
    """Put the navigation on the first page, decisions and the reference below their lists."""
    listed = {name for names in navigation.GROUPS.values() for name in names}
    below = [name for name in found.by_name if name.startswith(_DECISIONS)]
    decisions = sorted(name for name in below if name != f"{_DECISIONS}{_INDEX}")
    _append(found, _INDEX, navigation.contents(list(found.by_name)))
    _append(found, f"{_DECISIONS}{_INDEX}", navigation.contents_of(decisions))
    made = [name for name in found.by_name if name.startswith(f"{_REFERENCE}/")]
    _append(found, _REFERENCE, navigation.links(made))
    for page in list(found.by_name.values()):
        outside = page.name.startswith(f"{PROJECT}/") and page.name not in listed
        if outside and not page.text.startswith("---\n"):
            found.by_name[page.name] = Page(page.name, page.source, _unlisted(page.text))
        elif page.name not in {*listed, *decisions, _INDEX} and not outside:
            found.faults.append(f"{page.source}: is on no list of scripts/site/navigation.py")


def _append(found: Pages, name: str, text: str) -> None:
    page = found.by_name.get(name)
    if page:
        found.by_name[name] = Page(name, page.source, f"{page.text}\n{text}")


def _left_over(found: Pages) -> Iterator[str]:
    """Name pictures of `docs` that no page shows."""
    for one in sorted((found.root / DOCUMENTS).rglob("*")):
        path = one.relative_to(found.root).as_posix()
        if PurePosixPath(path).suffix in _PICTURES and path not in found.files:
            yield f"{path}: no page shows it"
