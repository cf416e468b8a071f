"""Which Azure this is: where its resource manager and its registries are found.

The public cloud is the default; an endpoint of a sovereign or private cloud, or of an emulator, is
named by the environment. Nothing is asked of the network.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct
from msgspec.structs import replace

from stage_functions.domain.error import ConfigurationError


class Cloud(Struct, frozen=True):
    """One Azure. No address ends with a slash.

    Attributes:
        resource_manager: its resource manager.
        registry_discovery: where a registry's name is looked up.
        studio: where people look at Azure ML.
        portal: where people look at resources.
    """

    resource_manager: str
    registry_discovery: str
    studio: str
    portal: str

    @property
    def scope(self) -> str:
        """What tokens are asked for: the data plane of registries takes those of ARM."""
        return f"{self.resource_manager}/.default"


ARM_ENDPOINT = "STAGEWARD_ARM_ENDPOINT"
"""The variable that names the resource manager of another cloud."""
PUBLIC = Cloud(
    "https://management.azure.com",
    "https://eastus.api.azureml.ms",
    "https://ml.azure.com",
    "https://portal.azure.com",
)
CLOUDS = (
    PUBLIC,
    Cloud(
        "https://management.usgovcloudapi.net",
        "https://usgovarizona.api.ml.azure.us",
        "https://ml.azure.us",
        "https://portal.azure.us",
    ),
    Cloud(
        "https://management.chinacloudapi.cn",
        "https://chinaeast2.api.ml.azure.cn",
        "https://studio.ml.azure.cn",
        "https://portal.azure.cn",
    ),
)
"""Those that Microsoft runs, with the addresses that azure-ai-ml has for them."""


def cloud(resource_manager: str = "", registry_discovery: str = "") -> Cloud:
    """Return the cloud of an endpoint of a resource manager.

    Args:
        resource_manager: such as `https://management.azure.com`; the public one if empty.
        registry_discovery: where registries are looked up, if not where that cloud has them; in
            one that Microsoft does not run, at the resource manager's own address.

    Raises:
        ConfigurationError: one is no https address: a token would not be sent there.
    """
    manager = _address(ARM_ENDPOINT, resource_manager) or PUBLIC.resource_manager
    discovery = _address("REGISTRY_DISCOVERY_ENDPOINT_URL", registry_discovery)
    own = Cloud(manager, manager, PUBLIC.studio, PUBLIC.portal)
    known = next((one for one in CLOUDS if one.resource_manager == manager), own)
    return replace(known, registry_discovery=discovery) if discovery else known


def _address(setting: str, given: str) -> str:
    if not given:
        return ""
    message = f"{setting}: it is no https address, such as {PUBLIC.resource_manager}"
    try:
        parts = urlsplit(given.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as exc:
        raise ConfigurationError(message) from exc
    if parts.scheme.lower() != "https" or not host or parts.query or parts.fragment:
        raise ConfigurationError(message)
    return given.strip().rstrip("/").lower()
