"""The list of the whole estate as of a moment: a table, JSON, and CSV that spreadsheets may open."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from stage_functions.application.adoption import adopt
from stage_functions.cli.estate import COLUMNS, csv_of
from stage_functions.domain.configuration import Mode
from stage_functions.wire.as_of_api import Estate, Standing, Stood
from tests.api_server import api_over
from tests.builders import World, context_over
from tests.cli.console import Console
from tests.way_back_world import begun, end, whole_law

IRIS = "demo/models/iris"
DAY = 86_400


def produced(it: World, at: Console) -> str:
    """Bring a version to Production, two days after it was registered; return the approval."""
    it.register("1")
    at.run("sam", "promote", f"{IRIS}:1", "Staging")
    it.clock.sleep(2 * DAY)
    asked = at.run("sam", "promote", f"{IRIS}:1", "Production", "--json").json
    for person in ("bob", "eve"):
        at.run(person, "approve", asked["approval"], "--yes")
    return str(asked["approval"])


def read(text: str) -> list[dict[str, str]]:
    """Return the lines of a CSV."""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_csv_says_what_was_in_production_who_let_it_in_and_on_what_grounds(
    it: World, at: Console
) -> None:
    """As of now, and as of the end of a day before."""
    approval = produced(it, at)

    (line,) = read(at.run("bob", "ls", "--stage", "Production", "--csv").out)
    before = read(
        at.run("bob", "ls", "--stage", "Production", "--as-of", "2026-01-01", "--csv").out
    )
    (staged,) = read(at.run("bob", "ls", "--as-of", "2026-01-01", "--csv").out)

    assert (IRIS, "1", "Production") == (line["asset"], line["version"], line["stage"])
    assert "person:bob; person:eve" == line["approved_by"]
    assert f"approved by approval {approval}" == line["grounds"]
    assert line["lifecycle"].startswith("sha256:")
    assert line["since"].startswith("2026-01-03T")
    assert "mlflow:sam" in line["owner"] or "person:sam" == line["owner"]
    assert [] == before
    assert ("Staging", "2026-01-01T23:59:59.999999Z") == (staged["stage"], staged["as_of"])


def test_csv_has_its_header_where_nothing_stood(at: Console) -> None:
    """So that a program finds its columns, and the exit code is 0."""
    done = at.run("bob", "ls", "--as-of", "2020-01-01", "--csv")

    assert (0, ",".join(COLUMNS) + "\r\n") == (done.code, done.out)


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    """With an apostrophe before it; quotes and line ends are written as RFC 4180 says."""
    standing = Standing(
        '=HYPERLINK("http://x")',
        datetime(2026, 1, 1, tzinfo=UTC),
        1,
        "allowed",
        None,
        ("@bob",),
        None,
    )
    found = Estate(
        datetime(2026, 1, 2, tzinfo=UTC), (Stood("demo/models/iris", "-1\x1b[31m,\n2", standing),)
    )

    (line,) = read(csv_of(found))

    assert '\'=HYPERLINK("http://x")' == line["stage"]
    assert "'@bob" == line["approved_by"]
    assert "'-1 [31m,\n2" == line["version"]
    assert csv_of(found).startswith(",".join(COLUMNS) + "\r\n")


def test_a_table_and_json_say_the_same(it: World, at: Console) -> None:
    """With the moment that they are of."""
    approval = produced(it, at)

    table = at.run("bob", "ls", "--as-of", "2026-01-01")
    told = at.run("bob", "ls", "--stage", "Production", "--as-of", "2030-01-01", "--json").json

    assert "at 2026-01-01 23:59:59 UTC, the end of that day" in table.out
    assert f"{IRIS}:1" in table.out
    (stood,) = told["stood"]
    assert approval == stood["standing"]["approval"]
    assert told["time"].startswith("2026-01-03T")


def test_what_is_known_only_of_now_is_not_listed_as_of_a_moment(at: Console) -> None:
    """Nor in two forms at once."""
    for options in (
        ("--waiting", "--csv"),
        ("--violating", "--as-of", "2026-01-01"),
        ("--review-due", "--as-of", "2026-01-01"),
    ):
        done = at.run("bob", "ls", *options)
        assert 1 == done.code
        assert "--as-of and --csv go with no other list" in done.err
    assert 1 == at.run("bob", "ls", "--csv", "--json").code
    assert "is no time" in at.run("bob", "ls", "--as-of", "soon").err


def test_a_stage_that_no_lifecycle_has_is_told(at: Console) -> None:
    """Of now, and of then."""
    now = at.run("bob", "ls", "--stage", "Prod", "--csv")
    then = at.run("bob", "ls", "--stage", "Prod", "--as-of", "2020-01-01", "--csv")

    assert (1, 1) == (now.code, then.code)
    assert "no lifecycle has the stage 'Prod'" in now.err
    assert "no lifecycle has, or had, the stage 'Prod'" in then.err


def test_a_stage_of_a_former_lifecycle_is_asked_about_the_past(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Renamed twice since: what it was called first is known from the lifecycle's own history."""
    it = begun(whole_law())
    adopt(it.context)
    for names in (1, 2):
        law = whole_law(names)
        it = replace(
            it, context=context_over(it.rows, it.registry, it.clock, Mode.ENFORCE, governed_by=law)
        )
        adopt(it.context)
    with api_over(it) as running:
        at = Console(running, monkeypatch)
        first, second, slip, now = (
            at.run("bob", "ls", "--stage", stage, *as_of)
            for stage, as_of in (
                ("Production", ("--as-of", "2020-01-01")),
                ("Live", ("--as-of", "2020-01-01")),
                ("Productoin", ("--as-of", "2020-01-01")),
                ("Production", ()),
            )
        )
    end()

    assert (0, 0, 1, 1) == (first.code, second.code, slip.code, now.code)
    assert "had, the stage 'Productoin'" in slip.err
