"""Claims about the picture of a run: round ticks, everything inside it, every second drawn."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terminal_emulator.load.chart import HEIGHT, WIDTH, Scale, chart
from terminal_emulator.load.report import Report
from terminal_emulator.load.tally import Tally

SVG = "{http://www.w3.org/2000/svg}"


def drawn(seconds: dict[int, float], what: str = "open loop") -> ET.Element:
    """The picture of a run in which a request a second took so many seconds."""
    tally = Tally()
    for number, took in seconds.items():
        tally.take_due(number)
        tally.take_sent(number, number)
        tally.take_answer("00", number + 0.5 - took, number + 0.5)
    return ET.fromstring(chart(Report.of(tally, what, 1, 1)))  # noqa: S314 - our own


def words(picture: ET.Element) -> list[str]:
    """Every text in it."""
    return [one.text or "" for one in picture.iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (2420.0, [0, 500, 1000, 1500, 2000, 2500]),
        (0.3, [0, 0.1, 0.2, 0.3]),
        (1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (5000.0, [0, 1000, 2000, 3000, 4000, 5000]),
    ],
)
def test_ticks_are_round_and_few(most: float, ticks: list[float]) -> None:
    """One, two or five of some power of ten, up to what is to be shown."""
    assert ticks == pytest.approx(Scale.of(most).ticks())


@given(st.floats(0, 1e9))
def test_scale_holds_what_it_was_made_for(most: float) -> None:
    """At least two ticks and at most six; nothing is above the top, nor much below it."""
    scale = Scale.of(most)

    assert 2 <= len(scale.ticks()) <= 6
    assert most <= scale.top * (1 + 1e-6)


def test_times_and_rates_are_named_in_words() -> None:
    """Milliseconds without an exponent, requests a second, each second, and the headline."""
    picture = drawn({0: 0.001, 1: 2.42}, what="a <run> & more")

    assert {"2,500 ms", "0 ms", "1/s", "0 s", "1 s", "a <run> & more"} <= set(words(picture))


def test_run_of_one_second_is_seen() -> None:
    """A line of one point would be nothing; it is a dot."""
    assert 3 == len(list(drawn({0: 0.1}).iter(f"{SVG}circle")))


@given(st.dictionaries(st.integers(0, 60), st.floats(0, 100), max_size=20))
def test_everything_is_inside_the_picture(seconds: dict[int, float]) -> None:
    """Bars and points of any run, seconds without an answer among them."""
    picture = drawn(seconds)

    for line in picture.iter(f"{SVG}polyline"):
        for point in (line.get("points") or "").split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    for bar in picture.iter(f"{SVG}rect"):
        assert 0 <= float(bar.get("height") or "nan") <= HEIGHT
        assert 0 <= float(bar.get("width") or "nan") <= WIDTH
