"""Tells which tags a CEL expression names that no rule may see.

Pure text, as in `cel_paths`. A key that is worked out is not looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from stage_functions.adapters.cel_paths import Token, paths, tokens_of, unquoted
from stage_functions.domain.visible_tags import VisibleTags

_TAGS = (("version", "tags"), ("holder", "tags"))
_DEPTH = 2
_BEFORE_A_WHOLE = frozenset("([{,!?:&|")
"""Signs behind which a text is a whole operand, so that `in` asks for just that."""


def unseen(expression: str, tags: VisibleTags) -> str:
    """Say why an expression does not see a tag that it names, and the way out; "" if it does."""
    for key in _keys(expression):
        why = tags.unseen(key)
        if why:
            return why
    if not tags.bind and any(path[:_DEPTH] in _TAGS for path in paths(expression)):
        return "it reads tags, of which no rule sees any: add those that it needs to bind"
    return ""


def _keys(expression: str) -> Iterator[str]:
    """Return the keys of tags that an expression names: `tags.a`, `tags['a']`, `'a' in tags`."""
    for path in paths(expression):
        if path[:_DEPTH] in _TAGS and len(path) > _DEPTH and "\\" not in path[_DEPTH]:
            yield path[_DEPTH]
    found = tokens_of(expression)
    for at, (kind, text) in enumerate(found):
        whole = at == 0 or found[at - 1][1] in _BEFORE_A_WHOLE
        if kind == "string" and whole and "\\" not in text and _is_in_tags(found, at + 1):
            yield unquoted(text)


def _is_in_tags(found: Sequence[Token], at: int) -> bool:
    """Tell whether `in` and the tags of a version follow, in brackets or not, and nothing below."""
    if found[at : at + 1] != [("name", "in")]:
        return False
    at += 1
    while found[at : at + 1] == [("sign", "(")]:
        at += 1
    root, dot, tags, *behind = (*found[at : at + 4], *[("", "")] * 4)[:4]
    named = (root[1], tags[1]) in _TAGS and dot == ("sign", ".")
    return named and behind[0] not in (("sign", "."), ("sign", "["))
