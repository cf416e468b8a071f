"""The pages of an asset and of a version; and the form that asks for another stage."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import Request, Response
from msgspec.structs import replace
from starlette.routing import Route

from stage_functions.application.answer import Answer, AnswerKind
from stage_functions.application.brief_facts import TITLES, readable
from stage_functions.application.brief_people import someone
from stage_functions.application.context import Context
from stage_functions.application.dossier import (
    MAX_RECORDS,
    VersionDossier,
    asset_dossier,
    version_dossier,
)
from stage_functions.application.rollback import possible
from stage_functions.application.transition import TransitionRequest, request_transition
from stage_functions.application.unregistered import OUTPUTS_DAYS
from stage_functions.application.unregistered_words import how_to_register, origin_words
from stage_functions.application.vote import find
from stage_functions.domain.aliases import held
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.demands import demands
from stage_functions.domain.lifecycle import Lifecycle, Transition
from stage_functions.web.contract import text, the_asset, the_version
from stage_functions.web.pages.addresses import (
    url_for_approval,
    url_for_asset,
    url_for_rollback,
    url_for_version,
    url_with,
)
from stage_functions.web.pages.as_of import stood_on
from stage_functions.web.pages.board import notices
from stage_functions.web.pages.lanes import lanes
from stage_functions.web.pages.lineage import lineage, maker_of
from stage_functions.web.pages.render import page, redirect
from stage_functions.web.pages.routes import act, fields, operation_of, show
from stage_functions.web.pages.standing import standing
from stage_functions.web.pages.visitor import Visitor, visitor

_ASSET = "/assets/{registry}/{kind}/{name}"
_VERSION = f"{_ASSET}/versions/{{version}}"


def routes() -> list[Route]:
    """Return the routes of assets and versions."""
    return [
        show(_ASSET, _show_asset),
        show(_VERSION, _show_version),
        act(f"{_VERSION}/requests", _ask),
    ]


def _show_asset(request: Request) -> Response:
    visiting = visitor(request)
    wanted = _asset(request)
    before, skip = _number(request, "before"), _number(request, "skip")
    found = asset_dossier(visiting.context, wanted, before=before, skip=skip)
    here, behind = url_for_asset(wanted), found.skipped + len(found.versions)
    return page(
        "asset.html",
        visiting,
        here="board",
        now=visiting.context.clock.now(),
        found=found,
        notices=notices(visiting.context, wanted.registry),
        lanes=lanes(found.holdings, visiting.context.clock.now()),
        max_records=MAX_RECORDS,
        stood=stood_on(visiting.context, wanted, request.query_params.get("as_of", "")),
        older=url_with(here, before=found.older, skip=skip) + "#timeline" if found.older else "",
        newest=url_with(here, skip=skip) + "#timeline" if before else "",
        more=url_with(here, skip=behind, before=before) if behind < found.total else "",
        fewer=url_with(here, before=before) if skip else "",
        ways_back=_ways_back(visiting, found.lifecycle, wanted, found.holders),
        aliases=_aliases(visiting, found.lifecycle, wanted, found.holders),
    )


def _show_version(request: Request) -> Response:
    return _version_page(visitor(request), _version(request))


def _version_page(visiting: Visitor, wanted: Version, refused: Answer | None = None) -> Response:
    context = visiting.context
    found = version_dossier(context, wanted)
    if found.note is not None:
        return page(
            "unregistered.html",
            visiting,
            status=409 if refused is not None else 200,
            here="board",
            found=found,
            note=found.note,
            days=OUTPUTS_DAYS,
            origin=origin_words(found.note),
            how=how_to_register(found.note, context.configuration.registry(wanted.asset.registry)),
            refused=refused,
            evidence=readable(found.evidence),
            titles=TITLES,
        )
    return page(
        "version.html",
        visiting,
        status=409 if refused is not None else 200,
        here="board",
        now=context.clock.now(),
        found=found,
        notices=notices(context, wanted.asset.registry, told_unreadable=bool(found.unreadable)),
        evidence=readable(found.evidence),
        titles={**TITLES, "author": maker_of(found)},
        lineage=lineage(found, lambda id_: someone(context, id_).name),
        allowed=_allowed(found),
        asked=_asked(context, found),
        operation=context.clock.operation_id(),
        refused=refused,
        max_records=MAX_RECORDS,
        standing=standing(visiting, found),
        way_back=_way_back(visiting, found),
    )


def _way_back(visiting: Visitor, found: VersionDossier) -> str:
    """Return the address of the page that takes this version out; "" where that cannot be."""
    state = found.state
    if state is None or state.gone:
        return ""
    held = {state.stage: (state.version,)}
    ways = _ways_back(visiting, found.lifecycle, found.version.asset, held)
    return next((to for _, _, to in ways), "")


def _aliases(
    visiting: Visitor,
    lifecycle: Lifecycle | None,
    asset: Asset,
    holders: Mapping[str, tuple[str, ...]],
) -> dict[str, str]:
    """Return by alias of MLflow that is kept the version that has it by grant."""
    if lifecycle is None:
        return {}
    return held(visiting.context.configuration.registry(asset.registry), lifecycle, holders)


def _ways_back(
    visiting: Visitor,
    lifecycle: Lifecycle | None,
    asset: Asset,
    holders: Mapping[str, tuple[str, ...]],
) -> list[tuple[str, str, str]]:
    """Return the stages that can be rolled back: with who would be taken out, and the address.

    Shown to everybody: the page itself says why somebody may not.
    """
    if lifecycle is None:
        return []
    return [
        (stage.name, holders[stage.name][0], url_for_rollback(asset, stage.name))
        for stage in lifecycle.stages.values()
        if stage.rollback_within is not None
        and holders.get(stage.name)
        and possible(visiting.context, asset, stage.name)
    ]


def _allowed(found: VersionDossier) -> list[tuple[str, str, tuple[str, ...]]]:
    """Return what may be asked for: the stage, how it is named, what it demands."""
    there = [(one.target, _named(one), demands(one)) for one in found.allowed]
    same = found.renewal
    return [(same.target, f"{same.target} (renewal)", demands(same)), *there] if same else there


def _asked(context: Context, found: VersionDossier) -> str:
    """Return the stage that the open approval is about; "" where none is open."""
    if found.state is None or not found.state.approval:
        return ""
    return find(context, found.state.approval)[1].binding.target


def _named(way: Transition) -> str:
    return f"{way.target} (copied to {way.copy_to})" if way.copy_to else way.target


def _ask(request: Request) -> Response:
    visiting, wanted, sent = visitor(request), _version(request), fields(request)
    command = TransitionRequest(
        version=wanted,
        target=text("the stage", sent.get("to", "")),
        reason=text("the reason", sent.get("reason", "").strip()),
        actor=visiting.actor,
        operation="",
    )
    command = replace(command, operation=operation_of(sent, visiting, command.asked))
    answer = request_transition(visiting.context, command)
    if answer.kind is AnswerKind.REFUSED:
        return _version_page(visiting, wanted, answer)
    if answer.kind is AnswerKind.PENDING:
        return redirect(url_for_approval(answer.approval))
    return redirect(url_for_version(wanted))


def _asset(request: Request) -> Asset:
    given = request.path_params
    return the_asset(given["registry"], given["kind"], given["name"])


def _version(request: Request) -> Version:
    given = request.path_params
    return the_version(given["registry"], given["kind"], given["name"], given["version"])


def _number(request: Request, name: str) -> int:
    """Return a number of the address; what is none counts as left out."""
    given = request.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 10 else 0  # noqa: PLR2004  # record numbers have no more digits
