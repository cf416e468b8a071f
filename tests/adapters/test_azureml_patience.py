"""When Azure ML is asked again, when it is left alone, and how long a call takes at most."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from stage_functions.adapters.azureml import AzureMlRegistry
from stage_functions.adapters.azureml_errors import AzureMlFaultError, fault
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RegistryUnavailableError
from tests.azureml import LocalAzureMl
from tests.azureml_world import AzureMlWorld, opened
from tests.contracts.registry_faults import CALLS
from tests.contracts.registry_world import write_tags

IRIS = Version.parse("dev/models/iris:1")
UNAVAILABLE = RegistryUnavailableError
_MANY = 1000


@pytest.fixture
def registry(local: LocalAzureMl) -> Iterator[AzureMlRegistry]:
    """Return the registry over a workspace with a version, which has been asked once."""
    place = local.workspace("dev")
    AzureMlWorld(local, place, place).create("iris")
    with closing(opened(local, place, timeout_seconds=5)) as registry:
        registry.read(IRIS)
        yield registry
    local.delete_asset(place, "models", "iris")
    local.heal()


@pytest.mark.parametrize("call", ["read", "edit", "versions"])
def test_repeats_a_read_that_failed(
    local: LocalAzureMl, registry: AzureMlRegistry, call: str
) -> None:
    """A fault that passes at once is not noticed."""
    local.fail("^GET", status=503)
    local.fail("^GET", cut=True)

    CALLS[call](registry)


def test_repeats_a_write_that_was_not_taken(local: LocalAzureMl, registry: AzureMlRegistry) -> None:
    """A write that Azure had no room for is sent again; any other that failed is not."""
    local.fail("^PUT", status=429)
    write_tags(registry, IRIS, {"stage": "None"})
    local.fail("^PUT", status=503)
    with pytest.raises(UNAVAILABLE):
        write_tags(registry, IRIS, {"stage": "Staging"})

    assert [429, 200, 503] == [one.status for one in local.calls_to("^PUT")[-3:]]


@pytest.mark.parametrize(("method", "status"), [("GET", 429), ("GET", 503), ("PUT", 429)])
def test_waits_a_moment_where_it_is_asked_to(
    local: LocalAzureMl, registry: AzureMlRegistry, method: str, status: int
) -> None:
    """A short Retry-After is waited for in place, where the request may be repeated."""
    local.fail(f"^{method}", status=status, headers={"Retry-After": "1"})
    begun = time.monotonic()
    write_tags(registry, IRIS, {"stage": "None"})

    assert 1 <= time.monotonic() - begun < 4


@pytest.mark.parametrize("status", [429, 503])
def test_is_quiet_where_it_is_asked_to(
    local: LocalAzureMl, registry: AzureMlRegistry, status: int
) -> None:
    """While Azure asks for patience nothing more is sent, by any thread, and then it goes on."""
    local.fail("^GET", status=status, headers={"Retry-After": "3"})
    with pytest.raises(UNAVAILABLE) as first:
        registry.read(IRIS)
    before = len(local.calls)

    def again(_: int) -> int | None:
        with pytest.raises(UNAVAILABLE, match="patience") as caught:
            registry.read(IRIS)
        return caught.value.retry_after_seconds

    with ThreadPoolExecutor(4) as threads:
        waits = set(threads.map(again, range(8)))

    assert 3 == first.value.retry_after_seconds
    assert waits <= {2, 3}
    assert before == len(local.calls)
    time.sleep(3)
    assert registry.read(IRIS) is not None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("Thu, 01 Jan 2026 00:01:00 GMT", 60), ("soon", None), ("", None)],
)
def test_reads_how_long_to_wait(text: str, seconds: int | None) -> None:
    """Azure asks for patience in seconds, or until a date, which is measured from its own."""
    headers = {"Retry-After": text, "Date": "Thu, 01 Jan 2026 00:00:00 GMT"}
    error = fault("Azure ML", 429, headers, b"")

    assert isinstance(error, AzureMlFaultError)
    assert seconds == error.retry_after_seconds


def test_tells_how_long_to_wait(local: LocalAzureMl, registry: AzureMlRegistry) -> None:
    """However long Azure asks for is told; no more than ten minutes is nothing sent."""
    local.fail("^GET", status=429, headers={"Retry-After": "86400"})
    waits = []
    for _ in range(2):
        with pytest.raises(UNAVAILABLE) as caught:
            registry.read(IRIS)
        waits.append(caught.value.retry_after_seconds)

    assert [86_400, 600] == waits


@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("call", ["read", "edit", "versions"])
def test_waits_no_longer_than_it_should(local: LocalAzureMl, call: str) -> None:
    """A server that does not answer in time cannot be reached, whatever it answers later."""
    with closing(opened(local, local.workspace("dev"), timeout_seconds=0.7)) as registry:
        registry.identities()
        local.fail("models", delay_seconds=1.5, times=_MANY)
        begun = time.monotonic()
        with pytest.raises(UNAVAILABLE):
            CALLS[call](registry)

    assert 0.6 < time.monotonic() - begun < 3
