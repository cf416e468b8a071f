"""The pages of an asset and of a version."""

from __future__ import annotations

import re
from contextlib import closing
from urllib.parse import unquote

import httpx
import pytest
from msgspec.structs import replace

from stage_functions.application import query
from stage_functions.application.brief_facts import TITLES
from stage_functions.application.guards import follow_endpoint
from stage_functions.application.signal import EndpointSignal, Signal
from stage_functions.application.signals import follow
from stage_functions.application.transition import request_transition
from stage_functions.domain.asset import Asset, Version
from stage_functions.domain.configuration import Configuration, Mode
from stage_functions.domain.evidence import SECTIONS, Evidence
from stage_functions.domain.lifecycle import OnViolation
from stage_functions.web.pages.addresses import url_for_asset, url_for_version
from tests.api_server import Api, api_over
from tests.application.guard_world import deploy, guarding
from tests.application.mirror_world import configured, move
from tests.browser.story import LONG, ODD, Story
from tests.builders import IRIS, World, unguarded, world
from tests.cli.console import Console
from tests.web.pages.conftest import Get, looked_at
from tests.web.pages.parsed import Parsed

ASSET = "/assets/demo/models/iris"
FIRST = f"{ASSET}/versions/1"


def test_an_asset_shows_its_versions_with_stage_author_approval_and_status(get_told: Get) -> None:
    """The newest first, people by name with their id."""
    page = get_told(ASSET)

    assert "5 versions, the newest first" in page.text
    assert "Sam (person:sam)" in page.text
    assert "Valid until" in page.text
    assert "displaced by version 3: Production → Archived" in page.text
    assert "pending approval" in page.text


def test_a_version_that_has_an_alias_by_grant_is_shown_with_it() -> None:
    """As models are named in MLflow; nobody else is, whatever MLflow shows."""
    it = configured(world(governed_by=unguarded()), aliases={"champion": "Production"})
    for version in (it.register("1"), it.register("2")):
        move(it, version, "Staging", "Production")
    it.registry.set_alias(IRIS, "champion", "1")
    with closing(it.rows), api_over(it) as api:
        page = looked_at(api, ASSET, "bob", 200)

    assert "Production @champion" in page.text
    assert 1 == page.text.count("@champion")


def test_an_asset_shows_who_held_what_and_when_as_picture_and_table(get_told: Get) -> None:
    """With the grounds, and how it ended."""
    page = get_told(ASSET)

    assert "Production: version 2" in page.text
    assert "2026-02-07 00:00 UTC 2026-03-03 00:00 UTC" in page.text
    assert "; displaced by 3" in page.text
    bars = [one for one in page.all("rect") if one["class"].startswith("bar")]
    assert len(bars) == 3
    assert [one["class"] for one in bars].count("bar now") == 1


def test_what_was_held_for_less_than_a_minute_is_told_to_the_second() -> None:
    """From and until would be one text otherwise."""
    it = world(governed_by=unguarded())
    for version in (it.register("1"), it.register("2")):
        request_transition(it.context, it.command(version, "Staging"))
        it.clock.sleep(7)
        request_transition(it.context, it.command(version, "Production"))
    with closing(it.rows), api_over(it) as api:
        page = looked_at(api, ASSET, "bob", 200)

    (times,) = re.findall(r"Production 1 (\S+ \S+) UTC (\S+ \S+) UTC", page.text)
    assert [8, 8] == [len(one.partition(" ")[2]) for one in times]
    assert times[0] != times[1]
    assert re.search(r"Production 2 \S+ \d\d:\d\d UTC now", page.text)


