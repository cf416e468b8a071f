"""What was asked, by whom, and what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

from tests.azureml.errors import refused
from tests.azureml.identity import Person


class Call(NamedTuple):
    """A call that was answered.

    Attributes:
        method: such as GET.
        path: decoded, without host and query.
        status: what was answered; 0 if the connection was cut.
        query: as it was sent.
    """

    method: str
    path: str
    status: int
    query: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A request, read.

    Attributes:
        method: such as GET.
        segments: of the path, decoded one by one.
        query: keys in lower case, for OData does not count case.
        body: raw.
        who: the caller.
        base: scheme, host and port that were called.
        target: path and query as they were sent.
    """

    method: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    body: bytes
    who: Person
    base: str
    target: str = ""

    @classmethod
    def read(cls, method: str, target: str, body: bytes, who: Person, base: str) -> Request:
        """Take a path with query apart."""
        path, _, query = target.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        return cls(
            method,
            tuple(unquote(segment) for segment in path.strip("/").split("/")),
            {key.lower(): value for key, value in pairs},
            body,
            who,
            base,
            target,
        )

    @property
    def path(self) -> str:
        """The path, decoded."""
        return "/" + "/".join(self.segments)

    def content(self) -> dict[str, Any]:
        """Return the body, an object of JSON.

        Raises:
            ArmError: it is none.
        """
        try:
            content = json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            message = "The request content was invalid and could not be deserialized."
            raise refused(message, "InvalidRequestContent") from exc
        if not isinstance(content, dict):
            message = "The request content must be a JSON object."
            raise refused(message, "InvalidRequestContent")
        return content


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer.

    Attributes:
        content: what becomes JSON; None for an empty body.
        status: the HTTP status.
        headers: besides the usual ones.
    """

    content: object = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return what is sent."""
        return b"" if self.content is None else json.dumps(self.content).encode()
