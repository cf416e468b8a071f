"""What a version uses: the data it was trained on, the environment it runs in, its base model.

Evidence says so: any section may have `asset`, naming a version as `registry/kind/name:version`,
or `assets`, a JSON list of such. What names nothing that Stageward governs is kept as it is
written, since a rule must not take "unknown" for "nothing".
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from msgspec import Struct

from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar, Section

ASSET, ASSETS = "asset", "assets"
MAX_RELATED = 100
"""Of the versions that one version uses, and of those that use it: beyond, a rule errs."""
ROLES: dict[Kind, str] = {
    Kind.MODELS: "base_model",
    Kind.DATA: "data",
    Kind.ENVIRONMENTS: "environment",
    Kind.COMPONENTS: "job",
}
"""The section of evidence that a version is used as, where only its kind is known."""


class Use(Struct, frozen=True):
    """That a version uses something.

    Attributes:
        role: the section of evidence that says so.
        text: what it uses, as the evidence has it.
        version: the version that this names, or None where it names none.
    """

    role: str
    text: str
    version: Version | None


def uses(evidence: Evidence) -> tuple[Use, ...]:
    """Return what a version uses, each thing once for each section, in their order."""
    if not any(ASSET in one or ASSETS in one for one in evidence.sections.values()):
        return ()  # as of nearly all
    found = {
        (role, text): Use(role, text, _version(text))
        for role in SECTIONS
        for text in _named(evidence.section(role))
    }
    return tuple(found.values())


def references(evidence: Evidence) -> tuple[str, ...]:
    """Return the names of the versions that a version uses, sorted; at most 100 are kept."""
    named = {str(use.version) for use in uses(evidence) if use.version is not None}
    return tuple(sorted(named)[:MAX_RELATED])


def fields(texts: Iterable[str]) -> dict[str, Scalar]:
    """Return the fields of a section that say what is used: the first alone, then all of them."""
    found = list(dict.fromkeys(texts))
    if not found:
        return {}
    several: dict[str, Scalar] = {ASSETS: json.dumps(found)} if len(found) > 1 else {}
    return {ASSET: found[0], **several}


def _named(section: Section) -> Iterator[str]:
    one = section.get(ASSET)
    if isinstance(one, str) and one:
        yield one
    listed = section.get(ASSETS)
    try:
        texts = json.loads(listed) if isinstance(listed, str) else []
    except (ValueError, RecursionError):
        texts = [listed]
    for text in texts if isinstance(texts, list) else [listed]:
        if isinstance(text, str) and text:
            yield text


def _version(text: str) -> Version | None:
    try:
        return Version.parse(text)
    except InvalidInputError:
        return None
