"""Template functions about Base64, data URIs and percent-encoding."""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from stage_functions.azure_policy.error import UnfitValueError
from stage_functions.azure_policy.functions.numbers import parse_json
from stage_functions.azure_policy.functions.signature import Function, text


def _encoded(value: object) -> bytes:
    try:
        return text(value).encode()
    except UnicodeEncodeError:
        message = "the text has half of a character"
        raise UnfitValueError(message) from None


def _decoded(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        message = "what is encoded is no text"
        raise UnfitValueError(message) from None


def base64(value: object) -> str:
    """Return a text in Base64."""
    return b64encode(_encoded(value)).decode()


def base64_to_string(value: object) -> str:
    """Return the text that is in Base64."""
    try:
        return _decoded(b64decode(_encoded(value), validate=True))
    except binascii.Error:
        message = "its argument is no Base64"
        raise UnfitValueError(message) from None


def base64_to_json(value: object) -> object:
    """Return the JSON that is in Base64."""
    return parse_json(base64_to_string(value))


def data_uri(value: object) -> str:
    """Return a text as a data URI."""
    return f"data:text/plain;charset=utf8;base64,{base64(value)}"


def data_uri_to_string(value: object) -> str:
    """Return the text of a data URI."""
    head, comma, body = text(value).partition(",")
    if not comma or not head.startswith("data:"):
        message = "its argument is no data URI"
        raise UnfitValueError(message)
    return base64_to_string(body) if head.endswith(";base64") else uri_component_to_string(body)


def uri(base: object, relative: object) -> str:
    """Return a relative URI as an absolute one: after the last slash of the base."""
    start, rest = text(base, "the base"), text(relative, "the rest")
    if "://" in rest:
        return rest
    scheme, separator, path = start.partition("://")
    host, slash, segments = path.partition("/")
    kept = f"/{segments}"[: f"/{segments}".rfind("/")] if slash else ""
    return f"{scheme}{separator}{host}{kept}/{rest.removeprefix('/')}"


def uri_component(value: object) -> str:
    """Return a text as it stands within a URI."""
    return quote(_encoded(value), safe="")


def uri_component_to_string(value: object) -> str:
    """Return a text that stands within a URI."""
    return _decoded(unquote_to_bytes(_encoded(value)))


ENCODING_FUNCTIONS: Final = (
    Function("base64", 1, 1, base64),
    Function("base64ToString", 1, 1, base64_to_string),
    Function("base64ToJson", 1, 1, base64_to_json),
    Function("dataUri", 1, 1, data_uri),
    Function("dataUriToString", 1, 1, data_uri_to_string),
    Function("uri", 2, 2, uri),
    Function("uriComponent", 1, 1, uri_component),
    Function("uriComponentToString", 1, 1, uri_component_to_string),
)
