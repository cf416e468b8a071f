"""What the document of a version says of it that nobody changes: evidence without a job.

Pure. Description, tags and properties are not repeated here: rules read them of the version itself.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from stage_functions.adapters.azureml_reference import Names
from stage_functions.domain.asset import Kind
from stage_functions.domain.evidence import Scalar
from stage_functions.domain.uses import fields
from stage_functions.wire.document import entries, member, parsed, text

Sections = Mapping[str, Mapping[str, Scalar]]

_ENVIRONMENT = {
    "image": ("image",),
    "dockerfile": ("build", "dockerfilePath"),
    "build_context": ("build", "contextUri"),
    "os": ("osType",),
    "type": ("environmentType",),
}
_COMPONENT = {"type": "type", "command": "command", "source": "code"}


def facts(kind: Kind, document: object, names: Names) -> Sections:
    """Return what a version's own document says, by section of evidence.

    Args:
        kind: of the version.
        document: as the resource manager or a registry has it.
        names: what other versions are called in it.
    """
    properties = plain(member(document, "properties"))
    match kind:
        case Kind.MODELS:
            return _model(properties, names)
        case Kind.DATA:
            return {"data": present({"source_type": text(properties, "dataType")})}
        case Kind.ENVIRONMENTS:
            found = {key: text(properties, *at) for key, at in _ENVIRONMENT.items()}
            return {"environment": present(found)}
        case Kind.COMPONENTS:
            return _component(properties, names)


def plain(document: object) -> object:
    """Return JSON with `?` for each half of a surrogate pair, which canonical JSON cannot hold."""
    written = json.dumps(document, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return parsed(written.encode(errors="replace"))
    return document


def present(known: Mapping[str, str]) -> dict[str, Scalar]:
    """Return what is not empty."""
    return {key: value for key, value in known.items() if value}


def _model(properties: object, names: Names) -> Sections:
    flavors = member(properties, "flavors")
    named = sorted(map(str, flavors)) if isinstance(flavors, dict) else []
    model = {
        "type": text(properties, "modelType"),
        "flavors": json.dumps(named) if named else "",
    }
    return {"model": present(model), "data": _trained_on(properties, names)}


def _trained_on(properties: object, names: Names) -> dict[str, Scalar]:
    """Return the data that a model says it was trained on."""
    found = [text(one, "id") for one in entries(properties, "datasets")]
    versions = ((one, names.version(one, Kind.DATA)) for one in found if one)
    return fields(str(version) if version else one for one, version in versions)


def _component(properties: object, names: Names) -> Sections:
    """Return what a component runs, and the environment that it uses."""
    specification = member(properties, "componentSpec")
    known = {name: text(specification, key) for name, key in _COMPONENT.items()}
    environment = text(specification, "environment")
    version = names.version(environment, Kind.ENVIRONMENTS)
    used = [str(version) if version else environment] if environment else []
    return {"code": present(known), "environment": fields(used)}