def test_the_timeline_says_who_did_what_why_and_under_which_lifecycle(
    told: Story, get_told: Get
) -> None:
    """Newest first; verdicts folded in."""
    page = get_told(ASSET)
    digest = told.it.context.configuration.lifecycles[0].digest

    newest = page.text.index("asked for Staging → Production")
    assert newest < page.text.index("request rejected") < page.text.index("registered at None")
    assert "Bob (person:bob) over the API" in page.text
    assert "rejected by Bob (person:bob)" in page.text
    assert "drift on the holdout set" in page.quotes
    assert f"lifecycle default {digest[7:19]}" in page.text
    assert "Asked for by Sam (person:sam)" in page.text
    assert "failed accurate evidence.metrics.accuracy = 0.7" in page.text
    assert "Stageward itself" in page.text
    assert page.all("details")


def test_a_long_timeline_is_paged(it: World, get: Get) -> None:
    """Every record comes once."""
    version = it.register("1")
    for _ in range(70):
        request_transition(it.context, it.command(version, "Production"))
    page = get(ASSET)
    older = get(page.links["Older records"].partition("#")[0])

    def shown(of: Parsed) -> list[str]:
        return [one["id"] for one in of.all("li") if "id" in one]

    assert shown(page) + shown(older) == [f"record-{n}" for n in range(71, 0, -1)]
    assert "Newest records" in older.links
    assert "Older records" not in older.links


def test_many_versions_are_paged_by_number(it: World, get: Get) -> None:
    """Ten comes before nine."""
    for number in range(1, 61):
        it.register(str(number))
    page = get(ASSET)
    older = get(page.links["Older versions"])

    numbers = [text for text in page.links if text.isdecimal()]
    assert numbers[:3] == ["60", "59", "58"]
    assert "9" in older.links
    assert "Older versions" not in older.links
    assert "Newest versions" in older.links


def test_a_very_long_history_is_read_from_its_end_and_says_so() -> None:
    """Who holds the stage since before is still named."""
    it = world(governed_by=unguarded())
    version = it.register("1")
    request_transition(it.context, it.command(version, "Staging"))
    request_transition(it.context, it.command(version, "Production"))
    other = it.register("2")
    for _ in range(510):
        request_transition(it.context, it.command(other, "Production"))
    with api_over(it) as api:
        page = looked_at(api, ASSET, "bob", 200)
        first = looked_at(api, FIRST, "bob", 200)
    it.rows.close()

    assert "Read from the newest 500 records, number 15 and later" in page.text
    assert "Production 1 earlier now" in page.text
    assert "Staging → Production" in first.text


def test_a_version_shows_its_evidence_and_what_is_not_recorded(get_told: Get) -> None:
    """Every section, each said to be empty where it is."""
    page = get_told(f"{ASSET}/versions/4")

    for section in SECTIONS:
        assert TITLES[section] in page.text
    assert "Explanations not recorded" in page.text
    assert "iris-holdout" in page.text
    assert "{" not in page.text
    assert "accuracy 0.95" in page.text
    assert "12 values" in page.text
    assert "team flowers" in page.text
    assert "As registry demo has it now" in page.text


def test_a_version_shows_its_lineage_as_picture_and_list(get_told: Get) -> None:
    """Job, data, code, environment and author lead to it, and it to its stage."""
    page = get_told(f"{ASSET}/versions/3")

    titles = page.text
    for origin in (
        "Job",
        "iris-holdout",
        "4f2a9c01d7",
        "Base model not recorded",
        "python 3.12.4",
        "mlflow 3.10.0",
    ):
        assert origin in titles
    assert "Stands at Production" in page.text
    assert len([one for one in page.all("rect") if "stage" in one["class"]]) == 1


def test_a_version_shows_its_own_records_alone(get_told: Get) -> None:
    """And links to the others."""
    page = get_told(FIRST)

    assert "Production → Archived, displaced by version 2" in page.text
    assert "drift on the holdout set" not in page.text


def test_what_has_been_asked_for_is_said_so_where_stages_are_listed(
    told: Story, get_told: Get
) -> None:
    """With a link to its approval; a version that waits for nothing says nothing."""
    page = get_told(f"{ASSET}/versions/4")

    assert f"asked for already approval {told.pending}" in page.text
    assert f"/approvals/{told.pending}" == page.links[f"approval {told.pending}"]
    assert "asked for already" not in get_told(f"{ASSET}/versions/5").text


