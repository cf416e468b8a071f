"""Reads what a CEL expression names: which facts it reads, and which of its names lead nowhere.

Pure text: nothing is compiled or evaluated here, so nothing here decides whether a rule passes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache

from stage_functions.domain.evidence import SECTIONS

REQUEST = ("from", "to", "reason", "requester", "attribution", "via")
VERSION = (
    "registry",
    "kind",
    "name",
    "version",
    "stage",
    "created_at",
    "author",
    "description",
    "properties",
    "tags",
)
RELATED = ("registry", "kind", "name", "version", "stage")
CALENDAR = ("active", "status", "since", "until", "next")
ITEM = "*"
"""Stands in a path for whichever item of a list."""
LISTS = ("uses", "used_by")
ROOTS = ("version", "evidence", "holder", "request", "now", "in_stage_since", *LISTS, "calendars")
MAX_READ = 10
"""Of what a rule reads, where it does not say itself what it shows."""
_PARTS: Mapping[tuple[str, ...], Sequence[str]] = {
    ("evidence",): SECTIONS,
    ("holder", "evidence"): SECTIONS,
    ("version",): VERSION,
    ("holder",): (*VERSION, "evidence"),
    ("request",): REQUEST,
    ("uses", ITEM): ("as", *RELATED),
    ("used_by", ITEM): RELATED,
}
"""What there is under a variable; below it, names are the registry's own."""
_MACROS = ("all", "exists", "exists_one", "filter", "map")
_TOKEN = re.compile(
    r"""(?P<string>[rRbB]{0,2}(?:\"{3}.*?\"{3}|'{3}.*?'{3}|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))"""
    r"""|(?P<name>[A-Za-z_]\w*)|`(?P<quoted>[^`]*)`|//[^\n]*|(?P<number>\d[\w.]*)|(?P<sign>\S)""",
    re.DOTALL,
)
_CLOSING = [("sign", "]")]
_NAME = re.compile(r"[A-Za-z_]\w*")
_NO_FIELDS = frozenset({"false", "in", "null", "true"})
"""Names that CEL takes for something else behind a dot."""
_SOAK = re.compile(r"\bnow\s*-\s*in_stage_since\b(?:\s*>=?\s*(duration\([^()]*\)))?")

Path = tuple[str, ...]
Token = tuple[str, str]


def paths(expression: str) -> tuple[Path, ...]:
    """Return the paths from a variable down that an expression names, in its order.

    `evidence.metrics['val-auc']` is `("evidence", "metrics", "val-auc")`; a function or macro at
    the end of a path is not part of it. In `uses.all(u, u.kind == 'data')`, `u.kind` is
    `("uses", "*", "kind")`.
    """
    tokens = tokens_of(expression)
    items = dict(_items(tokens))
    found: list[Path] = []
    for start, (kind, text) in enumerate(tokens):
        after_dot = start > 0 and tokens[start - 1] == ("sign", ".")
        if kind != "name" or after_dot:
            continue
        if text in items:
            found.append((items[text], ITEM, *_path(tokens, start)[1:]))
        elif text in ROOTS:
            found.append(_path(tokens, start))
    return tuple(found)


def unknown_part(expression: str, calendars: Collection[str] = ()) -> str:
    """Say which path of an expression leads nowhere whatever is recorded, or return ""."""
    for path in paths(expression):
        for depth in (1, 2):
            known = _known(path[:depth], calendars)
            if known is None or len(path) <= depth or path[depth] in known:
                continue
            if not known:
                return (
                    f"calendars has no '{path[depth]}'; name one under calendars of the lifecycle"
                )
            hint = did_you_mean(path[depth], known)
            where = ".".join(part for part in path[:depth] if part != ITEM)
            return f"{where} has no '{path[depth]}'; {hint}it has {', '.join(known)}"
    return ""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return `did you mean '…'? ` where a known word is near, else ""."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f"did you mean '{near[0]}'? " if near else ""


