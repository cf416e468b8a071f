"""What answers of Azure ML, and the want of them, mean: on a local one that fails on demand."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from azure.core import exceptions as core
from azure.core.credentials import AccessToken

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_cloud import cloud
from stage_functions.adapters.azureml_errors import AzureMlFaultError, failure
from stage_functions.domain.asset import Version
from stage_functions.domain.error import (
    ConfigurationError,
    NotFoundError,
    RegistryRefusedError,
    RegistryUnavailableError,
    StagewardError,
)
from tests.azureml import LocalAzureMl, Place
from tests.azureml_world import AzureMlWorld, opened
from tests.contracts.registry_faults import CALLS
from tests.contracts.registry_world import write_tags

IRIS = Version.parse("dev/models/iris:1")
REFUSED = RegistryRefusedError
UNAVAILABLE = RegistryUnavailableError
_MANY = 1000

_IN_ONE_PLACE = pytest.mark.parametrize("place", ["workspace"], indirect=True)

READS = {name: CALLS[name] for name in ("read", "versions")}
POLICY = {
    "error": {
        "code": "RequestDisallowedByPolicy",
        "message": "Resource 'iris' was disallowed by policy.",
        "additionalInfo": [
            {
                "type": "PolicyViolation",
                "info": {"policyAssignmentDisplayName": "Only tags that we know"},
            }
        ],
    }
}


@pytest.fixture(params=["workspace", "registry"])
def place(request: pytest.FixtureRequest, local: LocalAzureMl) -> Iterator[Place]:
    """Return a workspace, and a registry, with a version."""
    found = local.workspace("dev") if request.param == "workspace" else local.registry("shared")
    AzureMlWorld(local, found, local.workspace("dev")).create("iris")
    yield found
    local.delete_asset(found, "models", "iris")
    local.heal()
    local.polls = 0


@pytest.fixture
def registry(local: LocalAzureMl, place: Place) -> Iterator[AzureMlRegistry]:
    """Return the registry over it, which has been asked once."""
    with closing(opened(local, place, timeout_seconds=5)) as registry:
        registry.read(IRIS)
        yield registry


HALF = b'{"error": {"code": "%s", "message": "cut\\ud83d\\u001b[2J"}}' % (b"A" * 100_000)
"""Cut within a character, as JSON can write it."""


@_IN_ONE_PLACE
@pytest.mark.parametrize(
    ("fault", "error", "says"),
    [
        ({"status": 400, "code": "UserError", "message": "bad\n key"}, REFUSED, "bad key"),
        ({"status": 403, "code": "AuthorizationFailed", "message": "no"}, REFUSED, "give the ide"),
        ({"status": 403, "body": json.dumps(POLICY).encode()}, REFUSED, "Only tags that we know"),
        ({"body": HALF, "status": 403}, REFUSED, r"403 A{80}: cut \[2J"),
        ({"status": 302, "body": b""}, REFUSED, "302"),
        ({"status": 414, "body": b"<html>"}, REFUSED, "414"),
        ({"status": 401, "code": "ExpiredAuthenticationToken"}, UNAVAILABLE, "401 Expired"),
        ({"status": 404, "body": b"<html>nginx</html>"}, UNAVAILABLE, "404"),
        ({"status": 408}, UNAVAILABLE, "408"),
        ({"status": 409, "code": "Conflict"}, UNAVAILABLE, "409 Conflict"),
        ({"status": 412, "code": "PreconditionFailed"}, UNAVAILABLE, "412"),
        ({"status": 429, "code": "TooManyRequests"}, UNAVAILABLE, "429"),
        ({"status": 500, "code": "InternalServerError"}, UNAVAILABLE, "500"),
        ({"status": 502, "body": b"<html>"}, UNAVAILABLE, "502"),
        ({"status": 503}, UNAVAILABLE, "503"),
        ({"status": 504}, UNAVAILABLE, "504"),
        ({"cut": True}, UNAVAILABLE, "Azure ML"),
        ({"cut": True, "body": b'{"name": "1", "properties": {}}'}, UNAVAILABLE, "Azure ML"),
        ({"status": 200, "body": b'{"name": "1", "proper'}, UNAVAILABLE, "no JSON"),
        ({"status": 200, "body": b"<html>maintenance</html>"}, UNAVAILABLE, "no JSON"),
        ({"status": 200, "body": b"\xff\xfe"}, UNAVAILABLE, "no JSON"),
        ({"status": 200, "body": b"[" * 100_000}, UNAVAILABLE, "nested"),
        (
            {"status": 200, "body": b"no gzip", "headers": {"Content-Encoding": "gzip"}},
            UNAVAILABLE,
            "Azure ML",
        ),
    ],
    ids=lambda one: str(one)[:40] if isinstance(one, dict) else "",
)
def test_says_what_an_answer_means(
    local: LocalAzureMl,
    registry: AzureMlRegistry,
    fault: dict[str, Any],
    error: type[StagewardError],
    says: str,
) -> None:
    """Refusals are for good and in Azure's words; what may pass is to be tried again."""
    local.fail("models", times=_MANY, **fault)

    with pytest.raises(error, match=says) as caught:
        registry.read(IRIS)

    assert "Azure ML" in str(caught.value)


