"""Which methods of MLflow's registry stores can change what is governed.

Every public method of a store is of one of these kinds; one of none, that a later MLflow may bring,
is refused until it is looked at here (`unknown`). A test says so for each store that MLflow has.
"""

from __future__ import annotations

GUARDED = frozenset(
    {
        "create_model_version",
        "delete_model_version",
        "delete_model_version_tag",
        "delete_registered_model",
        "delete_registered_model_alias",
        "rename_registered_model",
        "set_model_version_tag",
        "set_registered_model_alias",
        "transition_model_version_stage",
    }
)
"""Stageward is asked before they store anything; `guard.Guard` has each."""
COMPOSED = frozenset(
    {
        "copy_model_version",
        "create_prompt",
        "create_prompt_version",
        "delete_prompt",
        "delete_prompt_alias",
        "delete_prompt_version",
        "delete_prompt_version_tag",
        "set_prompt_alias",
        "set_prompt_version_tag",
    }
)
"""They store by calling those that are guarded, on the same store. Where a store keeps prompts
apart from models (Unity Catalog), they reach no model."""
HARMLESS = frozenset(
    {
        "create_registered_model",
        "create_webhook",
        "delete_prompt_tag",
        "delete_registered_model_tag",
        "delete_webhook",
        "link_prompt_version_to_model",
        "link_prompt_version_to_run",
        "link_prompts_to_trace",
        "set_prompt_tag",
        "set_registered_model_tag",
        "test_webhook",
        "update_model_version",
        "update_registered_model",
        "update_webhook",
    }
)
"""They change no stage, tag or alias of a version: descriptions, tags of models, webhooks."""
READING = ("get_", "list_", "search_")
"""How methods begin that change nothing."""


def unknown(store: type) -> tuple[str, ...]:
    """Return the public methods of a store that nobody has looked at yet."""
    known = GUARDED | COMPOSED | HARMLESS
    return tuple(
        name
        for name in dir(store)
        if not name.startswith(("_", *READING))
        and name not in known
        and callable(getattr(store, name))
    )
