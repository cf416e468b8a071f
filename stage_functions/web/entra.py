"""Sign-in by Microsoft Entra, as the authentication of App Service tells of it in a header.

Whether that header may be believed is not decided here: Stageward starts so only where the
platform's own setting says that it stands in front, and removes what callers send by that name.
Claims have short names or mapped ones, depending on how the platform was set up; both are read.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

import msgspec
from fastapi import Request
from msgspec import Struct

from stage_functions.application.context import Context
from stage_functions.domain.error import DeniedError, NotSignedInError

HEADER = "X-MS-CLIENT-PRINCIPAL"
SIGN_IN, SIGN_OUT = "/.auth/login/aad", "/.auth/logout"
"""Pages of the platform."""
MAX_CHARACTERS = 64 * 1024
MAX_CLAIMS = 1000
OVERAGE = (
    "Entra left your groups out, because you are in too many of them: give app roles to the "
    "people of this app, and name those under `entra` in the configuration"
)
_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_MICROSOFT = "http://schemas.microsoft.com/identity/claims"
_IDENTITY = "http://schemas.microsoft.com/ws/2008/06/identity/claims"
_OBJECT = ("oid", f"{_MICROSOFT}/objectidentifier")
_USER = ("preferred_username", "upn", f"{_SOAP}/upn")
_APP = ("appid", "azp")
_SCOPE = ("scp", f"{_MICROSOFT}/scope")
_SUBJECT = ("sub", f"{_SOAP}/nameidentifier")
_ROLES = ("roles", f"{_IDENTITY}/role")
_GROUPS = ("groups", f"{_IDENTITY}/groups")
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[!-~\u00a1-\uffff]{1,200}@[!-~\u00a1-\uffff]{1,200}")


class _Claim(Struct, frozen=True):
    typ: str
    val: str


class _Header(Struct, frozen=True):
    auth_typ: str
    claims: list[_Claim]
    role_typ: str | None = None


class Principal(Struct, frozen=True):
    """Who Entra says is signed in.

    Attributes:
        ids: `<provider>:<stable id>` each; the first is the one that never changes.
        values: app roles, and ids of groups.
        name: as Entra shows them, or "".
        overage: their groups were too many to be told.
    """

    ids: tuple[str, ...]
    values: tuple[str, ...]
    name: str
    overage: bool


class Identity(Struct, frozen=True):
    """Who is signed in, as Stageward knows them.

    Attributes:
        id: `person:<key>`, or the id that never changes of a guest.
        name: as pages greet them.
        context: what use cases work with, with the groups that Entra says they are in.
        advice: what to add where they are denied something, or "".
    """

    id: str
    name: str
    context: Context
    advice: str


def identify(request: Request, context: Context) -> Identity:
    """Return who is signed in.

    Raises:
        NotSignedInError: nobody is.
        DeniedError: somebody whom the configuration does not know, or knows as two.
    """
    found = principal(request.headers.getlist(HEADER))
    directory = context.configuration.directory
    people = {id_: one for id_ in found.ids if (one := directory.person(id_)) is not None}
    if len({one.key for one in people.values()}) > 1:
        both = " and ".join(f"{id_} is {one.id}" for id_, one in people.items())
        message = f"you are two persons of the configuration: {both}; correct `people`"
        raise DeniedError(message)
    person = next(iter(people.values()), None)
    id_ = person.id if person is not None else found.ids[0]
    context = context.on_behalf_of(id_, found.values)
    if not context.configuration.directory.knows(id_):
        message = (
            f"you are signed in as {' or '.join(found.ids)}, whom the configuration does not know: "
            "an administrator adds such an id to `people`, or a role or group of yours to `entra`; "
            f"{SIGN_OUT} lets you sign in as somebody else"
        )
        raise DeniedError(f"{message}. {OVERAGE}" if found.overage else message)
    name = person.name if person is not None else found.name or id_
    return Identity(id_, name, context, OVERAGE if found.overage else "")


def principal(headers: list[str]) -> Principal:
    """Read the header of the platform.

    Raises:
        NotSignedInError: there is none.
        DeniedError: it is not as the platform writes it for Entra.
    """
    if not headers:
        message = (
            "nobody is signed in: send a token of Microsoft Entra for this app as "
            "'Authorization: Bearer <token>', or open a page in a browser"
        )
        raise NotSignedInError(message)
    if len(headers) > 1 or len(headers[0]) > MAX_CHARACTERS:
        message = f"{HEADER} is there {len(headers)} times, or too long"
        raise DeniedError(message)
    try:
        header = msgspec.json.decode(base64.b64decode(headers[0], validate=True), type=_Header)
    except (binascii.Error, ValueError) as exc:
        message = f"{HEADER} is not as App Service writes it"
        raise DeniedError(message) from exc
    if header.auth_typ.casefold() != "aad" or len(header.claims) > MAX_CLAIMS:
        message = f"{HEADER} is not of Microsoft Entra (auth_typ aad), or has too many claims"
        raise DeniedError(message)
    return _read(header)


def _read(header: _Header) -> Principal:
    claims: dict[str, list[str]] = {}
    for claim in header.claims:
        claims.setdefault(claim.typ, []).append(claim.val)

    def values(types: Iterable[str]) -> list[str]:
        return list(dict.fromkeys(one for type_ in types for one in claims.get(type_, ())))

    apps = _guids(values(_APP)) if _app_only(claims) else []
    objects = _guids(values(_OBJECT))
    if len(objects) > 1 or not (objects or apps):
        message = f"{HEADER} names {len(objects)} object ids (oid); one is needed"
        raise DeniedError(message)
    users = [one.lower() for one in values(_USER) if _NAME.fullmatch(one)]
    ids = (
        *(f"oid:{one}" for one in objects),
        *(f"upn:{one}" for one in dict.fromkeys(users)),
        *(f"app:{one}" for one in apps),
    )
    roles = values((*_ROLES, *((header.role_typ,) if header.role_typ else ())))
    names = claims.get("name", [""])
    overage = "hasgroups" in claims or any(
        "groups" in one for one in claims.get("_claim_names", ())
    )
    return Principal(ids, (*roles, *values(_GROUPS)), names[0][:200], overage)


def _app_only(claims: dict[str, list[str]]) -> bool:
    """Tell whether a program signed in as itself.

    A token that a person uses through a program names the program too: that is not who acts.
    """
    if "idtyp" in claims:
        return claims["idtyp"] == ["app"]
    if any(type_ in claims for type_ in (*_SCOPE, *_USER)):
        return False
    subject = [one for type_ in _SUBJECT for one in claims.get(type_, ())]
    return bool(subject) and subject == [one for type_ in _OBJECT for one in claims.get(type_, ())]


def _guids(values: Iterable[str]) -> list[str]:
    lower = dict.fromkeys(one.lower() for one in values)
    return [one for one in lower if _GUID.fullmatch(one)]