@_IN_ONE_PLACE
@pytest.mark.parametrize("call", ["edit", "versions"])
@pytest.mark.parametrize(
    ("status", "error"), [(400, REFUSED), (403, REFUSED), (409, UNAVAILABLE), (503, UNAVAILABLE)]
)
def test_says_the_same_of_every_call(
    local: LocalAzureMl,
    registry: AzureMlRegistry,
    status: int,
    error: type[StagewardError],
    call: str,
) -> None:
    """An answer means the same, whatever was asked."""
    local.fail("models", status=status, times=_MANY)

    with pytest.raises(error, match=str(status)):
        CALLS[call](registry)


@_IN_ONE_PLACE
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 400, "code": "UserError"}, REFUSED),
        ({"status": 403, "code": "AuthorizationFailed"}, REFUSED),
        ({"status": 404, "code": "UserError", "message": "Could not find"}, REFUSED),
        ({"status": 409, "code": "Conflict"}, UNAVAILABLE),
        ({"status": 412, "code": "PreconditionFailed"}, UNAVAILABLE),
        ({"status": 429}, UNAVAILABLE),
        ({"status": 500}, UNAVAILABLE),
        ({"cut": True}, UNAVAILABLE),
        ({"status": 200, "body": b'{"name": "1"'}, UNAVAILABLE),
    ],
    ids=str,
)
def test_says_what_an_answer_to_a_write_means(
    local: LocalAzureMl,
    registry: AzureMlRegistry,
    fault: dict[str, Any],
    error: type[StagewardError],
) -> None:
    """What is answered to the write of an edit means the same; nothing is taken for written."""
    local.fail("^PUT", times=_MANY, **fault)

    with pytest.raises(error):
        write_tags(registry, IRIS, {"stage": "None"})


@_IN_ONE_PLACE
@pytest.mark.parametrize("call", READS)
@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        {"name": "1"},
        {"properties": {}},
        {"name": 1, "properties": {}},
        {"name": "1", "properties": []},
    ],
    ids=str,
)
def test_does_not_believe_half_a_version(
    local: LocalAzureMl, registry: AzureMlRegistry, document: object, call: str
) -> None:
    """A version without name or properties is no answer, nor a deletion."""
    body = document if call == "read" else {"value": [document]}
    local.fail("versions", status=200, body=json.dumps(body).encode(), times=_MANY)

    with pytest.raises(UNAVAILABLE, match=r"without name or properties|with nothing"):
        CALLS[call](registry)


def test_takes_odd_types_for_absent(local: LocalAzureMl, registry: AzureMlRegistry) -> None:
    """What is missing, null or of an odd type in a version is absent; values become texts."""
    odd = {
        "name": "1",
        "systemData": None,
        "properties": {
            "tags": {"number": 3, "yes": True, "nothing": None, "list": [1]},
            "properties": ["x"],
            "description": 5,
            "isArchived": "true",
            "isAnonymous": None,
            "stage": None,
            "modelUri": None,
            "jobName": 7,
        },
    }
    local.fail("versions", status=200, body=json.dumps(odd).encode())
    read = registry.read(IRIS)

    assert read is not None
    assert {"number": "3", "yes": "true", "nothing": "", "list": "[1]"} == read.tags
    assert (None, None, None, None, "", {}, "", None, None, False, False) == (
        read.author,
        read.modified_by,
        read.modified_at,
        read.job,
        read.content,
        read.properties,
        read.description,
        read.native_stage,
        read.job,
        read.archived,
        read.anonymous,
    )


