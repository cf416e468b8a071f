"""What MLflow knows of what a version uses, under the names that evidence has for it.

Two sources. A tag `uses`, of the version or of its run, names versions, with commas or blanks
between them: `models:/base/3` or `models/base:3` in this registry, `other/data/iris:4` in another;
what is percent-encoded may hold a blank. And a run may have taken in models that were logged: of
the first that is not the version itself, one call asks which versions were registered from it.
Whatever names no version stays as it is written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote

from stage_functions.adapters.mlflow_codec import snapshot as read_version
from stage_functions.adapters.mlflow_http import MlflowApi
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.evidence import Scalar
from stage_functions.domain.uses import ROLES, fields
from stage_functions.wire.document import entries, text

TAG = "uses"
_SEPARATORS = re.compile(r"[\s,]+")
_MODEL_URI = re.compile(r"models:/([^/]+)/([0-9]+)")
_OWN = re.compile(r"[a-z]+/[^/]+:[^/:]+")
_LOGGED = re.compile(r"m-[0-9A-Za-z]+")
_MODELS = "base_model"


def used(
    api: MlflowApi, alias: str, run: object, own_model: str, *tags: Mapping[str, str]
) -> dict[str, dict[str, Scalar]]:
    """Return what a version uses: fields by section of evidence.

    Args:
        api: the server.
        alias: the registry's.
        run: the run that made the version, or None.
        own_model: the logged model that the version itself is, or "".
        tags: of the version and of its run.

    Raises:
        RegistryUnavailableError, RegistryRefusedError: the one call cannot be made.
    """
    found: dict[str, list[str]] = {}
    for given in tags:
        for word in filter(None, _SEPARATORS.split(given.get(TAG, ""))):
            role, name = _named(alias, unquote(word))
            found.setdefault(role, []).append(name)
    inputs = [text(one, "model_id") for one in entries(run, "inputs", "model_inputs")]
    foreign = [one for one in dict.fromkeys(inputs) if one and one != own_model]
    if foreign:
        found.setdefault(_MODELS, []).extend(_registered(api, alias, foreign[0]))
        found[_MODELS] += [f"models:/{one}" for one in foreign[1:]]
    return {role: fields(names) for role, names in found.items()}


def _named(alias: str, word: str) -> tuple[str, str]:
    """Return as what something is used, and its name: of a version, where it names one."""
    uri = _MODEL_URI.fullmatch(word)
    name = f"{alias}/{word}" if _OWN.fullmatch(word) else word
    try:
        version = (
            Version(Asset.parse(f"{alias}/{Kind.MODELS}/{uri[1]}"), uri[2])
            if uri
            else Version.parse(name)
        )
    except InvalidInputError:
        return _MODELS, word
    return ROLES[version.asset.kind], str(version)


def _registered(api: MlflowApi, alias: str, model: str) -> list[str]:
    """Return the versions that were registered from a logged model; itself where there are none."""
    source = f"models:/{model}"
    if not _LOGGED.fullmatch(model):
        return [source]
    answer = api.get("model-versions/search", {"filter": f"source_path = '{source}'"})
    found: list[str] = []
    for row in entries(answer, "model_versions"):
        try:
            found.append(str(read_version(row, alias).version))
        except ValueError:
            continue
    return sorted(found) or [source]
