"""Whatever is decided is decided under a lifecycle that the ledger knows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from msgspec.structs import replace

from stage_functions.application import keys
from stage_functions.application.adoption import adopt
from stage_functions.application.context import Context
from stage_functions.application.lifecycle_changes import MAX_CHANGES
from stage_functions.application.scan import Scanner
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Version
from stage_functions.domain.chain import verify
from stage_functions.domain.configuration import Mode
from stage_functions.domain.error import ConfigurationError
from stage_functions.domain.lifecycle import Lifecycle, Stage
from stage_functions.domain.record import Json, Record, RecordType
from stage_functions.domain.state import MISSING_TWICE_SECONDS
from tests.builders import IRIS, World, context_over, lifecycle, unguarded, world

DEFAULT = lifecycle()


@pytest.fixture
def it() -> Iterator[World]:
    """A world that has adopted the default lifecycle."""
    made = world()
    yield made
    made.rows.close()


def written(text: Mapping[str, Json], **stages: Stage | None) -> Lifecycle:
    """Return the default lifecycle with another text, and stages changed or (None) removed."""
    changed = {**DEFAULT.stages, **stages}
    left = {name: stage for name, stage in changed.items() if stage is not None}
    transitions = tuple(t for t in DEFAULT.transitions if {t.source, t.target} <= set(left))
    return replace(DEFAULT, stages=left, transitions=transitions, text={"name": "default", **text})


def under(it: World, *lifecycles: Lifecycle) -> Context:
    """Return an instance that was started with other lifecycles."""
    context = context_over(it.rows, it.registry, it.clock, Mode.ENFORCE)
    return replace(context, configuration=replace(context.configuration, lifecycles=lifecycles))


def records(it: World, name: str = "default") -> list[Record]:
    """Return the history of a lifecycle, which is whole."""
    found = it.context.ledger.records(keys.lifecycle_partition(name))
    assert verify(it.context.ledger.id, f"lifecycle:{name}", found) is None
    return found


def test_the_first_lifecycle_is_adopted_with_its_text(it: World) -> None:
    """In three years the digest of a decision still leads to what it stood for."""
    (record,) = records(it)
    document = record.content["lifecycle"]

    assert record.type is RecordType.LIFECYCLE_ADOPTED
    assert document == {"name": "default", "digest": DEFAULT.digest}
    assert json.loads(it.context.ledger.blob(DEFAULT.digest) or b"") == DEFAULT.text
    assert ("from" in record.content, record.content["changes"]) == (False, [])


def test_what_was_adopted_is_not_adopted_again(it: World) -> None:
    """However often it is started, and by whom."""
    adopt(it.context)
    adopt(under(it, DEFAULT))

    assert len(records(it)) == 1


def test_a_change_is_recorded_with_every_difference(it: World) -> None:
    """Added, removed and changed, each by its path."""
    before = written({"bind": ["a", "b"], "stages": {"X": {"exclusive": True}}, "old": 1})
    after = written({"bind": ["a", "c", "d"], "stages": {"X": {"exclusive": False}}, "new": "n"})
    adopt(under(it, before))
    adopt(under(it, after))

    *_, record = records(it)
    assert record.content["from"] == before.digest
    assert record.content["changes"] == [
        "~ bind[1]: b → c",
        "+ bind[2]: d",
        "+ new: n",
        "- old: 1",
        "~ stages.X.exclusive: True → False",
    ]


def test_a_lifecycle_that_comes_back_is_adopted_again(it: World) -> None:
    """The history says what was in force when."""
    adopt(under(it, written({"shape": "another"})))
    adopt(it.context)

    digests = [str(record.content["lifecycle"]) for record in records(it)]
    assert len(digests) == 3
    assert digests[0] == digests[2] != digests[1]


def test_a_rewritten_lifecycle_is_told_in_so_many_lines(it: World) -> None:
    """A record has its limits."""
    many = written({f"key{n}": n for n in range(MAX_CHANGES + 50)})
    adopt(under(it, many))

    *_, record = records(it)
    assert len(record.content["changes"]) == MAX_CHANGES  # type: ignore[arg-type]  # a list


def test_each_lifecycle_has_a_history_of_its_own(it: World) -> None:
    """Only what is new is adopted."""
    adopt(under(it, DEFAULT, unguarded()))

    assert (len(records(it)), len(records(it, "unguarded"))) == (1, 1)


def test_a_stage_is_not_removed_while_a_version_stands_there(it: World) -> None:
    """It is said which, and what to do; nothing is adopted, not even what would do."""
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    without = written({"shape": "without Staging"}, Staging=None)
    beside = replace(unguarded(), applies_to=("other/*/*",))

    with pytest.raises(ConfigurationError) as caught:
        adopt(under(it, beside, without))

    assert str(caught.value) == (
        "lifecycle default has no stage Staging, but demo/models/iris:1 stands there: "
        "move it first, or keep the stage"
    )
    assert (len(records(it)), records(it, "unguarded")) == (1, [])


def test_a_stage_where_nobody_stands_may_be_removed(it: World) -> None:
    """Versions that are gone do not mind."""
    gone = it.register("1")
    request_transition(it.context, it.command(gone, "Staging"))
    it.registry.remove(gone)
    scanner = Scanner(it.context)
    for _ in range(2):
        scanner.scan("demo")
        it.clock.sleep(MISSING_TWICE_SECONDS)
    adopt(under(it, written({"shape": "without Staging"}, Staging=None)))

    assert it.context.ledger.versions(IRIS)["1"].gone
    assert len(records(it)) == 2


def test_a_stage_is_not_made_exclusive_while_several_stand_there(it: World) -> None:
    """One may; with two, it is said which."""
    exclusive = Stage("Staging", exclusive=True, displaced_to="Archived")
    for number in ("1", "2"):
        request_transition(it.context, it.command(it.register(number), "Staging"))
    context = under(it, written({"shape": "one at Staging"}, Staging=exclusive))

    with pytest.raises(ConfigurationError) as caught:
        adopt(context)
    assert str(caught.value) == (
        "Staging is exclusive now, but versions 1, 2 of demo/models/iris stand there: "
        "move all but one first"
    )
    request_transition(it.context, it.command(Version(IRIS, "1"), "Archived"))
    adopt(context)
    assert len(records(it)) == 2


def test_a_registry_that_is_only_observed_holds_no_lifecycle_up() -> None:
    """Nothing was granted there."""
    observed = world(Mode.OBSERVE)
    observed.register("1", {"stage": "Staging"})
    adopt(under(observed, written({"shape": "without Staging"}, Staging=None)))

    assert len(records(observed)) == 2
    observed.rows.close()


def test_a_lifecycle_adopted_by_another_instance_meanwhile_is_not_adopted_twice(
    it: World,
) -> None:
    """Whoever loses the race finds it done."""
    changed = written({"shape": "another"})
    it.rows.meanwhile = lambda: adopt(under(it, changed))
    adopt(under(it, changed))

    assert len(records(it)) == 2


@pytest.mark.parametrize("applied", [True, False])
def test_a_lost_reply_is_asked_again_and_adopted_once(it: World, *, applied: bool) -> None:
    """Whether the batch was applied or not."""
    it.rows.losses = [applied]
    adopt(under(it, written({"shape": "another"})))

    assert len(records(it)) == 2
