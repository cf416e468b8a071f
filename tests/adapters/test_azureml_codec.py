"""Documents of Azure ML, who is named in them, and which Azure they are in."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from stage_functions.adapters.azureml_cloud import CLOUDS, PUBLIC, cloud
from stage_functions.adapters.azureml_codec import changed, names, possible, snapshot
from stage_functions.adapters.azureml_identity import Identity, actor, of_token
from stage_functions.domain.asset import Asset, Kind, Version
from stage_functions.domain.error import ConfigurationError
from stage_functions.domain.mirror import Edit

IRIS = Asset("dev", Kind.MODELS, "iris")
GUID = "0a1b2c3d-0000-4000-8000-00000000000a"
WORKSPACE = (
    "/subscriptions/S1/resourceGroups/rg/providers/Microsoft.MachineLearningServices/workspaces/w"
)


def _content(kind: Kind, **properties: object) -> str:
    document = {"name": "1", "properties": properties}
    return snapshot(document, Asset("dev", kind, "x"), Identity(), WORKSPACE).content


@pytest.mark.parametrize(
    ("name", "type_", "expected"),
    [
        (GUID, "User", f"oid:{GUID}"),
        (GUID.upper(), "Application", f"app:{GUID}"),
        (GUID, "ManagedIdentity", f"oid:{GUID}"),
        (" Anna@Example.org ", "User", "upn:anna@example.org"),
        ("Anna Beispiel", "User", "aml:Anna Beispiel"),
        ("ci pipeline", "Application", "aml:ci pipeline"),
        ("", "User", None),
        (None, None, None),
        ({"a": 1}, 3, None),
        ("the-app", "Application", "stageward"),
        ("The-OID", "User", "stageward"),
        ("stageward-id", "ManagedIdentity", "stageward"),
        ("stageward-id", "User", "aml:stageward-id"),
    ],
)
def test_names_who_acted(name: object, type_: object, expected: str | None) -> None:
    """Ids are told from addresses and from what people are shown as; the own one is `stageward`."""
    own = Identity("the-oid", "the-app", "stageward-id")

    assert expected == actor({"createdBy": name, "createdByType": type_}, "created", own)


def test_is_nobody_without_a_name() -> None:
    """Whoever does not know who it is, takes nobody for itself."""
    assert actor({"createdBy": " "}, "created", Identity()) is None
    assert "aml:x" == actor({"createdBy": "x"}, "created", Identity())


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"oid": "O", "appid": "A"}, Identity("o", "a")),
        ({"oid": "o", "azp": "a", "app_displayname": "S"}, Identity("o", "a", "S")),
        ({"oid": "o", "xms_mirid": "/subscriptions/s/x/id-1"}, Identity("o", "", "id-1")),
        ({"oid": 5}, Identity()),
        ([], Identity()),
    ],
    ids=str,
)
def test_reads_tokens(claims: object, expected: Identity) -> None:
    """Who a token is for is read from its claims, in either version of them."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()

    assert expected == of_token(f"Bearer x.{payload}.y")


@pytest.mark.parametrize("token", ["", "opaque", "a.b", "a.!.c", "a.bm90IGpzb24.c"])
def test_does_without_a_token_that_can_be_read(token: str) -> None:
    """A token that is none, or says nothing, is nobody's."""
    assert Identity() == of_token(token)
    assert frozenset() == of_token(token).ids


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "azureml://datastores/ds/paths/m/1",
            f"azureml:/{WORKSPACE.replace('/providers/Microsoft.MachineLearningServices', '')}"
            "/datastores/ds/paths/m/1",
        ),
        ("https://a.blob.core.windows.net/c/m", "https://a.blob.core.windows.net/c/m"),
    ],
)
def test_knows_content_by_either_address(one: str, other: str) -> None:
    """What the SDK makes of an address is the same content."""
    assert _content(Kind.MODELS, modelUri=one) == _content(Kind.MODELS, modelUri=other)
    assert _content(Kind.DATA, dataUri=one) == _content(Kind.DATA, dataUri=other)


def test_knows_environments_by_what_they_say() -> None:
    """An environment is its image, or all it is built from, however the conda file is written."""
    image = "mcr.microsoft.com/a:1"
    conda = "name: e\ndependencies: [python=3.11, {pip: [numpy]}]\n"
    dumped = "dependencies:\n- python=3.11\n- pip:\n  - numpy\nname: e\n"
    built = [
        _content(Kind.ENVIRONMENTS, image=image, condaFile=conda),
        _content(Kind.ENVIRONMENTS, image=image, condaFile=dumped, stage="x", description="d"),
        _content(Kind.ENVIRONMENTS, image=image, condaFile=conda.replace("11", "12")),
        _content(Kind.ENVIRONMENTS, build={"contextUri": "https://x", "dockerfilePath": "D"}),
        _content(Kind.ENVIRONMENTS),
    ]

    assert image == _content(Kind.ENVIRONMENTS, image=image, build=None)
    assert built[0] == built[1]
    assert 4 == len(set(built))


@pytest.mark.parametrize(
    "conda",
    [
        "a: &x [1]\nb: *x",
        "}{",
        "[" * 2000,
        "a: 2026-01-01",
        "? [1]\n: 2",
        "!!python/object:os.system x",
        5,
        {"a": 1},
    ],
    ids=lambda one: str(one)[:20],
)
def test_takes_odd_conda_files_as_they_are(conda: object) -> None:
    """A conda file that is no plain YAML is what its text is; no alias in it is followed."""
    first = _content(Kind.ENVIRONMENTS, condaFile=conda)

    assert first.startswith("sha256:")
    assert first == _content(Kind.ENVIRONMENTS, condaFile=conda)


