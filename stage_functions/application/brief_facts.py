"""The facts of a brief: evidence as people read it, where it comes from, and what it leads to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from stage_functions.application.brief_people import someone
from stage_functions.application.context import Context
from stage_functions.application.origins import Hop
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.difference import shortly, shown
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.evidence import SECTIONS, Evidence, Scalar, Section
from stage_functions.domain.places import Places, code_place, link, public
from stage_functions.domain.uses import uses

TITLES: Mapping[str, str] = {
    "job": "Job",
    "code": "Code",
    "model": "Model",
    "data": "Data",
    "environment": "Environment",
    "metrics": "Metrics",
    "params": "Parameters",
    "explanations": "Explanations",
    "base_model": "Base model",
    "features": "Features",
    "template": "Template",
    "author": "Author",
}
_AS_NAMED = ("metrics", "params")
_OF_THE_FILE = ("model", "environment")
_INPUTS: Mapping[str, str] = {"data": "Data", "base_model": "Base model", "features": "Features"}
_MODEL_URI = re.compile(r"models:/([^/:@]+)/([0-9]+)\Z")
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)\.\d{6}Z\Z")


class Fact(Struct, frozen=True):
    """One fact of the evidence.

    Attributes:
        name: of the fact.
        text: its value.
        url: where people look at it, or "".
        exact: the value to its last digit, where the text has fewer; or "".
    """

    name: str
    text: str
    url: str = ""
    exact: str = ""


class Known(Struct, frozen=True):
    """A section of the evidence.

    Attributes:
        section: its name in rules.
        title: its name on pages.
        source: where it comes from, in words.
        facts: empty where nothing is recorded.
    """

    section: str
    title: str
    source: str
    facts: tuple[Fact, ...]


class Ancestor(Struct, frozen=True):
    """Something that a version came from.

    Attributes:
        relation: what it is to the version.
        text: what it is called.
        url: where people look at it, or "".
        version: the governed version that it is, or None.
        stage: where that stands now, or "".
    """

    relation: str
    text: str
    url: str = ""
    version: Version | None = None
    stage: str = ""


def readable(evidence: Evidence) -> dict[str, Section]:
    """Return the evidence with each data set and signature in words that people can compare."""
    return {
        name: {
            key: value if isinstance(value, int | float) else _read(name, str(value))
            for key, value in _opened(name, evidence.section(name)).items()
        }
        for name in SECTIONS
    }


def known(
    context: Context,
    version: Version,
    evidence: Evidence,
    places: Places,
    hops: tuple[Hop, ...] = (),
) -> list[Known]:
    """Return every section of the evidence, with links and source."""
    sections, job = readable(evidence), str(evidence.section("job").get("id", ""))
    registry = version.asset.registry
    kept = f", or kept when {hops[0].version} was granted {hops[0].stage}" if hops else ""
    found = []
    for name in SECTIONS:
        facts = tuple(
            _fact(context, name, key, value, evidence, places)
            for key, value in sections[name].items()
        )
        of = f", job {job}" if job and name not in _OF_THE_FILE else ""
        source = f"registry {registry}{of}{kept}" if facts else ""
        found.append(Known(name, TITLES[name], source, facts))
    return found


def lineage(
    context: Context,
    version: Version,
    evidence: Evidence,
    places: Places,
    hops: tuple[Hop, ...] = (),
) -> list[Ancestor]:
    """Return what a version came from, with the stages of what Stageward governs."""
    job, code, author = (evidence.section(name) for name in ("job", "code", "author"))
    found = [Ancestor("Copy of", hop.sentence, "", hop.version, hop.now) for hop in hops]
    if job.get("id"):
        named = str(job.get("name") or job["id"])
        found.append(Ancestor("Job", named, places.job))
    for name, relation in _INPUTS.items():
        found += _inputs(context, version.asset.registry, relation, evidence.section(name))
    shown_already = {one.version for one in found}
    found += [
        Ancestor(TITLES[use.role], use.text, "", use.version, _stage(context, use.version))
        for use in uses(evidence)
        if use.version is None or use.version not in shown_already
    ]
    repository, commit = str(code.get("repository", "")), str(code.get("commit", ""))
    text = commit or public(repository) or str(code.get("source", ""))
    if text:
        found.append(Ancestor("Code", text, code_place(repository, commit)))
    if author.get("id"):
        found.append(Ancestor("Author", someone(context, str(author["id"])).name))
    return found


def named_version(text: str, registry: str) -> Version | None:
    """Return the version that a text names, as Stageward writes it or as MLflow does."""
    found = _MODEL_URI.match(text)
    try:
        if found:
            return Version.parse(f"{Asset(registry, Kind.MODELS, found[1])}:{found[2]}")
        return Version.parse(text)
    except InvalidInputError:
        return None


def _inputs(context: Context, registry: str, relation: str, section: Section) -> Iterator[Ancestor]:
    datasets = _datasets(section) or ((section,) if section else ())
    for one in datasets:
        texts = [str(value) for value in one.values()]
        version = next((v for text in texts if (v := named_version(text, registry))), None)
        label = str(one.get("name") or one.get("id") or one.get("source") or next(iter(texts)))
        digest = f" ({one['digest']})" if one.get("digest") else ""
        url = next((u for text in texts if (u := link(text))), "")
        yield Ancestor(relation, f"{_words(label)}{digest}", url, version, _stage(context, version))


def _stage(context: Context, version: Version | None) -> str:
    if version is None:
        return ""
    state = context.ledger.load(version.asset, [version.number]).versions.get(version.number)
    return state.stage if state is not None and state.governed else ""


def _fact(
    context: Context, section: str, key: str, value: Scalar, evidence: Evidence, places: Places
) -> Fact:
    text = shown(value)
    own = {("job", "id"): places.job, ("job", "experiment"): places.experiment}
    own |= {("model", "model_id"): places.model}
    if section == "code" and key == "commit":
        url = code_place(str(evidence.section("code").get("repository", "")), text)
    elif section == "author" and key == "id":
        return Fact("id", someone(context, text).name)
    else:
        url = own.get((section, key), "") or link(text)
    if section == "code" and key == "repository":
        url = code_place(text, "")
    short = shortly(value)
    named = key if section in _AS_NAMED else key.replace("_", " ")
    return Fact(named, short, url, text if short != text else "")


def _opened(name: str, section: Section) -> Section:
    """Return a section with each of several data sets by its name."""
    if name != "data":
        return section
    opened: dict[str, Scalar] = {}
    for one in _datasets(section):
        context = f" ({one['context']})" if one.get("context") else ""
        label = f"{one['name']}{context}"
        label += f" #{len(opened)}" if f"{label}: digest" in opened else ""
        opened |= {f"{label}: {key}": v for key, v in one.items() if key not in ("name", "context")}
    return opened or section


def _datasets(section: Section) -> tuple[Mapping[str, str], ...]:
    """Return the data sets of a section that have a name: several as JSON, or the one it is."""
    if "datasets" not in section:
        one = {key: str(value) for key, value in section.items()}
        return (one,) if one.get("name") and len(one) > 1 else ()
    found = _json(str(section["datasets"]))
    every = found if isinstance(found, list) else []
    whole = [one for one in every if isinstance(one, dict) and one.get("name")]
    return tuple({str(k): str(v) for k, v in one.items()} for one in whole)


def _words(text: str) -> str:
    """Return a text as people read it: moments, and JSON of known shapes, in words; no secret."""
    moment = _MOMENT.match(text)
    if moment:
        return f"{moment[1]} {moment[2]} UTC"
    found = _json(text) if text[:1] in ("[", "{") else None
    if isinstance(found, list) and found:
        if all(isinstance(one, str) for one in found):
            text = ", ".join(found)
        elif all(isinstance(one, dict) and isinstance(one.get("type"), str) for one in found):
            text = ", ".join(f"{one.get('name', 'unnamed')}: {one['type']}" for one in found)
    elif isinstance(found, dict) and len(found) == 1 and link(text):
        text = link(text)
    return public(text)


def _read(section: str, text: str) -> str:
    """Return a value as people read it; what people named themselves stays as it is written."""
    return public(text) if section in _AS_NAMED else _words(text)


def _json(text: str) -> object:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found
