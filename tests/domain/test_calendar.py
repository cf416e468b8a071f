"""Windows of time: on and off by the clock on the wall, whatever that clock does."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stage_functions.domain.calendar import Calendar, Standing, fault, standing

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
YEAR_END = Calendar("year-end", "Europe/Berlin", "2026-12-20T00:00", 14 * DAY, "FREQ=YEARLY")


def at(text: str) -> datetime:
    """Return a moment."""
    return datetime.fromisoformat(text)


def night(starts: str, lasts: timedelta, zone: str = "Europe/Berlin") -> Calendar:
    """Return a window of every night."""
    return Calendar("night", zone, f"2026-01-01T{starts}", lasts, "FREQ=DAILY")


def test_a_window_is_on_from_its_start_to_its_end() -> None:
    """Local midnight to local midnight, year after year; the end itself is no part of it."""
    begins, ends = at("2031-12-20T00:00+01:00"), at("2032-01-03T00:00+01:00")

    standings = [standing(YEAR_END, m) for m in (begins - MINUTE, begins, ends - MINUTE, ends)]

    assert [one.active for one in standings] == [False, True, True, False]
    assert standings[0] == Standing(
        active=False, next=begins.astimezone(UTC), status="off; next 2031-12-20 00:00 Europe/Berlin"
    )
    assert (standings[1].since, standings[1].until) == (begins, ends)
    assert standings[2].status == (
        "on since 2031-12-20 00:00 Europe/Berlin until 2032-01-03 00:00 Europe/Berlin"
    )


def test_before_its_first_start_a_calendar_is_off() -> None:
    """A recurrence has no past."""
    found = standing(YEAR_END, at("2025-12-24T12:00Z"))

    assert (found.active, found.next) == (False, at("2026-12-20T00:00+01:00"))


def test_a_window_that_does_not_recur_is_on_once() -> None:
    """Afterwards it is off for good."""
    once = Calendar("audit", "UTC", "2026-03-01T08:00", 10 * HOUR)

    assert standing(once, at("2026-03-01T17:59Z")).active
    assert standing(once, at("2026-03-01T18:00Z")) == Standing(active=False, status="off for good")


def test_windows_that_follow_each_other_are_told_as_one() -> None:
    """Nobody is told to come back at the end of Saturday."""
    days = Calendar("days", "UTC", "2026-01-03T00:00", DAY, "FREQ=WEEKLY;BYDAY=SA,SU")
    found = standing(days, at("2026-01-03T12:00Z"))

    assert found.until == at("2026-01-05T00:00Z")
    assert found.next == at("2026-01-10T00:00Z")


def test_a_day_of_the_week_within_a_year_recurs_as_people_say_it() -> None:
    """The fourth Thursday of November, each year on another day."""
    recurs = "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH"
    thanks = Calendar("thanks", "America/New_York", "2000-01-01T00:00", 4 * DAY, recurs)

    found = standing(thanks, at("2026-11-27T12:00-05:00"))

    assert (found.since, found.until) == (
        at("2026-11-26T00:00-05:00"),
        at("2026-11-30T00:00-05:00"),
    )
    assert found.next == at("2027-11-25T00:00-05:00")


def test_a_window_without_an_end_in_sight_says_so() -> None:
    """Every day for a day is always."""
    found = standing(night("00:00", DAY), at("2026-06-01T12:00Z"))

    assert (found.active, found.until, found.next) == (True, None, None)
    assert found.status.endswith("with no end in sight")


@pytest.mark.parametrize(
    ("calendar", "since", "until"),
    [
        (night("01:00", 4 * HOUR), "2026-03-29T01:00+01:00", "2026-03-29T05:00+02:00"),
        (night("01:00", 4 * HOUR), "2026-10-25T01:00+02:00", "2026-10-25T05:00+01:00"),
        (night("02:30", 2 * HOUR), "2026-03-29T03:00+02:00", "2026-03-29T04:30+02:00"),
        (night("02:30", 2 * HOUR), "2026-10-25T02:30+02:00", "2026-10-25T04:30+01:00"),
        (night("01:00", 90 * MINUTE), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        (night("01:00", 90 * MINUTE), "2026-10-25T01:00+02:00", "2026-10-25T02:30+01:00"),
        (
            night("00:30", 3 * HOUR, "Pacific/Apia"),
            "2026-01-01T00:30+13:00",
            "2026-01-01T03:30+13:00",
        ),
    ],
    ids=["over spring", "over autumn", "in a gap", "in a fold", "to a gap", "to a fold", "Apia"],
)
def test_a_window_follows_the_clock_on_the_wall(calendar: Calendar, since: str, until: str) -> None:
    """Hours that are left out or come twice in between change its length, not its times."""
    begins, ends = at(since), at(until)

    found = standing(calendar, begins)

    assert (found.active, found.since, found.until) == (True, begins, ends)
    assert not standing(calendar, ends).active
    assert not standing(calendar, begins - MINUTE).active


def test_a_window_inside_of_an_hour_that_is_left_out_does_not_take_place() -> None:
    """That night has no 02:10."""
    found = standing(night("02:10", 20 * MINUTE), at("2026-03-29T00:59Z"))

    assert found.next == at("2026-03-30T02:10+02:00")


FAULTS = {
    ("timezone", "Europe/Berln"): "no time zone is named 'Europe/Berln'; did you mean",
    ("timezone", "../../etc/passwd"): "no time zone is named '../../etc/passwd', such as",
    ("timezone", "Europe"): "no time zone is named 'Europe'",
    ("starts", "2026-02-30T00:00"): "'2026-02-30T00:00' is no day and time that there is",
    ("starts", "1900-01-01T00:00"): "it must be of a year from 1970 to 2200",
    ("recurs", "yearly"): "'yearly' is no part of a recurrence; write FREQ=YEARLY",
    ("recurs", "RRULE:FREQ=YEARLY"): "leave RRULE: out",
    ("recurs", "FREQ=SECONDLY"): "FREQ=SECONDLY is too fine: a window recurs DAILY, WEEKLY,",
    (
        "recurs",
        "FREQ=FORTNIGHTLY",
    ): "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY, not FORTNIGHTLY",
    ("recurs", "BYDAY=MO"): "FREQ is one of DAILY, WEEKLY, MONTHLY, YEARLY",
    ("recurs", "FREQ=YEARLY;FREQ=DAILY"): "FREQ is there twice",
    ("recurs", "DTSTART=20260101T000000;FREQ=YEARLY"): "DTSTART is not said here: it is `starts`",
    ("recurs", "FREQ=DAILY;BYHOUR=3"): "BYHOUR is not said here: the time of day is that of",
    ("recurs", "FREQ=DAILY;BYDAY=MO"): "BYDAY goes with FREQ=WEEKLY or MONTHLY or YEARLY, not",
    ("recurs", "FREQ=WEEKLY;BYDAY=1MO"): "a week has each day once: write BYDAY without numbers",
    ("recurs", "FREQ=WEEKLY;BYDAY=MON"): "BYDAY is days: MO, TU, WE,",
    ("recurs", "FREQ=YEARLY;BYMONTH=2;BYDAY=53MO"): "a month has each day five times at the most",
    ("recurs", "FREQ=YEARLY;BYMONTH=13"): "BYMONTH is months: 1 to 12, not '13'",
    ("recurs", "FREQ=YEARLY;EASTER=1"): "nothing is named EASTER; there are FREQ, INTERVAL,",
    ("recurs", "FREQ=YEARLY;COUNT=9999"): "COUNT is a number from 1 to 1000, not '9999'",
    ("recurs", "FREQ=YEARLY;INTERVAL=0"): "INTERVAL is a number from 1 to 100, not '0'",
    ("recurs", "FREQ=YEARLY;UNTIL=20300101T000000Z"): "leave the Z out",
    ("recurs", "FREQ=YEARLY;UNTIL=20301301"): "UNTIL is local time: 20271231",
    ("recurs", "FREQ=YEARLY;UNTIL=20250101"): "it ends before it first takes place",
    ("recurs", "FREQ=YEARLY;COUNT=2;UNTIL=20300101"): "COUNT and UNTIL exclude each other",
    ("recurs", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"): "it never takes place",
    ("recurs", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=3"): "it never takes place",
    ("recurs", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=8"): "it never takes place",
    ("recurs", "FREQ=WEEKLY;BYSETPOS=1"): "BYSETPOS goes with FREQ=MONTHLY or YEARLY, not",
    ("recurs", "FREQ=YEARLY;BYDAY=-MO"): "it is no recurrence: ",
    ("lasts", "FREQ=WEEKLY"): "it would be on for ever: it recurs within 7 days",
}


@pytest.mark.parametrize(("wrong", "words"), FAULTS.items(), ids=lambda one: str(one[1]))
def test_a_calendar_that_makes_no_sense_says_why(wrong: tuple[str, str], words: str) -> None:
    """Each fault names its key; what has no fault can always be asked about."""
    key, value = wrong
    given_keys = {"timezone": "Europe/Berlin", "starts": "2026-12-20T00:00", "recurs": ""}
    given_keys["recurs" if key == "lasts" else key] = value
    lasts = 14 * DAY if key == "lasts" else HOUR
    found = fault(
        Calendar("c", given_keys["timezone"], given_keys["starts"], lasts, given_keys["recurs"])
    )

    assert found[0] == key
    assert words in found[1]


@pytest.mark.parametrize(
    "recurs",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=-31",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=8",
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=YEARLY;BYDAY=53MO;BYMONTH=2",
        "FREQ=DAILY;INTERVAL=100",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO;COUNT=1000",
    ],
)
def test_what_is_asked_of_a_calendar_costs_little_whatever_is_written(recurs: str) -> None:
    """Nothing is searched for ever, neither when it is checked nor when it is asked about."""
    calendar = Calendar("c", "UTC", "1970-01-01T00:00", HOUR, recurs)
    began = time.process_time()
    if fault(calendar) == ("", ""):
        standing(calendar, at("2199-12-31T00:00Z"))

    assert time.process_time() - began < 1


ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC")
days = st.sampled_from(("MO", "TU", "WE", "TH", "FR", "SA", "SU"))


@st.composite
def recurrences(draw: st.DrawFn) -> str:
    """Return a recurrence of any frequency, with what goes with it."""
    frequency = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = [f"FREQ={frequency}"]
    extras = {
        "INTERVAL": st.integers(1, 5).map(str),
        "WKST": days,
        "COUNT": st.integers(1, 30).map(str),
    }
    if frequency != "DAILY":
        extras["BYDAY"] = st.lists(days, min_size=1, max_size=3, unique=True).map(",".join)
        extras["BYMONTH"] = st.integers(1, 12).map(str)
    if frequency in ("MONTHLY", "YEARLY"):
        extras["BYSETPOS"] = st.sampled_from(("1", "-1", "1,2"))
        extras["BYMONTHDAY"] = st.sampled_from(("1", "15", "29", "31", "-1", "-3"))
        extras["BYDAY"] |= st.sampled_from(("1MO", "-1FR", "2TU"))
    if frequency == "YEARLY":
        extras["BYWEEKNO"] = st.sampled_from(("1", "20", "52", "53", "-1"))
        extras["BYYEARDAY"] = st.sampled_from(("1", "100", "366", "-1"))
    keys = draw(st.lists(st.sampled_from(sorted(extras)), max_size=3, unique=True))
    return ";".join([*parts, *(f"{key}={draw(extras[key])}" for key in keys)])


def moments(wall: datetime, zone: ZoneInfo) -> list[datetime]:
    """Return every moment at which a clock shows a time or, if none, the one when it jumps it."""
    about = wall.replace(tzinfo=UTC) - 40 * HOUR
    shown = [about + minute * MINUTE for minute in range(80 * 60)]
    walls = [moment.astimezone(zone).replace(tzinfo=None) for moment in shown]
    exact = [moment for moment, shows in zip(shown, walls, strict=True) if shows == wall]
    return exact or [next(m for m, shows in zip(shown, walls, strict=True) if shows > wall)]


def by_force(calendar: Calendar, now: datetime) -> tuple[bool, datetime | None, datetime | None]:
    """Return whether a calendar is on, since when, and when it begins next: by trying it all."""
    zone = ZoneInfo(calendar.timezone)
    first = at(calendar.starts)
    wall = now.astimezone(zone).replace(tzinfo=None)
    rule = rrulestr(calendar.recurs, dtstart=first)
    starts = list(takewhile(lambda one: one <= wall + 800 * DAY, rule))
    near = [one for one in starts if one >= wall - calendar.lasts - 3 * DAY][:20]
    windows = [(moments(one, zone)[0], moments(one + calendar.lasts, zone)[-1]) for one in near]
    windows = [(begins, ends) for begins, ends in windows if begins < ends]
    on = [begins for begins, ends in windows if begins <= now < ends]
    later = [begins for begins, _ in windows if begins > now]
    return bool(on), on[0] if on else None, None if on else next(iter(later), None)


@settings(deadline=None, max_examples=40)
@given(
    zone=st.sampled_from(ZONES),
    starts=st.datetimes(at("2009-01-01"), at("2014-01-01")),
    hours=st.integers(1, 100),
    recurs=recurrences(),
    after=st.timedeltas(timedelta(days=-3), timedelta(days=1500)),
)
def test_a_calendar_stands_as_if_every_window_were_tried(
    zone: str, starts: datetime, hours: int, recurs: str, after: timedelta
) -> None:
    """The short way to the windows near a moment leaves none out and invents none."""
    calendar = Calendar("c", zone, f"{starts:%Y-%m-%dT%H:%M}", hours * HOUR, recurs)
    assume(fault(calendar) == ("", ""))
    now = starts.replace(tzinfo=UTC, second=0, microsecond=0) + timedelta(minutes=after // MINUTE)

    found = standing(calendar, now)
    active, since, following = by_force(calendar, now)

    assert (found.active, found.since) == (active, since)
    if following is not None:
        assert found.next == following
    if found.until is not None:
        assert not by_force(calendar, found.until)[0]
        assert by_force(calendar, found.until - MINUTE)[0]
