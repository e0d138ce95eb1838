"""Stale requests, end of day, and those who ask too often."""

import sys
from collections import deque
from dataclasses import replace
from datetime import time
from random import Random

import pytest

from atm_switch.domain.card import Expiry
from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.switch import frequency as frequencies
from atm_switch.switch.frequency import TIMES_MAX, WATCHED_MAX, Frequency
from atm_switch.switch.policy import TerminalPolicy
from tests.doubles.bench import BUDI, PAN, PIN, bank
from tests.doubles.inquiries import signed_on

LIMIT_MAX = 1_000_000
"""The highest the settings take."""


@pytest.mark.parametrize(
    ("stamp", "code"),
    [("0630071007", "00"), ("0630071006", "68"), ("0630074007", "00"), ("0630074008", "68")],
)
def test_stamp_may_be_quarter_hour_away(stamp: str, code: str) -> None:
    """
    DE7 up to fifteen minutes before or after now is in time, a second more is not.
    """
    bench = signed_on()

    assert code == bench.ask(bench.inquiry({7: stamp}))[39]


def test_golden_profile_has_no_window() -> None:
    """
    The profile of the golden vectors takes a DE7 of any day.
    """
    bench = signed_on(profile="bpjstk-jht-v1-golden")

    assert "00" == bench.ask(bench.inquiry({7: "0101000000"}))[39]


@pytest.mark.parametrize(
    ("begin", "end", "code"),
    [
        (time(14, 25), time(14, 26), "90"),
        (time(14, 25, 7), time(14, 26), "90"),
        (time(14, 0), time(14, 25, 7), "00"),
        (time(14, 25, 7), time(14), "90"),
        (time(15), time(14, 25, 7), "00"),
        (time(14, 0), time(14, 25), "00"),
        (time(14, 25, 8), time(15), "00"),
        (time(23), time(15), "90"),
        (time(15), time(14), "00"),
    ],
)
def test_end_of_day_refuses_while_it_runs(begin: time, end: time, code: str) -> None:
    """
    Between begin, inclusive, and end, exclusive, of WIB's clock it is 90, also over midnight.
    """
    bench = signed_on(banks=(bank(end_of_day=(begin, end)),))

    assert code == bench.ask(bench.inquiry())[39]


def test_terminal_that_asks_too_often_waits() -> None:
    """
    The third inquiry of a terminal within a minute is 65 where two are allowed, another
    terminal is not held back, and a minute later it may again.
    """
    bench = signed_on(inquiries_per_terminal_per_minute=2)

    codes = [bench.ask(bench.inquiry({11: f"00000{stan}"}))[39] for stan in range(3)]

    assert ["00", "00", "65"] == codes
    assert "00" == bench.ask(bench.inquiry({11: "000009", 41: "S1ABC124"}))[39]

    bench.pass_time(60)

    assert "00" == bench.ask(bench.inquiry({11: "000010"}))[39]


def test_refused_frequency_costs_no_pin_try() -> None:
    """
    A card over its hourly number is refused before its PIN: no try is used.
    """
    bench = signed_on(inquiries_per_card_per_hour=1)
    bench.ask(bench.inquiry())

    code = bench.ask(bench.inquiry({11: "000002", 52: "0123456789ABCDEF"}))[39]

    assert ("65", [0]) == (code, list(bench.memory.tries.values()))


def test_repeats_do_not_count_as_inquiries() -> None:
    """
    Sending one request again does not use up the card's hourly number.
    """
    bench = signed_on(inquiries_per_card_per_hour=2)
    for _ in range(5):
        bench.ask(bench.inquiry())

    assert "00" == bench.ask(bench.inquiry({11: "000002"}))[39]


def test_counters_forget_the_longest_silent() -> None:
    """
    However many subjects are watched, memory is bounded and the newest are remembered.
    """
    frequency = Frequency(1, 60.0)

    for subject in range(WATCHED_MAX + 10):
        assert frequency.admits(subject, 0.0)

    assert WATCHED_MAX == len(frequency._seen)
    assert not frequency.admits(WATCHED_MAX + 9, 1.0)
    assert frequency.admits(0, 1.0)


