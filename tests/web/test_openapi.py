"""The description of the API: valid, complete, and the one that answers are held against."""

from __future__ import annotations

from openapi_spec_validator import validate

from stage_functions.domain import error
from stage_functions.domain.error import StagewardError
from stage_functions.web.problems import of_error
from tests.api_server import Api

FROM_OTHERS = {"/events", "/webhooks/mlflow", "/healthz"}


def test_the_description_is_valid_and_served(api: Api) -> None:
    """As OpenAPI 3.1, to anyone."""
    served = api.client().get("/api/v1/openapi.json").json()

    validate(served)
    assert served == api.document


def test_every_call_says_what_it_does_and_who_may(api: Api) -> None:
    """A summary, a unique short id, and a sign-in but for what registries and probes call."""
    ids: list[str] = []
    for path, operations in api.document["paths"].items():
        for operation in operations.values():
            ids.append(operation["operationId"])
            assert operation["summary"]
            assert ("security" in operation) == (path not in FROM_OTHERS), path

    assert len(set(ids)) == len(ids)
    assert [one for one in ids if "api_v1" in one] == []


def test_every_field_of_every_document_is_explained(api: Api) -> None:
    """From the docstrings of the types that the client decodes into."""
    unexplained = [
        f"{name}.{field}"
        for name, schema in api.document["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    ]

    assert unexplained == []


def subclasses(type_: type[StagewardError]) -> list[type[StagewardError]]:
    """Return a class of errors with all that derive from it."""
    return [type_, *(one for sub in type_.__subclasses__() for one in subclasses(sub))]


def test_every_error_of_the_tree_has_a_status() -> None:
    """A new error class cannot fall through."""
    own = [one for one in subclasses(StagewardError) if one.__module__ == error.__name__]
    answered = {one.__name__: of_error(one("why")).status_code for one in own[1:]}

    assert {400 <= status < 600 for status in answered.values()} == {True}
    assert answered["ConflictError"] == 503
    assert answered["DeniedError"] == 403
    assert answered["LedgerDamagedError"] == 500