def test_a_registry_that_cannot_be_read_is_said_once(get: Get, it: World) -> None:
    """What the last scan found is not said beside what has just been found."""
    it.register("1")
    it.registry.away = True
    it.context.states.update("demo", lambda state: replace(state, unreadable="it is away"))
    page = get(FIRST)

    assert "Registry demo cannot be read now: the registry is away" in page.text
    assert "could not be read at the last scan" not in page.text
    assert "could not be read at the last scan" in get(ASSET).text


def test_the_page_stands_while_the_registry_is_away(get: Get, it: World) -> None:
    """With what the ledger has: its records, and the evidence it was last judged on."""
    version = it.register("1")
    it.registry.evidences[version] = Evidence({"metrics": {"accuracy": 0.75, "n": 2**60}})
    request_transition(it.context, it.command(version, "Staging"))
    it.registry.away = True
    page = get(FIRST)

    assert "Registry demo cannot be read now: the registry is away" in page.text
    assert "the evidence is that of record 2" in page.text
    assert "accuracy 0.75" in page.text
    assert "granted: None → Staging" in page.text
    assert get(ASSET).text


def test_a_version_that_is_gone_keeps_its_page(get_told: Get) -> None:
    """The ledger remembers it."""
    page = get_told("/assets/demo/models/churn-classifier/versions/3")

    assert "deleted last at None" in page.text
    assert "has no such version any more" in page.text
    assert "Nothing: it is deleted" in page.text


def test_an_author_whose_name_was_forgotten_is_said_so(told: Story, get_told: Get) -> None:
    """The masked id stands beside; a name that is still kept is shown."""
    page = get_told("/assets/demo/models/churn-classifier")
    masked = told.it.context.identify("upn:someone@example.org")
    never = told.it.context.ledger.mask("upn:other@example.org")

    assert f"someone@example.org ({masked})" in page.text
    assert never not in page.text


def test_a_name_that_was_not_kept_is_said_so(it: World, get: Get) -> None:
    """And nothing is made up."""
    version = Version(IRIS, "1")
    masked = it.context.ledger.mask("upn:gone@example.org")
    it.registry.register(version, it.clock.now(), author=masked)
    it.tag(version, "team", "x")

    assert f"somebody whose name was not kept ({masked})" in get(FIRST).text


def test_an_id_that_nobody_is_mapped_to_stands_for_itself(it: World, get: Get) -> None:
    """There is no name to show."""
    version = Version(IRIS, "1")
    it.registry.register(version, it.clock.now(), author="github:somebody")
    it.tag(version, "team", "x")

    assert "Author github:somebody" in get(FIRST).text


@pytest.mark.parametrize("named", [ODD, LONG])
def test_names_with_odd_characters_have_pages(get_told: Get, named: Asset) -> None:
    """Percent-encoded once."""
    page = get_told(url_for_version(named, "1"))

    assert unquote(url_for_asset(named)) == f"/assets/{named}"
    assert page.links[named.name] == url_for_asset(named)


