"""The parts of the load tool: schedules, stencils, counts, promises, reports."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.instant import Zone
from atm_switch.domain.secret import Key
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.profile.load import load_profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.load import schedule
from terminal_emulator.load.callers import Card, callers_of, read_cards
from terminal_emulator.load.chart import chart
from terminal_emulator.load.report import Report, document_of, percentile_file, text_of
from terminal_emulator.load.stencil import Moment, Stencil
from terminal_emulator.load.tally import Tally, percentile
from terminal_emulator.load.threshold import Threshold
from terminal_emulator.terminal import Terminal

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
NOW = datetime(2026, 6, 30, 7, 25, 7, tzinfo=UTC)
PAN = "9990090000000012"
MAC_KEY = Key.from_hex("0123456789ABCDEFFEDCBA9876543210")


def sample_tally(latencies: list[float], codes: str = "00") -> Tally:
    """A run in which each answer took so long."""
    tally = Tally()
    for at, latency in enumerate(latencies):
        tally.take_due(float(at))
        tally.take_sent(float(at), float(at))
        tally.take_answer(codes, float(at), at + latency)
    tally.ended = float(len(latencies))
    return tally


def request_of(profile_name: str) -> IsoMessage:
    """An inquiry as a terminal makes it."""
    terminal = Terminal(load_profile(profile_name), BARE_KIT.station)
    return terminal.inquiry(PAN, InquiryData(Lookup.CARD, "ID"), NOW)


# ------------------------------------------------------------------ schedules


@given(st.floats(0.5, 2000), st.floats(0.1, 20))
def test_constant_rate_is_due_evenly(rate: float, seconds: float) -> None:
    """As many as the rate says, evenly spread, from the first moment on."""
    moments = list(schedule.constant(rate, seconds))

    assert abs(len(moments) - rate * seconds) <= 1
    assert all(one == number / rate for number, one in enumerate(moments))


@given(st.floats(1, 500), st.floats(1, 500), st.floats(0.5, 10))
def test_ramp_reaches_both_rates_and_never_goes_back(
    first: float, last: float, seconds: float
) -> None:
    """The moments never decrease, stay inside the time, and number the area under the line."""
    moments = list(schedule.ramp(first, last, seconds))

    assert abs(len(moments) - (first + last) / 2 * seconds) <= 1
    assert moments == sorted(moments)
    assert all(0 <= one <= seconds * 1.001 for one in moments)


def test_arrivals_by_chance_have_the_rate_on_average() -> None:
    """The same seed gives the same arrivals; over a long time they are as many as asked."""
    chances = [random.Random(7) for _ in range(2)]  # noqa: S311 - arrivals, not keys
    drawn = [list(schedule.poisson(100, 100, chance)) for chance in chances]

    assert drawn[0] == drawn[1]
    assert 9_500 < len(drawn[0]) < 10_500
    assert drawn[0] == sorted(drawn[0])


# ------------------------------------------------------------------- stencils


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("is_signed", [False, True])
@given(stan=st.integers(1, 999_999), second=st.integers(0, 10**9))
def test_stencil_writes_what_the_packager_writes(
    name: str,
    stan: int,
    second: int,
    is_signed: bool,  # noqa: FBT001 - a parameter
) -> None:
    """In every dialect, with and without a MAC, whatever the STAN and the moment."""
    packager = Packager(load_profile(name))
    keys = TerminalKeys(mac=(MAC_KEY,) if is_signed else ())
    request, moment = request_of(name), Moment.of(datetime.fromtimestamp(second, UTC), Zone.WIT)
    stencil = Stencil.of(request, packager, keys)

    written = stencil.payload(f"{stan:06d}", moment)

    fresh = {**moment.stamps, 11: f"{stan:06d}", 37: f"{moment.reference}{stan:06d}"}
    expected = IsoMessage("0200", {**request.elements, **fresh})
    assert keys.pack(expected, packager) == written


def test_stencil_that_writes_otherwise_is_found_out() -> None:
    """A hole in the wrong place is an error before the load, not after it."""
    packager = Packager(load_profile(NAMES[0]))
    stencil = Stencil.of(request_of(NAMES[0]), packager, TerminalKeys())
    stencil.check(packager, request_of(NAMES[0]))
    stencil.constants[0] = stencil.constants[0].replace(b"310000", b"310001")

    with pytest.raises(ValueError, match="does not write what the packager writes"):
        stencil.check(packager, request_of(NAMES[0]))


# -------------------------------------------------------------------- callers


def test_sample_cards_are_read_with_their_pins() -> None:
    """Of the sample's list the approved ones; of plain lines all; commas do as well."""
    sample = (
        "PAN               EXPIRY  PIN     DE39  SHOWS\n"
        "9990090000000012  2912    123456  00    the published simulation\n"
        "9990090000000061  2912    678901  62    a blocked card\n"
    )

    assert [(PAN, "123456")] == [(one.pan, one.pin) for one in read_cards(sample)]
    plain = read_cards(f"# cards\n{PAN} 1234\n9990090000000020,2912,234567\n9990090000000038\n")
    assert ["1234", "234567", ""] == [one.pin for one in plain]
    assert "9990" not in repr(plain)


def test_file_without_cards_is_refused() -> None:
    """It says what a line looks like."""
    with pytest.raises(ValueError, match="a line is PAN PIN"):
        read_cards("hello\n")


