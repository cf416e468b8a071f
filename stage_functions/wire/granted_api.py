"""What clients of MLflow ask: where versions stand by grant, of many models in one call.

As in `api`, of which this is a part. It is all that such a client needs to answer by granted stage:
no evidence, no words, nothing that a registry would have to be asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

MOST_NAMES = 100
"""How many models one call may ask about."""
_CLOSED: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class GrantedBody:
    """Which models are asked about.

    Attributes:
        names: of models, as their registry has them; at most 100.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GrantedVersion:
    """Where a version stands.

    Attributes:
        stage: the granted stage; null while its registry is only observed.
        created: when an MLflow server made it, in ms since 1970: what has the same number and
            another moment is another thing, and was granted nothing. 0 where the registry is none.
    """

    stage: str | None
    created: int


@dataclass(frozen=True, slots=True)
class GrantedModel:
    """A model, the stages that it may have, and where its versions stand.

    Attributes:
        asset: `registry/models/name`.
        known: the ledger knows it.
        why: why nothing is granted to it now: its registry is only observed, or nothing governs
            it; an empty text where it is governed.
        lifecycle: name of the one that governs it; an empty text where none does.
        initial: the stage where its versions begin.
        stages: all of them, in the order of the file.
        terminal: those that nothing leaves.
        exclusive: by each stage that one version at most holds, where its holder moves when
            another one takes it.
        aliases: by each alias of MLflow that Stageward keeps, the exclusive stage whose holder
            has it.
        versions: those that the ledger knows and that are not gone, by number.
    """

    asset: str
    known: bool
    why: str
    lifecycle: str
    initial: str
    stages: tuple[str, ...]
    terminal: tuple[str, ...]
    exclusive: Mapping[str, str]
    aliases: Mapping[str, str]
    versions: Mapping[str, GrantedVersion]


@dataclass(frozen=True, slots=True)
class GrantedModels:
    """What was asked about.

    Attributes:
        models: in the order they were asked about.
    """

    models: tuple[GrantedModel, ...]
