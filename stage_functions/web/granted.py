"""Where versions stand by grant, of many models in one call: for clients of MLflow."""

from __future__ import annotations

from fastapi import Request, Response

from stage_functions.application.granted import Granted, granted
from stage_functions.domain.asset import Asset, Kind, created_ms
from stage_functions.domain.configuration import RegistryType
from stage_functions.domain.error import InvalidInputError
from stage_functions.domain.state import VersionState
from stage_functions.web.contract import Alias, calls, problems, reply
from stage_functions.web.service import caller, context_of
from stage_functions.wire import granted_api

router = calls("registries")


@router.post(
    "/registries/{registry}/granted",
    response_model=granted_api.GrantedModels,
    responses=problems(400, 401, 403, 404, 422, 503),
)
def granted_stages(request: Request, registry: Alias, body: granted_api.GrantedBody) -> Response:
    """Tell where the versions of some models stand; nothing is changed, no registry is asked.

    A model that the ledger does not know is told of too: with the stages that it may have, and
    without versions.
    """
    caller(request)
    context = context_of(request)
    type_ = context.configuration.registry(registry).type
    if len(body.names) > granted_api.MOST_NAMES:
        message = f"body.names: {len(body.names)} names, at most {granted_api.MOST_NAMES} at once"
        raise InvalidInputError(message)
    wanted = [Asset.parse(f"{registry}/{Kind.MODELS}/{name}") for name in body.names]
    found = tuple(_document(granted(context, asset), type_) for asset in wanted)
    return reply(granted_api.GrantedModels(found))


def _document(found: Granted, type_: RegistryType) -> granted_api.GrantedModel:
    lifecycle = found.lifecycle
    stages = dict(lifecycle.stages) if lifecycle is not None else {}
    return granted_api.GrantedModel(
        asset=str(found.asset),
        known=found.known,
        why=found.why,
        lifecycle=lifecycle.name if lifecycle is not None else "",
        initial=lifecycle.initial if lifecycle is not None else "",
        stages=tuple(stages),
        terminal=tuple(name for name, stage in stages.items() if stage.terminal),
        exclusive={name: stage.displaced_to for name, stage in stages.items() if stage.exclusive},
        aliases=found.aliases,
        versions={
            number: _version(state, type_)
            for number, state in found.versions.items()
            if not state.gone
        },
    )


def _version(state: VersionState, type_: RegistryType) -> granted_api.GrantedVersion:
    made = created_ms(state.incarnation) if type_ is RegistryType.MLFLOW else 0
    return granted_api.GrantedVersion(state.stage or None, made)