def test_knows_components_by_what_they_do() -> None:
    """What the SDK adds to a component, and what people may change of it, is not its content."""
    plain: dict[str, Any] = {"name": "c", "command": "python x.py", "inputs": {"a": {"type": "s"}}}
    edited = {
        **plain,
        "id": "azureml:/x",
        "creation_context": {"created_at": "x"},
        "_source": "REMOTE",
        "tags": {"stage": "x"},
        "description": "other",
        "display_name": "Other",
    }

    assert _content(Kind.COMPONENTS, componentSpec=plain) == (
        _content(Kind.COMPONENTS, componentSpec=edited)
    )
    assert _content(Kind.COMPONENTS, componentSpec=plain) != (
        _content(Kind.COMPONENTS, componentSpec={**plain, "command": "python y.py"})
    )
    assert _content(Kind.COMPONENTS, componentSpec=[1]).startswith("sha256:")


@pytest.mark.parametrize(
    ("properties", "job"),
    [
        ({"jobName": "j1", "properties": {"azureml.jobName": "j2"}}, "j1"),
        ({"jobName": None, "properties": {"azureml.jobName": "j2"}}, "j2"),
        ({"properties": {"azureml.runId": "j3"}}, "j3"),
        ({"jobName": ""}, None),
    ],
)
def test_finds_the_job(properties: dict[str, Any], job: str | None) -> None:
    """A job is named by a field of its own, or by properties that Azure ML sets."""
    assert job == snapshot({"name": "1", "properties": properties}, IRIS, Identity(), "").job


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-26T05:49:56.2646903Z", "2026-11-26T05:49:56.264690+00:00"),
        ("2026-11-26T06:49:56+01:00", "2026-11-26T05:49:56+00:00"),
        ("2026-11-26T05:49:56", "2026-11-26T05:49:56+00:00"),
        ("yesterday", "1970-01-01T00:00:00+00:00"),
        ("0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00+00:00"),
    ],
)
def test_reads_moments(given: str, expected: str) -> None:
    """Moments have seven digits, another zone or none; where there is no moment, it is 1970's."""
    document = {"name": "1", "properties": {}, "systemData": {"createdAt": given}}

    assert expected == snapshot(document, IRIS, Identity(), "").created_at.isoformat()


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("/subscriptions/s/models/iris/versions/1", True),
        ("/Subscriptions/s/Models/iris/Versions/1", True),
        ("azureml://registries/r/models/iris/versions/1", True),
        ("/subscriptions/s/models/Iris/versions/1", False),
        ("/subscriptions/s/models/iris2/versions/1", False),
        ("", True),
        ("/1", True),
    ],
)
def test_compares_names(id_: str, expected: bool) -> None:  # noqa: FBT001
    """A document counts if its id names what was asked for, and if it has none."""
    assert expected is names({"id": id_, "name": "1"}, IRIS, "1")
    assert not names({"id": id_, "name": "2"}, IRIS, "1")


def test_believes_an_id_in_small_letters() -> None:
    """An id that Azure has put in small letters says nothing against a name with capitals."""
    upper = Asset("dev", Kind.MODELS, "Iris")

    assert names({"id": "/subscriptions/s/models/iris/versions/1", "name": "1"}, upper, "1")


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [("iris", "1", True), ("..", "1", False), ("iris", ".", False), ("\ud800", "1", False)],
    ids=ascii,
)
def test_asks_for_no_impossible_name(name: str, number: str, *, expected: bool) -> None:
    """What would leave its place in an address is never asked for."""
    assert expected is possible(Version(Asset("dev", Kind.MODELS, name), number))


def test_does_not_lose_tags_of_another_form() -> None:
    """Tags that are no map are not replaced by one."""
    with pytest.raises(ValueError, match="no map"):
        changed({"name": "1", "properties": {"tags": ["a"]}}, Edit({"stage": "None"}))


def test_drops_what_azure_sets_itself() -> None:
    """Neither ids nor states nor nulls are sent back; everything unknown is."""
    document = {
        "id": "x",
        "name": "1",
        "type": "t",
        "systemData": {},
        "novel": [None],
        "properties": {"provisioningState": "Succeeded", "stage": None, "novel": {"a": None}},
    }

    assert {
        "novel": [None],
        "properties": {"novel": {"a": None}, "tags": {"stage": "None"}},
    } == changed(document, Edit({"stage": "None"}))


def test_knows_the_clouds() -> None:
    """A cloud is known by its resource manager; any other looks registries up at its own."""
    own = cloud("https://ARM.local:8443/", "https://discovery.local/")

    assert PUBLIC == cloud()
    assert list(CLOUDS) == [cloud(f"{one.resource_manager}/") for one in CLOUDS]
    assert "https://arm.local:8443" == cloud("https://arm.local:8443").registry_discovery
    assert ("https://arm.local:8443", "https://discovery.local") == (
        own.resource_manager,
        own.registry_discovery,
    )
    assert "https://arm.local:8443/.default" == own.scope


@pytest.mark.parametrize(
    "address",
    ["http://arm.local", "arm.local", "https://", "https://a:b", "https://a?x=1", "https://[", "x"],
)
def test_sends_tokens_to_https_only(address: str) -> None:
    """An endpoint that is no https address is a fault of the environment."""
    with pytest.raises(ConfigurationError, match="STAGEWARD_ARM_ENDPOINT"):
        cloud(address)
