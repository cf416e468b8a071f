"""The definitions of Azure Policy that stand in front of what Stageward governs.

They say nothing of any lifecycle: stages, names and who may write are parameters, and what a
lifecycle makes of them is in `policy_assignments`. So a configuration that changes changes
assignments, never a rule.

What must hold, since a failed evaluation denies whatever was asked, even where the effect is audit:

- no template function sees what it cannot take: no tags, no id and no claim is an empty text; a
  condition beside it guards nothing, as all of them are evaluated;
- every name is within the limits of Azure Policy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from stage_functions.domain.asset import Kind
from stage_functions.domain.observation import STAGE
from stage_functions.domain.record import Json

PROVIDER = "Microsoft.MachineLearningServices"
STAGE_TAG = "stageward-stage-tag"
STAGE_FIELD = "stageward-stage-field"
DELETION = "stageward-deletion"
SAMPLE = "concept-stage-order"

VERSION = "1.0.0"
"""Of each definition; a parameter that is added needs a default, and another number here."""
MAX_DISPLAY_NAME = 128
MAX_DESCRIPTION = 512

AUDIT, DENY = "audit", "deny"
EFFECTS: Mapping[str, Mapping[str, str]] = {
    STAGE_TAG: {AUDIT: "audit", DENY: "deny"},
    STAGE_FIELD: {AUDIT: "audit", DENY: "deny"},
    DELETION: {AUDIT: "auditAction", DENY: "denyAction"},
    SAMPLE: {AUDIT: "audit", DENY: "deny"},
}
"""What watching and preventing are called in each definition."""

_CATEGORY = "Machine Learning"
_OBJECT_ID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
_WORKSPACE, _NAME = 8, 10
"""Where they stand between the slashes of a version's id."""

Document = dict[str, Json]


def resource_type(kind: Kind) -> str:
    """Return the type of the versions of a kind in a workspace."""
    return f"{PROVIDER}/workspaces/{kind}/versions"


def kind_of(named: str) -> str:
    """Return the kind that a type of versions is of."""
    return named.split("/")[-2]


def definitions() -> dict[str, Document]:
    """Return every definition by name, as files hold them."""
    return {
        STAGE_TAG: _stage_tag(),
        STAGE_FIELD: _stage_field(),
        DELETION: _deletion(),
        SAMPLE: _sample(),
    }


def _stage_tag() -> Document:
    shown: list[Json] = [_tag_outside(kind, "openStages") for kind in Kind]
    return _definition(
        STAGE_TAG,
        "Stageward: only the governor writes versions of Azure ML that show a stage",
        "A version of a model, data asset, environment or component whose tag `stage` is none of "
        "the open stages, or that carries a reserved tag, may be written by approved identities "
        "only. Azure sees a request, not what was there before: whoever else writes back such a "
        "version as a whole is denied too, and leaving the tag out is not.",
        {
            **_common(STAGE_TAG, tuple(Kind)),
            "openStages": _texts(
                "Open stages",
                "Stages that anybody may write: those that versions are registered at.",
            ),
            "reservedTags": _texts(
                "Reserved tags",
                "Keys of tags that nobody else may send along, whatever their value. With "
                "stage_governor nobody else may write a governed version at all.",
                [],
            ),
        },
        [*_scope(), {"anyOf": [*shown, _reserved()]}],
    )


def _stage_field() -> Document:
    stage = f"{resource_type(Kind.MODELS)}/stage"
    return _definition(
        STAGE_FIELD,
        "Stageward: only the governor writes the stage field of models in Azure ML",
        "A version of a model whose own field `stage` says something else than an open stage may "
        "be written by approved identities only. For registries whose stage is shown in it "
        "(mirror_to: native_stage).",
        {
            **_common(STAGE_FIELD, (Kind.MODELS,)),
            "openStages": _texts("Open stages", "What anybody may write into the field."),
        },
        [
            *_scope(),
            {"field": stage, "exists": True},
            {"field": stage, "notEquals": ""},
            {"field": stage, "notIn": "[parameters('openStages')]"},
        ],
    )


def _deletion() -> Document:
    shown: list[Json] = [_tag_outside(kind, "deletableStages") for kind in Kind]
    return _definition(
        DELETION,
        "Stageward: versions of Azure ML are deleted at deletable stages only",
        "A version whose tag `stage` is none of the deletable stages may be deleted by approved "
        "identities only; one without the tag by anybody. It holds for the deletion of the "
        "version itself, not of its asset, workspace or resource group.",
        {
            **_common(DELETION, tuple(Kind)),
            "deletableStages": _texts(
                "Deletable stages", "Stages at which anybody may delete a version."
            ),
        },
        [*_scope(), {"anyOf": shown}],
        {"actionNames": ["delete"]},
    )


