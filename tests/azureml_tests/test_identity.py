"""Who is signed in: tokens, and the managed identity of the host."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest
from azure.core.credentials import TokenCredential

from tests.azureml import LocalAzureMl, Place
from tests.azureml.sdk import SDK_WARNINGS
from tests.azureml_tests.arm import MODEL

PROGRAM = """
from azure.ai.ml import MLClient
from azure.identity import DefaultAzureCredential
import sys
client = MLClient(DefaultAzureCredential(), *sys.argv[1:])
model = client.models.get("churn", "1")
model.tags["stage"] = "prod"
client.models.create_or_update(model)
registry = MLClient(DefaultAzureCredential(), registry_name="shared")
print(client.models.share(
    "churn", "1", share_with_name="churn", share_with_version="1", registry_name="shared"
).id, registry.models.get("churn", "1").tags)
"""


def test_a_program_is_pointed_here_by_environment_alone(
    local: LocalAzureMl, dev: Place, shared: Place
) -> None:
    """A program that knows nothing of this works here as the managed identity of its host."""
    local.put_version(dev, "models", "churn", "1", MODEL)

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, local.subscription, dev.resource_group, dev.name],
        env={"PATH": "", **local.environment()},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "azureml://registries/shared/models/churn/versions/1 {'stage': 'prod'}" == (
        done.stdout.strip()
    ), done.stderr
    stored = local.version(dev, "models", "churn", "1")
    assert stored is not None
    assert local.governor.app == stored["systemData"]["lastModifiedBy"]
    copy = local.version(shared, "models", "churn", "1")
    assert copy is not None
    assert local.governor.app == copy["systemData"]["createdBy"]


@pytest.mark.parametrize("name", ["ManagedIdentityCredential", "DefaultAzureCredential"])
def test_the_managed_identity_is_the_governor(local: LocalAzureMl, dev: Place, name: str) -> None:
    """The real azure.identity gets a token of Stageward's identity, which is let in."""
    import azure.identity

    with local.in_environment():
        credential: TokenCredential = getattr(azure.identity, name)()
        token = credential.get_token(f"{local.url}/.default").token
    url = f"{local.url}{dev.id}/models?api-version=1"

    answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"}, verify=False)

    assert 200 == answer.status_code


@pytest.mark.parametrize("headers", [{}, {"X-IDENTITY-HEADER": "wrong"}])
def test_the_managed_identity_is_the_hosts_alone(
    local: LocalAzureMl, headers: dict[str, str]
) -> None:
    """Without the secret of the host there is no token."""
    url = f"{local.url}/msi/token?api-version=2019-08-01&resource=x"

    assert 401 == httpx.get(url, headers=headers, verify=False).status_code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "AuthenticationFailed"),
        ("Basic YTpi", "AuthenticationFailed"),
        ("Bearer fake", "InvalidAuthenticationToken"),
        ("Bearer a.b.c", "InvalidAuthenticationToken"),
    ],
)
def test_nobody_is_let_in_unknown(
    local: LocalAzureMl, dev: Place, header: str | None, code: str
) -> None:
    """Without a bearer token that says who it is, everything is 401."""
    headers = {"Authorization": header} if header else {}
    url = f"{local.url}{dev.id}?api-version=1"

    answer = httpx.get(url, headers=headers, verify=False)

    assert (401, code) == (answer.status_code, answer.json()["error"]["code"])
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_people_are_the_same_everywhere(local: LocalAzureMl) -> None:
    """A name stands for one person, whoever asks; the governor is an application."""
    anna, bea = local.person("anna"), local.person("bea")

    assert anna == local.person("anna")
    assert anna.oid != bea.oid
    assert not anna.is_application
    assert local.governor == local.person("governor")
    assert local.governor.is_application


@pytest.mark.filterwarnings(SDK_WARNINGS[0])
@pytest.mark.filterwarnings(SDK_WARNINGS[1])
def test_clients_of_several_servers_do_not_mix(local: LocalAzureMl, dev: Place) -> None:
    """Clients in one process, of several servers, each ask their own."""
    from tests.azureml import running

    local.put_version(dev, "models", "churn", "1", {**MODEL, "tags": {"of": "one"}})
    with running() as other:
        there = other.workspace("dev")
        other.put_version(there, "models", "churn", "1", {**MODEL, "tags": {"of": "other"}})
        clients = (local.client("anna", dev), other.client("bea", there))

        tags = [client.models.get("churn", "1").tags["of"] for client in clients]

    assert ["one", "other"] == tags