def test_tells_an_absent_version_from_an_absent_workspace(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """Where there is no version, Azure is asked once whether the workspace is there."""
    absent = Version(IRIS.asset, "7")
    before = len(local.calls)

    assert [None, None] == [registry.read(absent) for _ in range(2)]
    ends = ("/versions/7", f"/{place.plural}/{place.name}", "/discovery")
    calls = [one.status for one in local.calls[before:] if one.path.endswith(ends)]
    assert [404, 200, 404] == calls


@pytest.mark.parametrize("plural", ["workspace", "registry"])
@pytest.mark.parametrize("call", ["read", "edit", "versions"])
def test_names_a_workspace_that_is_gone(local: LocalAzureMl, plural: str, call: str) -> None:
    """A workspace that vanished is never taken for versions that did."""
    made = local.workspace if plural == "workspace" else local.registry
    place = made(f"short-lived-{call}")
    AzureMlWorld(local, place, local.workspace("dev")).create("iris")
    with closing(opened(local, place)) as registry:
        registry.read(IRIS)
        local.vanish(place)
        with pytest.raises(REFUSED, match=f"Azure ML {plural} short-lived-{call} is not there"):
            CALLS[call](registry)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [("/rg/", "/no-such-group/", "not found"), ("6f1b8c3e", "00000000", "SubscriptionNotFound")],
)
def test_names_a_place_that_never_was(
    local: LocalAzureMl, before: str, after: str, says: str
) -> None:
    """A resource group or subscription that is not there is no absence of versions either."""
    registry = AzureMlRegistry(
        "dev",
        local.workspace("dev").id.replace(before, after),
        local.credential("governor"),
        cloud=cloud(local.url, local.url),
    )
    with closing(registry), pytest.raises(REFUSED, match=says):
        registry.read(IRIS)


def test_names_what_is_not_allowed(
    local: LocalAzureMl, place: Place, registry: AzureMlRegistry
) -> None:
    """An identity without rights is told which it lacks, and which role would help."""
    local.forbid("governor")
    with pytest.raises(REFUSED) as caught:
        registry.read(IRIS)

    assert "models/versions/read'" in str(caught.value) or place.is_registry
    assert local.governor.oid in str(caught.value)
    assert "AzureML Data Scientist" in str(caught.value)


@pytest.mark.parametrize("address", ["", "/subscriptions/s", "/subscriptions/s/workspaces/w"])
def test_takes_no_other_address(local: LocalAzureMl, address: str) -> None:
    """What is no resource id of a workspace or registry is a fault of the configuration."""
    with pytest.raises(ConfigurationError, match="resource id"):
        AzureMlRegistry("dev", address, local.credential("governor"))


def test_does_not_call_a_registry_at_no_address(local: LocalAzureMl) -> None:
    """A registry whose discovery names no https address cannot be reached."""
    place = local.registry("lost")
    body = json.dumps({"primaryRegionResourceProviderUri": "http://evil.example"}).encode()
    local.fail("/discovery", status=200, body=body)
    with (
        closing(opened(local, place)) as registry,
        pytest.raises(UNAVAILABLE, match="names no https address"),
    ):
        registry.read(IRIS)


def test_has_nothing_of_other_registries(registry: AzureMlRegistry) -> None:
    """A version of another registry is not looked for."""
    with pytest.raises(NotFoundError, match="does not have prod/models/iris"):
        registry.read(Version.parse("prod/models/iris:1"))


class _Token:
    """A credential that gives what it was made with."""

    def __init__(self, token: str | Exception) -> None:
        self._token = token

    def get_token(self, *_: str, **__: object) -> AccessToken:
        """Return the token, or raise."""
        if isinstance(self._token, Exception):
            raise self._token
        return AccessToken(self._token, int(2e9))


@_IN_ONE_PLACE
@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("a.b", "401 InvalidAuthenticationToken"),
        ("no token at all", "401 InvalidAuthenticationToken"),
        ("a.%%%.c", "401 InvalidAuthenticationToken"),
        (core.ClientAuthenticationError("no identity\nin three lines"), "cannot sign in.*no ident"),
        (core.ServiceRequestError("no route"), "no route"),
    ],
    ids=str,
)
def test_may_be_able_to_sign_in_later(
    local: LocalAzureMl, place: Place, token: str | Exception, says: str
) -> None:
    """Who cannot sign in is not refused for good: keys and grants take their time."""
    options: dict[str, Any] = {"cloud": cloud(local.url, local.url)}
    with closing(AzureMlRegistry("dev", place.id, _Token(token), **options)) as registry:
        with pytest.raises(UNAVAILABLE, match=says):
            registry.read(IRIS)
        assert frozenset() == registry.identities()


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/models", "//evil.example/models", "http://{own}/models", "https://[::1"],
)
def test_sends_the_token_to_no_other_host(
    local: LocalAzureMl, registry: AzureMlRegistry, link: str
) -> None:
    """A link of a list or of a write to another host, or to none, is not followed."""
    own = local.url.removeprefix("https://")
    body = json.dumps({"value": [], "nextLink": link.replace("{own}", own)}).encode()
    local.fail("models", status=200, body=body)
    with pytest.raises(REFUSED, match="another host"):
        registry.versions()
    local.fail("^PUT", status=202, headers={"Azure-AsyncOperation": "https://evil.example/1"})
    with pytest.raises(REFUSED, match="another host"):
        write_tags(registry, IRIS, {"stage": "None"})