@lru_cache(maxsize=1024)
def reads(expression: str) -> tuple[str, ...]:
    """Return expressions that show what an expression reads, each once, at most ten.

    Where it asks how long a version has stood at its stage, they tell how long it has, and when it
    will have long enough.
    """
    found: dict[str, None] = {}
    named = paths(expression)
    soak = _SOAK.search(expression)
    if soak:
        found["now - in_stage_since"] = None
    if soak and soak[1]:
        found[f"in_stage_since + {soak[1]}"] = None
    holds = any(path[0] == "holder" and len(path) > 1 for path in named)
    for path in named:
        text = _shown(path, soaks=bool(soak), holds=holds)
        if text:
            found[text] = None
    return tuple(found)[:MAX_READ]


def _shown(path: Path, *, soaks: bool, holds: bool) -> str:
    """Return the expression that shows what a path leads to; "" where that would say nothing."""
    root = path[0]
    if root in LISTS:
        return root
    if root in ("now", "in_stage_since"):
        return "" if soaks else root
    if root == "calendars":
        return _written(("calendars", path[1], "status")) if len(path) > 1 else ""
    if path == ("holder",):
        return "" if holds else "holder.version"
    return _written(path) if len(path) > 1 and path != ("holder", "evidence") else ""


def _written(path: Path) -> str:
    if any("'" in part or "\\" in part or "\n" in part for part in path):
        return ""
    first, *rest = path
    return first + "".join(f".{part}" if _is_field(part) else f"['{part}']" for part in rest)


def _is_field(part: str) -> bool:
    return bool(_NAME.fullmatch(part)) and part not in _NO_FIELDS


def _known(path: Path, calendars: Collection[str]) -> Collection[str] | None:
    if path[0] == "calendars":
        return calendars if len(path) == 1 else CALENDAR
    return _PARTS.get(path)


def tokens_of(expression: str) -> list[Token]:
    """Return what an expression is written of: strings, names, numbers and signs."""
    found = ((t.lastgroup or "", t[t.lastgroup or 0]) for t in _TOKEN.finditer(expression))
    return [(kind, text) for kind, text in found if kind]


def _path(tokens: Sequence[Token], start: int) -> Path:
    parts = [tokens[start][1]]
    at = start + 1
    while at + 1 < len(tokens):
        step, (kind, text) = tokens[at], tokens[at + 1]
        if step == ("sign", ".") and kind in ("name", "quoted"):
            if kind == "name" and tokens[at + 2 : at + 3] == [("sign", "(")]:
                break
            parts.append(text)
            at += 2
        elif step == ("sign", "[") and kind == "string" and tokens[at + 2 : at + 3] == _CLOSING:
            parts.append(unquoted(text))
            at += 3
        elif step == ("sign", "[") and kind == "number" and parts[0] in LISTS:
            parts.append(ITEM)
            at += 3
        else:
            break
    return tuple(parts)


def _items(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    """Yield the names that macros give to the items of a list, each with the list's name."""
    for start, (kind, text) in enumerate(tokens):
        if kind != "name" or text not in LISTS:
            continue
        at = start + 1
        while _is_macro(tokens, at):
            if [kind for kind, _ in tokens[at + 3 : at + 4]] == ["name"]:
                yield tokens[at + 3][1], text
            if tokens[at + 1][1] != "filter":
                break
            at = _behind(tokens, at + 2)


def _is_macro(tokens: Sequence[Token], at: int) -> bool:
    dot, name, bracket = (*tokens[at : at + 3], *[("", "")] * 3)[:3]
    return dot == ("sign", ".") and name[1] in _MACROS and bracket == ("sign", "(")


def _behind(tokens: Sequence[Token], bracket: int) -> int:
    """Return where the tokens behind a bracket and what it encloses begin."""
    depth = 0
    for at in range(bracket, len(tokens)):
        kind, text = tokens[at]
        if kind == "sign":
            depth += {"(": 1, ")": -1}.get(text, 0)
        if depth == 0:
            return at + 1
    return len(tokens)


def unquoted(text: str) -> str:
    """Return what stands between the quotes of a string; escapes are left as they are."""
    return text.lstrip("rRbB").strip("\"'")
