"""Stageward's own webhook at an MLflow server: made, and kept as it should be.

Decides which events it takes and how it is told from other people's. What forbids a webhook is
set in the environment of the MLflow server; the errors here name the setting. Whether a delivery
is MLflow's is decided by `wire.mlflow`.

It takes new versions and tags set or deleted on versions, and where aliases are kept these too.
MLflow has no event for stage transitions, deletions, descriptions or tags of models: the scan finds
those.
"""

from __future__ import annotations

import hashlib
import re

from stage_functions.adapters.mlflow_http import (
    INVALID,
    MlflowApi,
    MlflowFaultError,
    MlflowRefusedError,
    Params,
)
from stage_functions.domain.error import (
    ConfigurationError,
    StagewardError,
)
from stage_functions.wire.document import entries, text

EVENTS = (
    {"entity": "MODEL_VERSION", "action": "CREATED"},
    {"entity": "MODEL_VERSION_TAG", "action": "SET"},
    {"entity": "MODEL_VERSION_TAG", "action": "DELETED"},
)
OF_ALIASES = (
    {"entity": "MODEL_VERSION_ALIAS", "action": "CREATED"},
    {"entity": "MODEL_VERSION_ALIAS", "action": "DELETED"},
)
SCHEMES_SETTING = "MLFLOW_WEBHOOK_ALLOWED_SCHEMES"
PRIVATE_SETTING = "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS"
KEY_SETTING = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY"

_PATH = "webhooks"
_PAGE = 100
_OF_WEBHOOKS = (404, 500)
_NAME = re.compile(r"stageward-[a-z0-9-]{0,52}[a-z0-9]\Z")
_REMEDIES = (
    (
        "scheme",
        f"set {SCHEMES_SETTING}=http,https for the MLflow server, "
        "or give Stageward an https address",
    ),
    (
        "non-public IP",
        f"set {PRIVATE_SETTING}=true for the MLflow server, "
        "or give Stageward an address that is public",
    ),
)
"""What MLflow says when it refuses an address, and what helps."""


def webhook_name(alias: str) -> str:
    """Return the name of Stageward's webhook for a registry, in the form that MLflow takes."""
    name = f"stageward-{alias}"
    if _NAME.match(name):
        return name
    return f"stageward-{hashlib.sha256(alias.encode()).hexdigest()[:16]}"


def ensure_webhook(
    api: MlflowApi, alias: str, url: str, secret: str, *, aliases: bool = False
) -> str:
    """Make Stageward's webhook, or bring it to what it should be; return its id at MLflow.

    A secret cannot be read back, so that an existing webhook is always written. Others of the
    same name, which two starts at once may leave, are deleted.

    Args:
        api: of the MLflow server.
        alias: of the registry, part of the webhook's name.
        url: where MLflow is to deliver.
        secret: what it is to sign with.
        aliases: it is to tell of aliases too.

    Raises:
        ConfigurationError: the environment of the MLflow server forbids it, or there is no secret.
        RegistryUnavailableError, RegistryRefusedError: MLflow cannot be reached, or refuses.
    """
    if not secret:
        message = f"a webhook of {api.name} needs a secret: without one anybody could call it"
        raise ConfigurationError(message)
    name = webhook_name(alias)
    events = (*EVENTS, *OF_ALIASES) if aliases else EVENTS
    wanted = {"name": name, "url": url, "events": events, "secret": secret, "status": "ACTIVE"}
    own = _own(api, name)
    try:
        if own:
            kept = api.send("PATCH", f"{_PATH}/{own[0]}", wanted)
        else:
            kept = api.send("POST", _PATH, wanted)
    except MlflowRefusedError as refusal:
        raise _forbidden(api, url, refusal) from refusal
    for other in own[1:]:
        api.send("DELETE", f"{_PATH}/{other}", {})
    return text(kept, "webhook", "webhook_id")


def _own(api: MlflowApi, name: str) -> list[str]:
    """Return the ids of the webhooks of this name, the newest first."""
    found: list[str] = []
    token = ""
    while True:
        page = _listed(api, token)
        hooks = entries(page, "webhooks")
        found += [text(hook, "webhook_id") for hook in hooks if text(hook, "name") == name]
        token = text(page, "next_page_token")
        if not token:
            return found


def _listed(api: MlflowApi, token: str) -> object:
    params: Params = {"max_results": _PAGE, **({"page_token": token} if token else {})}
    try:
        return api.get(_PATH, params)
    except MlflowFaultError as exc:
        if exc.status not in _OF_WEBHOOKS:
            raise
        # Raises as well if it is not only the webhooks that cannot be read.
        api.get("registered-models/search", {"max_results": 1})
        message = (
            f"{api.name} cannot list its webhooks, while it answers otherwise. Either it is older "
            f"than 3.3 and has none, or it cannot decrypt their secrets: set {KEY_SETTING} for the "
            "MLflow server to the key that they were made under, always the same; where there was "
            f"none, delete the rows of its table 'webhooks' as well. It says: {exc}"
        )
        raise ConfigurationError(message) from exc


def _forbidden(api: MlflowApi, url: str, refusal: MlflowRefusedError) -> StagewardError:
    """Return what a refused webhook means; a refusal of who is asking stays what it is."""
    if refusal.code != INVALID:
        return refusal
    remedy = next((remedy for sign, remedy in _REMEDIES if sign in refusal.said), "")
    message = f"{api.name} refuses a webhook to {url}: {refusal.said}"
    return ConfigurationError(f"{message} To allow it, {remedy}." if remedy else message)
