"""What a registry's own server asks about before it stores it, and what it is told: values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.people import Actor


class What(StrEnum):
    """What is about to be written."""

    STAGE = "stage"
    TAG = "tag"
    ALIAS = "alias"
    CREATE = "create"
    DELETE = "delete"
    RENAME = "rename"
    CONFIRM = "confirm"


class Write(Struct, frozen=True):
    """What somebody is about to write.

    Attributes:
        asset: of which asset.
        what: a stage, a tag, an alias, a new version, nothing more of it, or another name; or
            nothing, where a stage was let through and stored, and may have changed since.
        actor: who runs the server, proven.
        operation: id of the request that this may become.
        version: number of the version; "" for all of the asset, or where it has none yet.
        key: of the tag, or the alias.
        value: the stage; of the tag, or None to remove it; the number that the alias is to lead
            to, or None to remove it; the other name.
        tags: of a new version, those that may be Stageward's.
        shows: in words, what versions show that are about to come by another name.
        archive_existing_versions: False refuses to displace the holder of an exclusive stage.
        created: when the server made the version, ms since 1970; None where it does not say.
        on_behalf_of: id of whom the server has authenticated, or "".
        prompt: the server says that it is a prompt, which MLflow keeps among its models, and which
            no scan finds. Of what the ledger knows that is not believed.
    """

    asset: Asset
    what: What
    actor: Actor
    operation: str
    version: str = ""
    key: str = ""
    value: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    shows: tuple[str, ...] = ()
    archive_existing_versions: bool = True
    created: int | None = None
    on_behalf_of: str = ""
    prompt: bool = False

    @property
    def named(self) -> Version:
        """The version that it is about.

        Raises:
            InvalidInputError: it is about none.
        """
        return Version.parse(f"{self.asset}:{self.version}")


class Guarded(Struct, frozen=True):
    """What of a registry is asked about; whatever else is written is nobody's business.

    Attributes:
        tags: keys of tags of versions.
        aliases: names.
    """

    tags: tuple[str, ...]
    aliases: tuple[str, ...]


class Ruling(Struct, frozen=True):
    """Whether a write may be stored.

    Attributes:
        allowed: it may.
        governed: Stageward has a say in it.
        detail: why, in a sentence.
        approval: id of the approval that it waits for, or "".
        stage: what the registry's own field is to say of the version now, or "".
        displaces: versions that leave the stage for it, by number.
    """

    allowed: bool
    governed: bool = True
    detail: str = ""
    approval: str = ""
    stage: str = ""
    displaces: tuple[str, ...] = ()