def _sample() -> Document:
    """Return the concept's own policy: the rule as its author wrote it, the effect a parameter."""
    tags = f"{resource_type(Kind.MODELS)}/tags"
    return {
        "name": SAMPLE,
        "properties": {
            "displayName": "Sample of the concept: models are not at several stages at once",
            "description": "What it checks: a version of a model that carries the tag `none` and "
            "the tags StageName1 and StageName4, all three at once, whatever their values. No "
            "order: Azure Policy does not see what was there before, so from one stage to any "
            "other is allowed where the old tag goes. Stageward, which shows one such tag at most, "
            "never meets it.",
            "policyType": "Custom",
            "mode": "All",
            "metadata": {"version": VERSION, "category": _CATEGORY},
            "parameters": {
                "effect": _effect(SAMPLE),
                "StageName1": _stage_name("Stage Name 1", "staging"),
                "StageName4": _stage_name("Stage Name 4", "archived"),
            },
            "policyRule": {
                "if": {
                    "allOf": [
                        {"field": "type", "equals": resource_type(Kind.MODELS)},
                        {"field": tags, "containsKey": "none"},
                        {
                            "allOf": [
                                {"field": tags, "containsKey": "[parameters('StageName1')]"},
                                {"field": tags, "containsKey": "[parameters('StageName4')]"},
                            ]
                        },
                    ]
                },
                "then": {"effect": "[parameters('effect')]"},
            },
        },
    }


def _definition(
    name: str,
    title: str,
    description: str,
    parameters: Document,
    conditions: Iterable[Json],
    details: Document | None = None,
) -> Document:
    then: Document = {"effect": "[parameters('effect')]"}
    if details is not None:
        then["details"] = details
    return {
        "name": name,
        "properties": {
            "displayName": title,
            "description": description,
            "policyType": "Custom",
            "mode": "All",
            "metadata": {"version": VERSION, "category": _CATEGORY},
            "parameters": parameters,
            "policyRule": {"if": {"allOf": list(conditions)}, "then": then},
        },
    }


def _common(name: str, kinds: Iterable[Kind]) -> Document:
    """Return the parameters of who may, and of what it is about."""
    return {
        "effect": _effect(name),
        "approvedObjectIds": _texts(
            "Approved object ids",
            "Object ids of the identities that may: that of Stageward, and whoever may act past "
            "it. Without Stageward's own among them it is shut out itself.",
        ),
        "workspaces": _texts("Workspaces", "Names of the workspaces that Stageward governs."),
        "resourceTypes": _texts(
            "Resource types", "Kinds of versions.", [resource_type(kind) for kind in kinds]
        ),
        "names": _texts(
            "Names", "Names of the assets, with one * each at most; case does not count.", ["*"]
        ),
        "exceptNames": _texts("Names left out", "Names that it is not about, likewise.", []),
    }


def _scope() -> list[Json]:
    """Return the conditions on whose version it is and who asks, without a field that may fail."""
    return [
        {"field": "type", "in": "[parameters('resourceTypes')]"},
        {"value": _part_of_id(_WORKSPACE), "in": "[parameters('workspaces')]"},
        {"count": _matching("names"), "greater": 0},
        {"count": _matching("exceptNames"), "equals": 0},
        {
            "value": f"[coalesce(tryGet(requestContext().identity,'{_OBJECT_ID}'),'')]",
            "notIn": "[parameters('approvedObjectIds')]",
        },
    ]


def _part_of_id(place: int) -> str:
    parts = "split(field('id'),'/')"
    return f"[if(greater(length({parts}),{place}),{parts}[{place}],'')]"


def _matching(parameter: str) -> Document:
    return {
        "value": f"[parameters('{parameter}')]",
        "name": "pattern",
        "where": {"value": _part_of_id(_NAME), "like": "[current('pattern')]"},
    }


def _tag_outside(kind: Kind, parameter: str) -> Document:
    """Return the condition that the tag `stage` is there and names none of a parameter's stages.

    Tags that are null, and a tag whose value is null, are an empty text to the functions.
    """
    tags = f"{resource_type(kind)}/tags"
    shown = (
        f"[if(contains(coalesce(field('{tags}'),''),'{STAGE}'),"
        f"coalesce(field('{tags}').{STAGE},''),'')]"
    )
    return {
        "allOf": [
            {"field": tags, "containsKey": STAGE},
            {"value": shown, "notIn": f"[parameters('{parameter}')]"},
        ]
    }


def _reserved() -> Document:
    keyed: list[Json] = [
        {"field": f"{resource_type(kind)}/tags", "containsKey": "[current('key')]"} for kind in Kind
    ]
    return {
        "count": {
            "value": "[parameters('reservedTags')]",
            "name": "key",
            "where": {"anyOf": keyed},
        },
        "greater": 0,
    }


def _effect(name: str) -> Document:
    effects = EFFECTS[name]
    return {
        "type": "String",
        "metadata": {"displayName": "Effect", "description": "Watch first, then prevent."},
        "allowedValues": [*effects.values(), "disabled"],
        "defaultValue": effects[AUDIT],
    }


def _texts(title: str, description: str, default: list[Json] | None = None) -> Document:
    """Return a parameter that is a list; without a default an assignment has to say it."""
    found: Document = {
        "type": "Array",
        "metadata": {"displayName": title, "description": description},
    }
    if default is not None:
        found["defaultValue"] = default
    return found


def _stage_name(title: str, default: str) -> Document:
    return {
        "type": "String",
        "metadata": {
            "displayName": title,
            "description": "Name of the stage, such as 'environment'",
        },
        "defaultValue": default,
    }
