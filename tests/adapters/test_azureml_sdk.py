"""How Microsoft's library is used: clouds, the environment, and time."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from stage_functions.adapters.azureml_api import AzureMlApi
from stage_functions.adapters.azureml_cloud import CLOUDS, PUBLIC, cloud
from stage_functions.adapters.azureml_sdk import AzureMlSdk, cloud_name
from stage_functions.domain.asset import Version
from stage_functions.domain.error import RegistryUnavailableError
from tests.adapters.azureml_local import Connected, connected
from tests.azureml.sdk import SDK_WARNINGS

pytestmark = [pytest.mark.filterwarnings(text) for text in SDK_WARNINGS]
CURRENT = "AZUREML_CURRENT_CLOUD"


def _made(azure: Connected) -> Version:
    written = {"modelUri": "https://x/m", "tags": {"team": "a"}}
    azure.local.put_version(azure.dev, "models", "iris", "3", written)
    return Version.parse("dev/models/iris:3")


def _copy(azure: Connected, version: Version, target: str) -> None:
    source = azure.registries[version.asset.registry]
    source.copy(azure.read(str(version)), azure.configurations[target])


def test_does_not_wait_for_ever(azure: Connected) -> None:
    """A copy that takes long goes on alone; meanwhile no other begins, and later it is there."""
    version = _made(azure)
    azure.local.polls = 150
    api = azure.registry._api  # noqa: SLF001  # the time that is waited is no setting
    sdk = AzureMlSdk(api, azure.local.credential("governor"), seconds=0.5)

    with pytest.raises(RegistryUnavailableError, match="not done yet"):
        sdk.share(version, "shared-reg")
    with pytest.raises(RegistryUnavailableError, match="still being made"):
        sdk.share(version, "shared-reg")
    with pytest.raises(RegistryUnavailableError, match="still being made"):
        sdk.change_traffic("scoring", lambda shares: shares)
    azure.local.polls = 0
    for thread in threading.enumerate():
        if thread.name == "stageward-azure-ai-ml":
            thread.join(20)
    sdk.change_traffic("nowhere", lambda shares: shares)
    _copy(azure, version, "shared")

    assert "a" == azure.read("shared/models/iris:3").tags["team"]


@pytest.mark.parametrize("former", [None, "AzureCloud"])
def test_leaves_the_environment_as_it_was(
    azure: Connected, monkeypatch: pytest.MonkeyPatch, former: str | None
) -> None:
    """What the library notes of its cloud in the environment is taken away again."""
    if former:
        monkeypatch.setenv(CURRENT, former)
    _copy(azure, _made(azure), "shared")
    azure.local.deploy(azure.dev, "scoring", "blue", f"{azure.dev.id}/models/iris/versions/3", 100)
    azure.registry.take_traffic("scoring", "blue")

    assert former == os.environ.get(CURRENT)  # noqa: TID251  # the environment is what is asked for


def test_two_clouds_do_not_mix(azure: Connected) -> None:
    """A second cloud in the same process is asked where it is, and not where the first was."""
    _copy(azure, _made(azure), "shared")
    with connected() as other:
        before = len(azure.local.calls)

        _copy(other, _made(other), "shared")

        assert "a" == other.read("shared/models/iris:3").tags["team"]
        assert [] == azure.since(before)


def test_every_cloud_has_a_name_of_its_own() -> None:
    """Microsoft's clouds are called as its library calls them; others by their addresses."""
    others = [
        cloud("https://one.example"),
        cloud("https://two.example"),
        cloud("https://one.example", "https://elsewhere.example"),
        cloud("", "https://elsewhere.example"),
    ]
    named = [cloud_name(one) for one in (*CLOUDS, *others)]

    assert ["AzureCloud", "AzureUSGovernment", "AzureChinaCloud"] == named[:3]
    assert len(named) == len(set(named))
    assert cloud_name(PUBLIC) == cloud_name(cloud())


def test_microsofts_clouds_are_the_librarys(azure: Connected) -> None:
    """A client of the public cloud goes where the library itself has that cloud."""
    api = AzureMlApi(azure.dev.id, azure.local.credential("governor"), PUBLIC, 10)
    sdk = AzureMlSdk(api, azure.local.credential("governor"))

    assert "https://management.azure.com" == str(sdk._kept()._base_url).rstrip("/")  # noqa: SLF001  # nothing is sent
    assert os.environ.get(CURRENT) is None  # noqa: TID251  # as above


def test_says_what_is_not_installed() -> None:
    """Without the library, reading works, and a copy says what to install."""
    program = (
        "import sys\n"
        "sys.modules['azure.ai'] = sys.modules['azure.ai.ml'] = None\n"
        "from stage_functions.adapters.azureml_sdk import _library\n"
        "from stage_functions.domain.error import RegistryRefusedError\n"
        "try:\n    _library()\n"
        "except RegistryRefusedError as exc:\n    print(exc)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )

    assert "install stageward with the extra `azureml`" in done.stdout