def test_what_may_be_asked_for_is_asked_for_by_a_form(it: World, api: Api, get: Get) -> None:
    """What is granted at once leads back to the version; what waits, to its approval."""
    it.register("1")
    with httpx.Client(base_url=api.address, headers={"Authorization": "Bearer sam"}) as sam:
        fields = get(FIRST, "sam").all("input")
        hidden = {one["name"]: one["value"] for one in fields if one["type"] == "hidden"}
        new = {name: value for name, value in hidden.items() if name != "operation"}
        form = {**hidden, "to": "Staging", "reason": "smoke tests"}
        granted = sam.post(f"{FIRST}/requests", data=form)
        again = sam.post(f"{FIRST}/requests", data=form)
        wish = {**new, "to": "Production", "reason": "AUC 0.94"}
        waits = sam.post(f"{FIRST}/requests", data=wish)
        refused = sam.post(f"{FIRST}/requests", data={**new, "to": "None", "reason": ""})
        bad = sam.post(f"{FIRST}/requests", content=b"%%%&&&=;")

    assert (granted.status_code, granted.headers["Location"]) == (303, FIRST)
    assert (again.status_code, again.headers["Location"]) == (303, FIRST)
    assert waits.status_code == 303
    assert waits.headers["Location"].startswith("/approvals/")
    assert refused.status_code == 409
    assert "Staging → None is not allowed" in refused.text
    assert bad.status_code == 422
    assert "smoke tests" in get(FIRST).text
    assert it.context.ledger.load(IRIS, ["1"]).versions["1"].stage == "Staging"


def test_nothing_is_asked_for_where_a_registry_is_only_observed(it: World, get: Get) -> None:
    """The page says why instead of offering a form."""
    it.register("1")
    it.context.states.update("demo", lambda state: replace(state, stopped="it is another's"))
    page = get(FIRST)

    assert "Nothing can be asked for now" in page.text
    assert not [one for one in page.all("form") if one["action"].endswith("/requests")]


def test_an_asset_that_no_lifecycle_governs_any_more_keeps_its_page(it: World) -> None:
    """Its history is what auditors come for."""
    it.register("1")
    configuration: Configuration = replace(it.context.configuration, lifecycles=())
    bare = replace(it, context=replace(it.context, configuration=configuration))
    with api_over(bare) as api:
        text = looked_at(api, ASSET, "bob", 200).text
        looked_at(api, FIRST, "bob", 200)
        looked_at(api, "/", "bob", 200)
        lifecycles = looked_at(api, "/lifecycles", "bob", 200).text

    assert "No lifecycle governs this asset any more" in text
    assert "registered at None" in text
    assert "No lifecycle is configured" in lifecycles


def test_the_timeline_of_what_is_only_observed_says_that_nothing_moved() -> None:
    """What would have come of a tag, and why: a way alone would look like a transition."""
    it = world(Mode.OBSERVE)
    version = Version(IRIS, "1")
    it.registry.register(version, it.clock.now())
    follow(it.context, Signal(version))
    it.registry.set_tags(version, {"stage_request": "Production"})
    follow(it.context, Signal(version))
    with closing(it.rows), api_over(it) as api:
        page = looked_at(api, FIRST, "bob", 200)

    assert "observed None → Production: would be refused" in page.text
    assert "None → Production is not allowed; allowed: " in page.text


def test_a_version_that_is_only_observed_has_a_page_too() -> None:
    """With what would have happened; of a data input that cannot be read, what there is."""
    it = world(Mode.OBSERVE)
    version = Version(IRIS, "1")
    it.registry.evidences[version] = Evidence({"data": {"name": "train", "datasets": "{"}})
    it.registry.register(version, it.clock.now(), author="github:somebody")
    follow(it.context, Signal(version))
    with api_over(it) as api:
        page = looked_at(api, FIRST, "bob", 200)
        asset = looked_at(api, ASSET, "bob", 200)
        it.registry.remove(version)
        gone = looked_at(api, FIRST, "bob", 200)
    it.rows.close()

    assert "Status only observed: no stage is granted, nothing is written" in page.text
    assert "only observed: no stage is granted, nothing is written" in asset.text
    assert "Data name train" in page.text
    assert "observed first seen at None" in page.text
    assert "would be taken over by stageward import demo" in page.text
    assert "nobody known" in page.text
    assert "by a tag" not in page.text
    assert "observed" in asset.text
    assert "Nothing was kept" in gone.text


