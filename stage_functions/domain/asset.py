"""What Stageward governs: assets and their versions, and what a registry says of one.

Parsing and printing of names is here; whether such an asset exists is for the registry to say.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from msgspec import Struct, field

from stage_functions.domain.error import InvalidInputError

MAX_NAME_CHARACTERS = 1000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FORBIDDEN = re.compile("[/:\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ALIAS = re.compile(r"[a-z0-9-]+\Z")


class Kind(StrEnum):
    """The kinds of asset, as Azure ML names them in its paths."""

    MODELS = "models"
    DATA = "data"
    ENVIRONMENTS = "environments"
    COMPONENTS = "components"


class Asset(Struct, frozen=True, order=True):
    """A named thing in a registry, printed as `dev/models/iris`.

    Attributes:
        registry: the registry's short alias.
        kind: one of the four kinds.
        name: in the registry's own spelling; case counts.
    """

    registry: str
    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.registry}/{self.kind}/{self.name}"

    @classmethod
    def parse(cls, text: str) -> Asset:
        """Read `registry/kind/name`.

        Raises:
            InvalidInputError: not of that form; the message says what is.
        """
        registry, _, rest = text.partition("/")
        kind, slash, name = rest.partition("/")
        if not slash:
            message = f"'{text}' names no asset; write registry/kind/name, such as dev/models/iris"
            raise InvalidInputError(message)
        return cls(_alias(registry, text), _kind(kind, text), _name(name, text))


class Version(Struct, frozen=True, order=True):
    """One artifact of an asset, printed as `dev/models/iris:3`.

    Attributes:
        asset: the asset it is a version of.
        number: the registry's own text for it, mostly digits.
    """

    asset: Asset
    number: str

    def __str__(self) -> str:
        return f"{self.asset}:{self.number}"

    @classmethod
    def parse(cls, text: str) -> Version:
        """Read `registry/kind/name:version`.

        Raises:
            InvalidInputError: not of that form; the message says what is.
        """
        asset, colon, number = text.rpartition(":")
        if not colon or not is_name(number) or ":" in asset:
            form = "registry/kind/name:version, such as dev/models/iris:3"
            message = f"'{text}' names no version; write {form}"
            raise InvalidInputError(message)
        return cls(Asset.parse(asset), number)


class Snapshot(Struct, frozen=True):
    """A version as its registry shows it at one moment.

    Attributes:
        version: which version.
        created_at: when the registry made it, aware UTC.
        content: what identifies its content, such as `models:/m-…` or a datastore path.
        tags: all of its tags, Stageward's own among them.
        author: `<provider>:<id>` of who registered it, or None where the registry does not say.
        modified_by: `<provider>:<id>` of who wrote it last, where the registry says; `stageward`
            where that was Stageward itself.
        modified_at: when that was, aware UTC, where the registry says.
        description: free text.
        properties: what the registry lets nobody change later.
        job: id of the job or run that made it, or None.
        native_stage: the registry's own stage field (MLflow's `current_stage`), or None.
        archived: hidden by the registry itself.
        anonymous: made by the registry itself and named by nobody: Unregistered.
        aliases: names that stand for it at the moment, as MLflow has them, each at one version of
            an asset.
    """

    version: Version
    created_at: datetime
    content: str
    tags: Mapping[str, str]
    author: str | None = None
    modified_by: str | None = None
    modified_at: datetime | None = None
    description: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    job: str | None = None
    native_stage: str | None = None
    archived: bool = False
    anonymous: bool = False
    aliases: tuple[str, ...] = ()

    @property
    def incarnation(self) -> str:
        """Which thing this version number means: `<creation, ms since 1970>/<content>`."""
        return f"{_milliseconds(self.created_at)}/{self.content}"


def made_before(incarnation: str, moment: datetime) -> bool:
    """Tell whether the thing that an incarnation is was there at a moment."""
    return created_ms(incarnation) <= _milliseconds(moment)


def created_ms(incarnation: str) -> int:
    """Return when a registry made the thing that an incarnation is, in ms since 1970."""
    return int(incarnation.partition("/")[0])


def _milliseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MILLISECOND


def _alias(alias: str, text: str) -> str:
    if not _ALIAS.match(alias):
        message = f"'{text}' names no registry; write registry/kind/name, such as dev/models/iris"
        raise InvalidInputError(message)
    return alias


def _kind(kind: str, text: str) -> Kind:
    try:
        return Kind(kind)
    except ValueError as exc:
        message = f"'{text}' has the kind '{kind}'; the kinds are {', '.join(Kind)}"
        raise InvalidInputError(message) from exc


def is_name(text: str) -> bool:
    """Tell whether this can name an asset: `.` and `..` would leave their place in an address."""
    return (
        0 < len(text) <= MAX_NAME_CHARACTERS
        and text not in (".", "..")
        and not _FORBIDDEN.search(text)
    )


def _name(name: str, text: str) -> str:
    bare, _, number = name.rpartition(":")
    if is_name(bare) and is_name(number):
        asset = text.removesuffix(f":{number}")
        message = f"'{text}' names a version, and not an asset; write {asset}, without :{number}"
        raise InvalidInputError(message)
    if not is_name(name):
        message = (
            f"'{text}' names no asset: a name has 1 to {MAX_NAME_CHARACTERS} characters, "
            "without '/', ':' and control characters; write registry/kind/name"
        )
        raise InvalidInputError(message)
    return name