def test_follows_links_to_hosts_that_discovery_names(local: LocalAzureMl) -> None:
    """A registry may answer at several hosts: those that its discovery names."""
    place = local.registry("regions")
    found = {
        "primaryRegionResourceProviderUri": f"{local.url}/",
        "registryFqdns": {"eastus": {"uri": "https://other.example/"}, "westus": None},
    }
    local.fail("/discovery", status=200, body=json.dumps(found).encode())
    body = json.dumps({"value": [], "nextLink": "https://other.example/models"}).encode()
    local.fail("models", status=200, body=body)
    with (
        closing(opened(local, place, timeout_seconds=2)) as registry,
        pytest.raises(UNAVAILABLE, match=r"other\.example"),
    ):
        registry.versions()


def test_ends_a_list_that_does_not(local: LocalAzureMl, registry: AzureMlRegistry) -> None:
    """A list that links to itself is given up."""
    body = json.dumps({"value": [], "nextLink": f"{local.url}/models"}).encode()
    local.fail("models", status=200, body=body, times=1_000_000)
    with pytest.raises(UNAVAILABLE, match="links in a circle"):
        registry.versions()


@pytest.mark.parametrize(
    ("state", "error", "says"),
    [
        (
            {"status": "Failed", "error": {"code": "Quota", "message": "full"}},
            REFUSED,
            "Quota full",
        ),
        ({"status": "Canceled"}, REFUSED, "canceled"),
        ({"status": "InProgress"}, UNAVAILABLE, "not done yet"),
        ({}, UNAVAILABLE, "not done yet"),
    ],
    ids=str,
)
def test_tells_how_a_long_write_ended(
    local: LocalAzureMl,
    place: Place,
    state: object,
    error: type[StagewardError],
    says: str,
) -> None:
    """A write that the service began and did not finish is not taken for written."""
    headers = {"Azure-AsyncOperation": f"{local.url}/operation/1", "x-ms-retry-after-ms": "20"}
    local.fail("^PUT", status=202, headers=headers, body=b"")
    answer = {"x-ms-retry-after-ms": "20"}
    body = json.dumps(state).encode()
    local.fail("/operation/1", status=200, headers=answer, body=body, times=_MANY)
    with (
        closing(opened(local, place, timeout_seconds=1)) as registry,
        pytest.raises(error, match=says),
    ):
        write_tags(registry, IRIS, {"stage": "None"})


@pytest.mark.parametrize("milliseconds", ["0", "-1", "9" * 5000])
def test_asks_for_a_long_write_now_and_then(
    local: LocalAzureMl, place: Place, milliseconds: str
) -> None:
    """However Azure words for how long to wait, what never ends is asked for a few times."""
    pause = {"x-ms-retry-after-ms": milliseconds}
    url = f"{local.url}/operation/3"
    local.fail("^PUT", status=202, headers={"Azure-AsyncOperation": url, **pause}, body=b"")
    local.fail("/operation/3", status=200, headers=pause, body=b"{}", times=_MANY)
    before = len(local.calls)
    with (
        closing(opened(local, place, timeout_seconds=1)) as registry,
        pytest.raises(UNAVAILABLE, match="not done yet"),
    ):
        write_tags(registry, IRIS, {"stage": "None"})

    assert len(local.calls) - before <= 12


def test_follows_the_place_of_a_result(local: LocalAzureMl, registry: AzureMlRegistry) -> None:
    """A long write that names only the place of its result is done when that answers."""
    url = f"{local.url}/operation/2"
    local.fail("^PUT", status=202, headers={"Location": url, "Retry-After": "1"}, body=b"")
    local.fail("/operation/2", status=202, headers={"x-ms-retry-after-ms": "10"}, body=b"")
    local.fail("/operation/2", status=200, body=b"")
    write_tags(registry, IRIS, {"stage": "None"})

    assert [202, 200] == [one.status for one in local.calls_to("/operation/2")[-2:]]


EXCEPTIONS = sorted(
    {
        member
        for _, member in inspect.getmembers(core, inspect.isclass)
        if issubclass(member, Exception)
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("kind", EXCEPTIONS, ids=lambda kind: kind.__name__)
def test_maps_every_exception_of_azure_core(kind: type[Exception]) -> None:
    """Whatever azure-core raises without an answer may pass."""
    made: Callable[..., Exception] = kind
    own = any("__init__" in vars(one) for one in kind.__mro__ if one.__module__ == core.__name__)
    known = inspect.signature(kind.__init__).parameters.values() if own else ()
    parameters = [
        one
        for one in known
        if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD and one.name != "self"
    ]

    class _Response:
        status_code = 500
        request = "GET"
        reason = "broken"
        headers: dict[str, str] = {}  # noqa: RUF012  # never written

    exc = made(*[_Response() if one.name == "response" else "broken" for one in parameters])

    assert isinstance(failure("Azure ML", exc), AzureMlFaultError)
