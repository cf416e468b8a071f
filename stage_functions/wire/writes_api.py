"""What a registry's own server asks before it stores something, and what it is told.

As in `api`, of which this is a part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

Written = Literal["stage", "tag", "alias", "create", "delete", "rename", "confirm"]
_CLOSED: dict[str, Any] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class WriteBody:
    """What somebody is about to write at an MLflow server.

    Attributes:
        what: a version's stage; a tag of it; an alias of the model; a new version; that a version,
            or the model with all of them, is deleted; another name of the model; or
            nothing, where a stage was stored, and may have changed since.
        name: of the model.
        version: its number; an empty text where there is none yet, and for the whole model.
        key: of the tag; the alias.
        value: the stage; the value of the tag; the number that the alias is to lead to; the other
            name. Null removes the tag or the alias.
        tags: of a new version, those that may be Stageward's.
        shows: in words, what versions show that are about to come by another name.
        archive_existing_versions: false refuses to displace the holder of an exclusive stage.
        created: when the server made the version, in ms since 1970.
        on_behalf_of: id of whom the server has authenticated: a request is made for them. Without
            it nobody is proven to have asked.
        prompt: it is a prompt, which MLflow keeps among its models.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = _CLOSED

    what: Written
    name: str
    version: str = ""
    key: str = ""
    value: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    archive_existing_versions: bool = True
    created: int | None = None
    on_behalf_of: str | None = None
    prompt: bool = False


@dataclass(frozen=True, slots=True)
class Ruling:
    """Whether a write may be stored.

    Attributes:
        allowed: it may.
        governed: Stageward has a say in it.
        detail: why, in a sentence.
        approval: id of the approval that it waits for.
        address: of the page of that approval.
        stage: what MLflow's own field is to say of the version now; null where it may say anything.
        displaces: numbers of the versions that leave the stage for it.
    """

    allowed: bool
    governed: bool
    detail: str
    approval: str | None = None
    address: str | None = None
    stage: str | None = None
    displaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Guarded:
    """What of a registry is asked about; whatever else is written is nobody's business.

    Attributes:
        tags: keys of tags of versions.
        aliases: names.
    """

    tags: tuple[str, ...]
    aliases: tuple[str, ...]