def test_counters_are_bounded_in_times_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However often few subjects ask, memory is bounded; who was silent longest begins anew.
    """
    monkeypatch.setattr(frequencies, "TIMES_MAX", 5)
    frequency = Frequency(3, 60.0)
    for subject in ("a", "b", "a", "b", "a"):
        assert frequency.admits(subject, 0.0)
    assert not frequency.admits("a", 1.0)

    assert frequency.admits("c", 1.0)

    assert [("a", 3), ("c", 1)] == [(name, len(one)) for name, one in frequency._seen.items()]
    assert 4 == frequency._kept
    assert not frequency.admits("a", 2.0)
    assert frequency.admits("b", 2.0)
    assert LIMIT_MAX <= TIMES_MAX


def test_time_takes_few_bytes_and_a_subject_not_many() -> None:
    """
    What is remembered of a hundred inquiries is hardly more than eight bytes of each.
    """
    frequency = Frequency(100, 60.0)
    for subject, count in (("often", 100), ("once", 1)):
        for _ in range(count):
            assert frequency.admits(subject, 1e9 + 1 / 3)

    often, once = frequency._seen.values()

    assert sys.getsizeof(once) <= 128
    assert sys.getsizeof(often) <= 128 + 100 * 9


@pytest.mark.parametrize("limit", [1, 2, 7])
def test_window_slides_as_a_list_of_all_would(limit: int) -> None:
    """
    Who is admitted is who has fewer than the limit admitted in the window: to the very instant,
    also where the clock stands, and where many come due at once.
    """
    chance, now = Random(limit), 0.0  # noqa: S311 - the same at every run
    frequency, told = Frequency(limit, 10.0), dict[int, deque[float]]()
    for _ in range(5_000):
        now += chance.choice((0.0, 0.5, 1.0, 3.0, 3.0, 9.5, 10.0, 25.0)) * (chance.random() < 0.4)
        subject = chance.randrange(4)
        times = told.setdefault(subject, deque())
        while times and times[0] <= now - 10.0:
            times.popleft()
        is_one_more = len(times) < limit
        if is_one_more:
            times.append(now)
        assert is_one_more == frequency.admits(subject, now)

    assert sum(map(len, frequency._seen.values())) == frequency._kept


@pytest.mark.parametrize(("yymm", "code"), [("2506", "00"), ("2505", "54"), ("2412", "54")])
def test_card_is_good_to_its_month_end(yymm: str, code: str) -> None:
    """
    A card is good in the month on it and expired in the next, by the registry or by DE14.
    """
    bench = signed_on()

    by_message = bench.ask(bench.inquiry({14: yymm}))[39]
    bench.link_card(PAN, BUDI, PIN, expiry=Expiry(yymm))
    by_registry = bench.ask(bench.inquiry({11: "000002"}))[39]

    assert code == by_message == by_registry


@pytest.mark.parametrize(
    ("zone", "stamp"),
    [(Zone.WIB, "14:25:07 WIB"), (Zone.WITA, "15:25:07 WITA"), (Zone.WIT, "16:25:07 WIT")],
)
def test_slip_shows_the_terminal_zone(zone: Zone, stamp: str) -> None:
    """
    A listed terminal's slip has its own zone, an unlisted one's the bank's.
    """
    listed = {TerminalId("S1ABC123"): TerminalPolicy(zone=zone)}
    for policy in (bank(terminals=listed, admits_any_terminal=False), bank(zone=zone)):
        bench = signed_on(banks=(policy,))

        assert stamp in bench.ask(bench.inquiry())[63]


def test_listed_terminals_shut_out_the_others() -> None:
    """
    Where terminals are listed, one that is not gets 58 and no look at its card.
    """
    policy = bank(
        admits_any_terminal=False,
        terminals={TerminalId("S1ABC123"): TerminalPolicy(zone=Zone.WIB)},
    )
    bench = signed_on(banks=(replace(policy),))

    assert "58" == bench.ask(bench.inquiry({41: "S1ABC999"}))[39]
    assert "00" == bench.ask(bench.inquiry())[39]
