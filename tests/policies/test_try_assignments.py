"""`stageward policy test` tries what is deployed: definitions with the assignments as rendered."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from stage_functions.wire.policy_assignments import document, plan
from stage_functions.wire.policy_definitions import DELETION, STAGE_FIELD, STAGE_TAG, definitions
from tests.cli.console import Done, run
from tests.policies.requests import GOVERNOR, by, tagged
from tests.policies.test_rendering import DEV, configuration, lifecycle

OWN = {"approvedObjectIds": [GOVERNOR], "workspaces": ["dev"]}
STRICT = "stages: {New: {initial: true}, Production: {}}"
WAYS = "transitions: [{from: New, to: Production}]"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder with what two lifecycles render, and who asks for what."""
    risky = lifecycle("risky", "dev/models/fraud-*", stages=STRICT, ways=WAYS)
    found = plan(configuration([f"{DEV}}}"], risky, lifecycle("default", "*/*/*")))
    contents: dict[str, object] = {
        **definitions(),
        "assignments": document(found),
        "own": OWN,
        "version": tagged("Production"),
        "new": tagged("None"),
        "governor": by("the governor"),
        "person": by("a person"),
    }
    for name, content in contents.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(content), "utf-8")
    return tmp_path


def tried(
    folder: Path, which: Iterable[str], *arguments: str, who: str = "person", own: str = "own"
) -> Done:
    """Try definitions with the assignments."""
    given = [str(folder / f"{name}.json") for name in which]
    given += ["--parameters", str(folder / "assignments.json")]
    given += ["--parameters", str(folder / f"{own}.json")] if own else []
    given += ["--request-context", str(folder / f"{who}.json"), *arguments]
    return run("policy", "test", *given)


def on(folder: Path, name: str = "version") -> tuple[str, str]:
    """Return the arguments that name a resource."""
    return "--resource", str(folder / f"{name}.json")


@pytest.mark.parametrize(
    ("effect", "tag", "deletion", "code"),
    [
        ("deny", "deny", "denyAction", 4),
        ("audit", "audit", "auditAction", 0),
        ("disabled", "none", "none", 0),
        ("", "audit", "auditAction", 0),
    ],
)
def test_one_effect_is_what_each_definition_calls_it(
    here: Path, effect: str, tag: str, deletion: str, code: int
) -> None:
    """Deletion is denied by denyAction; without one the definition's own default holds."""
    options = ("--effect", effect) if effect else ()
    done = tried(here, [STAGE_TAG, DELETION], *on(here), *options, "--json")

    assert code == done.code
    assert [
        (STAGE_TAG, f"{STAGE_TAG}-risky", "none"),
        (STAGE_TAG, f"{STAGE_TAG}-default", tag),
        (DELETION, f"{DELETION}-risky", "none"),
        (DELETION, f"{DELETION}-default", deletion),
    ] == [(one["definition"], one["assignment"], one["effect"]) for one in done.json]


def test_who_may_is_not_denied(here: Path) -> None:
    """And the table names the assignment."""
    done = tried(here, [STAGE_TAG, DELETION], *on(here), "--effect", "deny", who="governor")

    assert (0, "") == (done.code, done.err)
    assert f"{STAGE_TAG}-default" in done.out


def test_what_nobody_assigns_is_not_tried(here: Path) -> None:
    """It is not deployed; alone, there is nothing to try."""
    both = tried(here, [STAGE_TAG, STAGE_FIELD], *on(here), "--json")
    alone = tried(here, [STAGE_FIELD], *on(here))

    assert {STAGE_TAG} == {one["definition"] for one in both.json}
    assert f"{STAGE_FIELD}.json is not tried, since no assignment is of {STAGE_FIELD}" in both.err
    assert 1 == alone.code
    assert "no assignment is of any of these definitions" in alone.err


def test_what_the_deployment_adds_is_asked_for(here: Path) -> None:
    """The assignments alone do not say who is the governor."""
    done = tried(here, [STAGE_TAG], *on(here), own="")

    assert 1 == done.code
    assert (
        f"{STAGE_TAG}-risky: the parameter 'approvedObjectIds' has no value and no default; what "
        "the deployment adds, give in one more --parameters file\n"
    ) == done.err


def test_cases_are_tried_with_all_assignments_of_a_definition(here: Path) -> None:
    """What one of them denies is denied."""
    text = f"""\
definitions: [{STAGE_TAG}.json, {DELETION}.json]
request_context: {json.dumps(by("a person"))}
cases:
  - {{name: written, definition: {STAGE_TAG}, resource: version.json, expect: deny}}
  - {{name: deleted, definition: {DELETION}, resource: version.json, expect: denyAction}}
  - {{name: open, resource: new.json, expect: none}}
"""
    (here / "cases.yaml").write_text(text, "utf-8")
    done = tried(here, [], "--cases", str(here / "cases.yaml"), "--effect", "deny")

    assert (0, "", "4 of 4 are as expected\n") == (done.code, done.err, done.out)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (["text"], "[0]: an assignment is an object with a definition and its parameters"),
        ([{"name": "a"}], "[0]: an assignment has a definition; render them anew"),
        ([{"definition": "a"}], "[0]: an assignment has a name; render them anew"),
        (
            [{"name": "a", "definition": "a", "parameters": []}],
            "[0]: effects and parameters are objects; render them anew",
        ),
        ("text", "values by name are wanted, or a list of assignments"),
    ],
)
def test_assignments_that_are_none_are_told(here: Path, content: object, message: str) -> None:
    """With their place."""
    (here / "assignments.json").write_text(json.dumps(content), "utf-8")
    done = tried(here, [STAGE_TAG], *on(here))

    assert (1, f"{here / 'assignments.json'}: {message}\n") == (done.code, done.err)


def test_effects_that_there_are_not_are_told(here: Path) -> None:
    """By the assignment that knows others; without assignments there is nothing to choose from."""
    done = tried(here, [STAGE_TAG], *on(here), "--effect", "denied")
    alone = run("policy", "test", str(here / f"{STAGE_TAG}.json"), *on(here), "--effect", "deny")

    assert (1, 1) == (done.code, alone.code)
    assert "has the effects audit, deny, disabled, not 'denied'; did you mean 'deny'?" in done.err
    assert "--effect chooses among those of assignments" in alone.err


def test_a_wrong_value_of_an_assignment_is_told_there(here: Path) -> None:
    """Not as a fault of the definition."""
    path = here / "assignments.json"
    path.write_text(path.read_text("utf-8").replace('"openStages"', '"openStage"'), "utf-8")
    done = tried(here, [STAGE_TAG], *on(here))

    assert 1 == done.code
    assert done.err.startswith(
        f"{path}: {STAGE_TAG}-risky: openStage: the definition has no parameter 'openStage'"
    )


def test_values_that_one_definition_lacks_are_fine_where_another_has_them(here: Path) -> None:
    """Those of nobody are mistyped, and told where they were given."""
    (here / "own.json").write_text(json.dumps({**OWN, "openStages": ["Production"]}), "utf-8")
    both = tried(here, [STAGE_TAG, DELETION], *on(here), "--effect", "deny", "--json")
    one = tried(here, [DELETION], *on(here), "--effect", "deny")

    assert ["none", "none", "none", "denyAction"] == [found["effect"] for found in both.json]
    assert 1 == one.code
    assert f"{here / 'own.json'}: no definition has a parameter 'openStages'" in one.err
