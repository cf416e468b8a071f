"""What the command line says where a name is mistyped, a list is empty, or nothing was done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from msgspec.structs import replace

from stage_functions.application.signal import Signal
from stage_functions.application.signals import follow
from stage_functions.domain.asset import Version
from stage_functions.domain.configuration import Mode
from stage_functions.domain.lifecycle import OnViolation
from tests.api_server import api_over
from tests.application.guard_world import deploy, guarding, told
from tests.builders import IRIS, World, lifecycle, world
from tests.cli.console import Console

FIRST = "demo/models/iris:1"


@pytest.fixture
def it() -> Iterator[World]:
    """A world whose lifecycle is known as it is written, as that of a file is."""
    plain = lifecycle()
    made = world(governed_by=replace(plain, text={"stages": {name: {} for name in plain.stages}}))
    yield made
    made.rows.close()


@pytest.mark.parametrize(
    ("stage", "hint"),
    [
        ("Prod", " (did you mean 'Production'?)"),
        ("production", " (did you mean 'Production'?)"),
        ("Stagging", " (did you mean 'Staging'?)"),
        ("Elsewhere", ""),
    ],
)
def test_a_mistyped_stage_is_refused_with_the_one_that_was_meant(
    it: World, at: Console, stage: str, hint: str
) -> None:
    """In what is printed and in the tag; the record keeps what was asked."""
    version = it.register("1")
    done = at.run("sam", "promote", FIRST, stage)
    checked = at.run("sam", "check", FIRST, "transition", stage)
    words = f"'{stage}' is no stage of the lifecycle default{hint}; allowed: Staging, Archived"

    assert (4, 4) == (done.code, checked.code)
    assert f"refused: {FIRST}: {words}\n" == done.out
    assert f"not allowed: {words}\n" == checked.out
    shown = it.registry.read(version)
    assert shown is not None
    assert f"refused: {words}" == shown.tags["stage_status"]


def test_a_list_of_a_stage_that_there_is_not_is_a_fault(it: World, at: Console) -> None:
    """A slip in a pipeline is told from an empty list."""
    it.register("1")
    slip = at.run("sam", "ls", "--stage", "Prodution")
    program = at.run("sam", "ls", "--stage", "Prodution", "--json")

    assert (1, "", 1) == (slip.code, slip.out, program.code)
    assert (
        "no lifecycle has the stage 'Prodution'; there are None, Staging, Production, Archived, "
        "Unregistered; did you mean 'Production'?\n"
    ) == slip.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--stage", "Production"),
            "no version that fits stands at Production; try `scan <registry>` for new ones",
        ),
        (
            ("--stage", "Unregistered"),
            "nothing that fits is Unregistered: what a job leaves behind is listed when the job has "
            "ended, and what a registry made by itself when `scan <registry>` has seen it",
        ),
        (("--waiting",), "no version that fits waits for a decision"),
        (
            ("demo", "--kind", "data"),
            "no version fits; try `ls --all` for hidden ones, or `scan demo` for new ones",
        ),
        (("demo", "--kind", "data", "--all"), "no version fits; try `scan demo` for new ones"),
    ],
)
def test_an_empty_list_says_what_helps(
    it: World, at: Console, arguments: tuple[str, ...], words: str
) -> None:
    """And does not send people to a scan that cannot help."""
    it.register("1")
    done = at.run("sam", "ls", *arguments)

    assert (0, f"{words}\n") == (done.code, done.err)


def test_an_asset_that_is_named_with_a_version_is_told_so(it: World, at: Console) -> None:
    """It is what people have just copied from another command."""
    it.register("1")
    done = at.run("sam", "history", FIRST)

    assert (
        1,
        "'demo/models/iris:1' names a version, and not an asset; write demo/models/iris, "
        "without :1\n",
    ) == (done.code, done.err)
    assert "names no version" in at.run("sam", "show", "demo/models/iris:1:2").err


def test_a_deployment_to_a_place_that_there_is_not_is_a_fault(it: World, at: Console) -> None:
    """Neither allowed nor refused: the question has a slip."""
    it.register("1")
    bare = at.run("sam", "check", FIRST, "deploy", "scoring")
    slip = at.run("sam", "check", FIRST, "deploy", "dmeo/scoring")

    assert (1, 1) == (bare.code, slip.code)
    assert "write registry/endpoint, such as demo/scoring" in bare.err
    assert "is of no registry; there are demo; did you mean 'demo'?" in slip.err


def test_what_is_unregistered_is_refused_without_its_name_twice(it: World, at: Console) -> None:
    """The words begin with it already."""
    version = it.register("1")
    it.registry.call_anonymous(version)
    done = at.run("sam", "promote", FIRST, "Staging")

    assert done.out.startswith(f"refused: {FIRST} is Unregistered: register it first")


def test_a_history_says_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal names its way once; a violation what was done, and what follows behind it."""
    monkeypatch.setenv("COLUMNS", "300")
    made = world(governed_by=guarding(OnViolation.NOTIFY))
    with api_over(made) as api:
        at = Console(api, monkeypatch)
        version = made.register("1")
        at.run("sam", "promote", FIRST, "Production", "-m", "it is the best")
        made.clock.sleep(60)
        deploy(made, version)
        told(made)
        said = " ".join(at.run("sam", "history", "demo/models/iris").out.split())
    made.rows.close()

    assert "TransitionRefused None → Production is not allowed: it is the best" in said
    assert "Violated None: deployed to demo/scoring while at None" in said
    assert "(on_violation: notify)" in said


def test_what_is_only_observed_is_said_so_and_what_would_have_happened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the history and in the lists: a way without its outcome would look like a transition."""
    monkeypatch.setenv("COLUMNS", "300")
    made = world(Mode.OBSERVE)
    version = Version(IRIS, "1")
    made.registry.register(version, made.clock.now())
    follow(made.context, Signal(version))
    made.registry.set_tags(version, {"stage_request": "Production"})
    follow(made.context, Signal(version))
    with closing(made.rows), api_over(made) as api:
        at = Console(api, monkeypatch)
        said = at.run("sam", "history", "demo/models/iris").out
        listed = [at.run("sam", *words).out for words in (["ls"], ["show", FIRST])]

    assert "Observed first seen at None: would be taken over by `stageward import demo`" in said
    assert (
        "Observed None → Production: would be refused: None → Production is not allowed; allowed: "
        in said
    )
    assert all("only observed: no stage is granted" in one for one in listed)


def test_a_put_back_that_waits_says_why(it: World, at: Console) -> None:
    """The outbox of a version that somebody keeps changing."""
    version = it.register("1")
    for _ in range(4):
        it.registry.set_tags(version, {"stage": "Production"})
        follow(it.context, Signal(version))
    (waiting,) = at.run("eve", "outbox", "--json").json

    assert (
        f"reconcile {1}",
        "put back too often; the next time after a pause",
    ) == (
        f"{waiting['duty']} {waiting['target']}",
        waiting["error"],
    )