def test_a_version_links_to_its_registry_and_hides_what_could_let_somebody_in(
    it: World, get: Get
) -> None:
    """Addresses are links; the signature of a shared one is not shown."""
    version = it.register("1")
    signed = "https://store.example.org/train?sv=1&sig=secret"
    code = {"repository": "https://git.example.org/iris"}
    it.registry.evidences[version] = Evidence({"data": {"source": signed}, "code": code})
    page = get(FIRST)

    assert page.links["its page in demo"].endswith("/1")
    assert page.links["https://git.example.org/iris"] == "https://git.example.org/iris"
    assert "secret" not in page.text
    assert all("secret" not in href for href in page.links.values())


def test_ids_in_the_words_of_a_status_stand_with_their_names(story: Story) -> None:
    """What looks like markup there is escaped; what a person wrote is quoted word for word."""
    story.decide(story.pending, "bob", "reject", "<i> of person:eve")
    version = query.approval(story.it.context, story.pending).approval.version
    with api_over(story.it) as api:
        page = looked_at(api, f"{ASSET}/versions/{version}", "bob", 200)

    assert "Staging → Production rejected by Bob (person:bob): <i> of Eve (person:eve)" in page.text
    assert "<i> of person:eve" in page.quotes


def test_what_was_served_though_its_stage_forbids_it_stands_in_the_timeline() -> None:
    """Of the asset and of the version: where, since when, and why it is a violation."""
    it = world(governed_by=guarding(OnViolation.ZERO_TRAFFIC))
    deploy(it, it.register("1"), name="<b>blue</b>")
    follow_endpoint(it.context, EndpointSignal("demo", "scoring"))
    with closing(it.rows), api_over(it) as api:
        pages = [
            looked_at(api, f"/assets/demo/models/iris{path}", "bob", 200).text
            for path in ("", "/versions/1")
        ]

    for text in pages:
        assert (
            "deployed to demo/scoring (<b>blue</b>) while at None: that deployment is to get no "
            "more requests" in text
        )
        assert "demo/scoring takes Production" in text


def test_whoever_trained_a_version_is_told_from_whoever_registered_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On its page, its asset's, its brief, over the API and on the command line, in their words."""
    it = world()
    with closing(it.rows), api_over(it) as api:
        version = Version(IRIS, "1")
        it.registry.evidences[version] = Evidence(
            {"job": {"id": "j1"}, "author": {"id": "mlflow:ada"}, "metrics": {"f1": 0.9333333333}}
        )
        it.registry.register(version, it.clock.now(), author="mlflow:eve")
        follow(it.context, Signal(version))
        request_transition(it.context, it.command(version, "Staging"))
        asked = request_transition(it.context, it.command(version, "Production")).approval

        pages = [looked_at(api, path, "bob", 200) for path in (FIRST, f"/approvals/{asked}")]
        versions = looked_at(api, ASSET, "bob", 200)
        console = Console(api, monkeypatch)
        shown = [console.run("bob", *one).out for one in (("show", f"{version}"),)]
        shown.append(console.run("bob", "approvals", asked).out)
        client = api.client("bob")
        found = client.get(f"/api/v1{FIRST}").json()
        approval = client.get(f"/api/v1/approvals/{asked}").json()
        listed = client.get("/api/v1/assets").json()["versions"][0]

    for page in pages:
        assert "Registered by Eve" in page.text
        assert "Trained by Ada" in page.text or "Trained by name Ada" in page.text
        assert "Author" not in page.text
        assert "0.933333 " in page.text
        assert "0.9333333333" not in page.text
    assert "registered by Eve (person:eve) trained by Ada (person:ada)" in versions.text
    for text in shown:
        assert [line.split() for line in text.splitlines() if " by " in f"{line} "][:2] == [
            ["registered", "by", "person:eve"],
            ["trained", "by", "person:ada"],
        ]
        assert not [line for line in text.splitlines() if line.startswith("author")]
    assert ("person:eve", "person:ada") == (found["author"], found["trainer"])
    assert ("person:eve", "person:ada") == (listed["author"], listed["trainer"])
    assert ("person:eve", ["person:ada"]) == (approval["author"], approval["trainers"])
