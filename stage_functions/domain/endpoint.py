"""How an endpoint is named: `registry/endpoint`, the registry one of the file.

On Azure ML it is in that registry. What serves the models of an MLflow server is known to nobody
but whoever serves them: it goes by the alias of the registry that they are from. So a name that
is mistyped is told from one that is not, and a gate never passes for a place that there is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase

from stage_functions.domain.hint import did_you_mean

_NAMED = "name the registry that the endpoint is in or, outside Azure ML, whose models it serves"


def endpoint_fault(endpoint: str, aliases: Iterable[str]) -> str:
    """Say why a text names no endpoint, or return ""."""
    known = tuple(aliases)
    registry, slash, name = endpoint.partition("/")
    example = f"such as {known[0] if known else 'dev'}/scoring"
    if not slash or not registry or not name or "/" in name:
        return f"'{endpoint}' names no endpoint; write registry/endpoint, {example}"
    if registry in known:
        return ""
    return _no_registry(f"'{endpoint}' is of no registry", registry, name, known)


def glob_fault(glob: str, aliases: Iterable[str]) -> str:
    """Say why a glob over `registry/endpoint` matches no endpoint that there can be, or ""."""
    known = tuple(aliases)
    registry, _, name = glob.partition("/")
    if any(fnmatchcase(alias, registry) for alias in known):
        return ""
    return _no_registry(f"'{registry}' matches no registry", registry, name, known)


def _no_registry(what: str, registry: str, name: str, known: tuple[str, ...]) -> str:
    said = f"{what}; there are {', '.join(known)}"
    hint = did_you_mean(registry, known)
    return said + (hint or f"; {_NAMED}, such as {known[0]}/{name}")
