"""Stageward as it is started, over a local Azure ML, signed in by managed identity."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from stage_functions.application.query import all_records
from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.application.upkeep import health
from stage_functions.bootstrap import Application, open_application
from stage_functions.domain.asset import Kind, Version
from stage_functions.domain.error import ConfigurationError, RegistryUnavailableError
from stage_functions.settings import read_settings, unknown
from tests.azureml import LocalAzureMl, running
from tests.azureml_world import AzureMlWorld

_FILE = """
version: 1
registries:
  - {{alias: dev, type: azureml, address: "{dev}", mode: enforce, watch: ["*/*"]}}
  - {{alias: shared, type: azureml, address: "${{SHARED}}", mode: enforce, watch: ["models/*", "data/x*"]}}
people: {{}}
groups: {{}}
lifecycles:
  - name: default
    applies_to: ["*/*/*"]
    stages:
      None: {{initial: true, deletable: true}}
      Staging: {{}}
      Production: {{exclusive: true, displaced_to: Archived}}
      Archived: {{terminal: true, deletable: true, hidden: true}}
    transitions:
      - {{from: None, to: Staging}}
      - {{from: Staging, to: Production}}
      - {{from: Staging, to: Archived}}
"""


@pytest.fixture(scope="module")
def local() -> Iterator[LocalAzureMl]:
    """Return a local Azure ML, which the process is pointed to."""
    with running() as local, local.in_environment():
        yield local


@contextmanager
def _started(
    local: LocalAzureMl, folder: Path, *, ledger: str = "", workspace: str = "dev"
) -> Iterator[Application]:
    """Start Stageward over a workspace, as `dev`, and the registry `shared`."""
    file = folder / "stageward.yaml"
    file.write_text(_FILE.format(dev=local.workspace(workspace).id), encoding="utf-8")
    environment = {
        **local.environment(),
        "STAGEWARD_CONFIG": str(file),
        "STAGEWARD_LEDGER": str(folder / ledger) if ledger else ":memory:",
        "SHARED": local.registry("shared").id.lower(),
    }
    application = open_application(read_settings(environment))
    try:
        yield application
    finally:
        application.close()


@pytest.mark.parametrize("alias", ["dev", "shared"])
def test_a_tag_promotes_a_version(local: LocalAzureMl, tmp_path: Path, alias: str) -> None:
    """What somebody asks for by a tag is granted, shown, and the version before it is archived."""
    dev = local.workspace("dev")
    place = dev if alias == "dev" else local.registry("shared")
    with _started(local, tmp_path) as application:
        context = application.context
        world = AzureMlWorld(local, place, dev, alias=alias)
        versions = []
        for _ in range(2):
            made = world.create("churn", tags={"team": "risk"})
            follow(context, Signal(made))
            for stage in ("Staging", "Production"):
                world.set_tag(made, "stage_request", stage)
                follow(context, Signal(made))
            versions.append(made)

        old, new = (world.document(version)["properties"] for version in versions)
        assert ("Archived", True) == (old["tags"]["stage"], old["isArchived"])
        assert ("Production", False) == (new["tags"]["stage"], new["isArchived"])
        assert "risk" == new["tags"]["team"]
        assert not follow(context, Signal(versions[1]))
        written = world.document(versions[1])["systemData"]
        assert (local.governor.app, "Application") == (
            written["lastModifiedBy"],
            written["lastModifiedByType"],
        )
        for version in versions:
            world.delete_version(version)


def test_an_old_answer_is_no_edit(local: LocalAzureMl, tmp_path: Path) -> None:
    """What a version showed before its tags were written is asked for again, by any process."""
    dev = local.workspace("dev")
    (tmp_path / "other").mkdir()
    with (
        _started(local, tmp_path, ledger="ledger.db") as one,
        _started(local, tmp_path / "other", ledger="../ledger.db") as other,
    ):
        world = AzureMlWorld(local, dev, dev, alias="dev")
        made = world.create("outdated")
        follow(one.context, Signal(made))
        world.set_tag(made, "stage_request", "Staging")
        follow(one.context, Signal(made))
        for application in (one, other):
            local.stale(1, "outdated/versions/1")
            with pytest.raises(RegistryUnavailableError, match="was before it was written"):
                follow(application.context, Signal(made))
            assert not follow(application.context, Signal(made))

        types = [str(one.type) for one in all_records(other.context, made.asset)]
        assert ["Registered", "StageChanged"] == types
        assert "Staging" == world.tags(made)["stage"]
        world.delete_version(made)


def test_the_scan_finds_what_no_event_told(local: LocalAzureMl, tmp_path: Path) -> None:
    """A tag that was set by way of MLflow raises no event; the scan answers it."""
    dev = local.workspace("dev")
    with _started(local, tmp_path) as application:
        world = AzureMlWorld(local, dev, dev, alias="dev")
        made = world.create("scanned")
        before = application.scanner.scan("dev")
        local.data_plane_tags(dev, "scanned", made.number, {"stage_request": "Staging"})
        after = application.scanner.scan("dev")

        assert before.complete
        assert (1, 1) == (after.nominated, after.changed)
        assert "Staging" == world.tags(made)["stage"]


@pytest.mark.parametrize("status", [403, 500])
def test_the_scan_passes_over_what_cannot_be_read(
    local: LocalAzureMl, tmp_path: Path, status: int
) -> None:
    """One version whose job cannot be read keeps no other waiting; health names it until it can."""
    dev = local.workspace(f"unread-{status}")
    with _started(local, tmp_path, workspace=dev.name) as application:
        context = application.context
        world = AzureMlWorld(local, dev, dev, alias="dev")
        application.scanner.scan("dev")
        asked = {"stage_request": "Staging"}
        first = world.create("a", job=local.job(dev), tags=asked)
        second = world.create("b", tags=asked)
        local.fail("/jobs/", status=status, code="NotNow", times=1000)
        scanned = application.scanner.scan("dev")
        wrong = context.states.get("dev").unreadable
        open_to_all = health(context).parts["registry dev"]
        shown = [world.tags(version).get("stage") for version in (first, second)]
        local.heal()
        again = application.scanner.scan("dev")

        assert (True, 1) == (scanned.complete, scanned.failures)
        assert wrong.startswith(f"dev/models/a:1: Azure ML workspace {dev.name} answered")
        assert "unreadable" == open_to_all
        assert [None, "Staging"] == shown
        assert "Staging" == world.tags(first)["stage"]
        assert ("", "") == (again.failed, health(context).parts["registry dev"])


def test_the_scan_gives_up_a_registry_that_answers_nothing(
    local: LocalAzureMl, tmp_path: Path
) -> None:
    """Where one version after another cannot be read, the next scan goes on."""
    dev = local.workspace("busy")
    with _started(local, tmp_path, workspace=dev.name) as application:
        world = AzureMlWorld(local, dev, dev, alias="dev")
        application.scanner.scan("dev")
        for number in range(9):
            world.create(f"busy-{number}")
        local.fail("^GET.*/versions/", status=500, times=1000)
        before = len(local.calls_to("^GET.*/versions/"))
        with pytest.raises(RegistryUnavailableError):
            application.scanner.scan("dev")
        local.heal()

        assert 4 * 3 == len(local.calls_to("^GET.*/versions/")) - before


def test_the_scan_judges_endpoints_whose_events_were_lost(
    local: LocalAzureMl, tmp_path: Path
) -> None:
    """By the two lists of them, and two readings each: with their deployments."""
    dev = local.workspace("dev")
    with _started(local, tmp_path) as application:
        world = AzureMlWorld(local, dev, dev, alias="dev")
        made = world.create("served")
        application.scanner.scan("dev")
        for endpoint in ("a", "b", "c"):
            world.deploy(made, endpoint, "blue")
        found = application.scanner.scan("dev")
        before = len(local.calls)
        again = application.scanner.scan("dev")
        asked = [call.path for call in local.calls[before:] if "Endpoints" in call.path]
        dev.endpoints.clear()
        world.delete_version(made)

    assert (3, 3) == (found.endpoints, found.changed)
    assert (3, 0) == (again.endpoints, again.changed)
    assert 2 + 2 * 3 == len(asked)


def test_only_kinds_that_are_watched_are_listed(local: LocalAzureMl, tmp_path: Path) -> None:
    """Which kinds are listed follows from the globs of the file."""
    with _started(local, tmp_path) as application:
        before = len(local.calls)
        application.scanner.scan("shared")
        asked = {call.path.rpartition("/")[2] for call in local.calls[before:]}

    assert {Kind.MODELS, Kind.DATA} <= asked
    assert not {Kind.ENVIRONMENTS, Kind.COMPONENTS} & asked


def test_all_registries_have_one_credential(local: LocalAzureMl, tmp_path: Path) -> None:
    """A process signs in once, for all of its registries, however often it starts them."""
    for _ in range(2):
        with _started(local, tmp_path) as application:
            for alias in ("dev", "shared"):
                application.context.registry(alias).read(Version.parse(f"{alias}/models/none:1"))

    assert 1 == len(local.calls_to("/msi/token"))


def test_starts_while_azure_does_not_answer(local: LocalAzureMl, tmp_path: Path) -> None:
    """Stageward starts while a registry does not let it in; the registry is imported later."""
    local.forbid(local.governor)
    try:
        with _started(local, tmp_path) as application:
            assert not application.context.states.get("dev").imported
    finally:
        local.heal()


@pytest.mark.parametrize("setting", ["STAGEWARD_ARM_ENDPOINT", "REGISTRY_DISCOVERY_ENDPOINT_URL"])
def test_names_a_setting_that_is_no_address(
    local: LocalAzureMl, tmp_path: Path, setting: str
) -> None:
    """An address that no token may be sent to is a fault of the environment, at the start."""
    file = tmp_path / "stageward.yaml"
    file.write_text(_FILE.format(dev=local.workspace("dev").id), encoding="utf-8")
    environment = {
        "STAGEWARD_CONFIG": str(file),
        "STAGEWARD_LEDGER": ":memory:",
        "SHARED": local.registry("shared").id,
        setting: "http://management.azure.com",
    }
    with pytest.raises(ConfigurationError, match=f"{setting}: it is no https address"):
        open_application(read_settings(environment))
    assert {} == unknown({"STAGEWARD_ARM_ENDPOINT": ""})