def test_terminals_are_numbered_and_cards_dealt_out() -> None:
    """Names differ, each terminal has a card, and all cards are used."""
    cards = [Card(f"99900900000000{one}") for one in ("12", "20", "38")]

    callers = callers_of([BARE_KIT], cards, 6, load_profile(NAMES[0]), NOW)

    assert [f"L{number:07d}" for number in range(1, 7)] == [one.name for one in callers]
    pans = {one.next_stencil().constants[0][20:38] for one in callers}
    assert {f"16{card.pan}".encode() for card in cards} == pans


def test_kit_with_its_own_keys_is_one_terminal() -> None:
    """Three such kits are three terminals under their own names, and no fourth."""
    kits = [replace(BARE_KIT.with_words(terminal=f"OWN0000{one}"), owns_keys=True) for one in "123"]
    profile, cards = load_profile(NAMES[0]), [Card(PAN)]

    callers = callers_of(kits, cards, 3, profile, NOW)

    assert ["OWN00001", "OWN00002", "OWN00003"] == [one.name for one in callers]
    with pytest.raises(ValueError, match="a kit with its own keys is one"):
        callers_of(kits, cards, 4, profile, NOW)


# --------------------------------------------------------------- percentiles


@given(st.lists(st.floats(0, 10), min_size=1, max_size=200), st.floats(0.01, 100))
def test_percentile_is_a_value_that_so_many_do_not_exceed(
    values: list[float], percent: float
) -> None:
    """Nearest rank: at least the share is not above it, and it is one of them."""
    ordered = sorted(values)

    found = percentile(ordered, percent)

    assert found in ordered
    assert sum(one <= found for one in ordered) >= percent / 100 * len(ordered) - 1e-6


# ----------------------------------------------------------------- thresholds


@pytest.mark.parametrize(
    ("text", "is_kept"),
    [
        ("p99<50ms", True), ("p50<=10ms", True), ("p99.9<15ms", False), ("max<1s", True),
        ("mean>5ms", True), ("errors<0.1%", True), ("rate>=0.9/s", True), ("rate>5/s", False),
        ("code:00>99%", True), ("code:91>0%", False), ("max < 15000us", False),
    ],
)  # fmt: skip
def test_threshold_is_judged_in_its_unit(text: str, is_kept: bool) -> None:  # noqa: FBT001 - a parameter
    """Of a run of ten answers from 10 to 19 ms."""
    tally = sample_tally([0.010 + at / 1000 for at in range(10)])
    expected = {"p50<=10ms": False, "mean>5ms": True}.get(text, is_kept)

    assert expected == Threshold.read(text).is_kept(tally, tally.ordered())


@pytest.mark.parametrize("text", ["p99", "p99<50", "errors<1ms", "rate>5%", "speed<1s", "p99<ms"])
def test_threshold_of_another_shape_is_refused(text: str) -> None:
    """It says how one is written."""
    with pytest.raises(ValueError, match="p99<50ms"):
        Threshold.read(text)


def test_run_without_answers_keeps_no_promise_of_time() -> None:
    """Nothing measured is not fast."""
    assert not Threshold.read("p99<50ms").is_kept(Tally(), [])
    assert not Threshold.read("max<1s").is_kept(Tally(), [])


# -------------------------------------------------------------------- reports


def test_report_says_what_was_kept_and_what_not() -> None:
    """Counts, percentiles, codes and each promise with what was measured."""
    promised = [Threshold.read("p99<1s"), Threshold.read("p99<1ms")]
    tally = sample_tally([0.005] * 20)
    tally.take_fault("unanswered", 2)

    report = Report.of(tally, "open loop", 3, 2, thresholds=promised, notes=["a note"])
    text = text_of(report)

    assert "3 terminals on 2 links" in text
    assert "p50 5.00 ms" in text
    assert "00 20" in text
    assert "wrong: unanswered 2" in text
    assert "kept   p99<1s (was 5.00 ms)" in text
    assert "BROKEN p99<1ms" in text
    assert [promised[1]] == report.broken
    assert [True, False] == [one["kept"] for one in document_of(report)["thresholds"]]


@given(st.lists(st.floats(0, 5), max_size=50))
def test_every_run_can_be_written_down(latencies: list[float]) -> None:
    """Text, JSON, percentiles and a chart that is XML, of any run; none shows a card."""
    report = Report.of(sample_tally(latencies), "a <run> & more", 1, 1)

    texts = [text_of(report), json.dumps(document_of(report)), percentile_file(report.ordered)]

    assert all(texts)
    assert ET.fromstring(chart(report)).tag.endswith("svg")  # noqa: S314 - our own
    assert f"Total count    = {len(latencies):>12}" in texts[2]


def test_percentile_file_rises_to_the_longest() -> None:
    """Values and shares never fall, and the last line of them is all requests."""
    rows = [
        line.split()
        for line in percentile_file(sorted(at / 1000 for at in range(1, 1001))).splitlines()
        if line[:1] != "#" and line.strip()
    ][1:]

    values, shares = ([float(row[at]) for row in rows] for at in (0, 1))
    assert values == sorted(values)
    assert shares == sorted(shares)
    assert (1000.0, 1.0, "1000", "inf") == (values[-1], shares[-1], rows[-1][2], rows[-1][3])


def test_answers_that_are_lost_make_no_percentile_better() -> None:
    """Ten requests given up after two seconds are the slowest of a hundred."""
    tally = Tally()
    for number in range(90):
        tally.take_answer("00", 0.0, 0.001 * (number + 1))
    for _ in range(10):
        tally.take_waited(0.0, 2.0)

    assert 0.050 == pytest.approx(percentile(tally.ordered(), 50))
    assert 2.0 == percentile(tally.ordered(), 99)
