"""What is shown of a load while it runs, and the loop that keeps its time."""

import asyncio
import io
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from terminal_emulator.load.display import Glance, block_of, line_of, shown
from terminal_emulator.load.precise import precise_loop
from terminal_emulator.load.tally import Tally

CLOCK_TICK = 1e-6
"""An event loop rings what is due within its clock's resolution."""


class Screen(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def tally_of(rates: list[int], latency: float = 0.004) -> Tally:
    """A run with so many requests in each second, all approved after the same time."""
    tally = Tally()
    for second, rate in enumerate(rates):
        for number in range(rate):
            due = second + number / (rate * 2)
            tally.take_due(due)
            tally.take_sent(due, due)
            tally.take_answer("00", due, due + latency)
    return tally


def test_glance_counts_the_last_whole_second() -> None:
    """The second that is under way is not over: its count would look like a slump."""
    tally = tally_of([10, 30, 2])
    tally.take_due(2.6)
    tally.take_sent(2.6, 2.6)

    glance = Glance.at(tally)

    assert (30, 30, 1) == (glance.asked, glance.got, glance.under_way)
    assert [4.0] * 4 == [round(value, 3) for value in glance.percentiles]


def test_line_names_every_figure_once() -> None:
    """Rates, what is under way, four percentiles, codes and what went wrong."""
    tally = tally_of([4, 4])
    tally.take_fault("duplicate answer", 3)

    line = line_of(Glance.at(tally))

    assert "asked 4/s got 4/s" in line
    assert "p50 4.0 p95 4.0 p99 4.0 p99.9 4.0 ms" in line
    assert "00:8  duplicate answer: 3" in line
    assert "\n" not in line


@given(st.lists(st.integers(0, 3000), max_size=6), st.floats(0, 100))
def test_block_keeps_five_lines_of_eighty(rates: list[int], latency: float) -> None:
    """Whatever the rate and the times, the block stays where it is on a small terminal."""
    glance = Glance.at(tally_of(rates, latency))

    lines = block_of(glance, "open loop, 3,000/s for 6 s").plain.split("\n")

    assert 5 == len(lines)
    assert max(len(line) for line in lines) <= 80


def test_block_of_faults_is_coloured_and_named() -> None:
    """Green for 00, yellow for other codes, red for what is no answer."""
    tally = tally_of([2])
    tally.take_answer("91", 0.0, 0.1)
    tally.take_fault("unanswered")

    block = block_of(Glance.at(tally), "a run")

    assert isinstance(block, Text)
    assert {"green", "yellow", "red"} <= {str(span.style) for span in block.spans}
    assert "unanswered 1" in block.plain


def test_display_writes_lines_where_no_terminal_is() -> None:
    """A log gets a line a look, without any escape."""
    out = io.StringIO()

    with shown("a run", out) as display:
        display.show(tally_of([3, 3]))
        display.show(tally_of([3, 3, 3]))

    assert 2 == out.getvalue().count("\n")
    assert "\x1b" not in out.getvalue()


def test_display_cleans_up_after_itself_on_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    """The block is drawn in place, then taken away, and the cursor comes back."""
    monkeypatch.setenv("TERM", "xterm")
    out = Screen()

    with shown("a run", out) as display:
        display.show(tally_of([3, 3]))
        display.show(tally_of([3, 3, 3]))

    assert out.getvalue().count("asked") >= 2
    assert out.getvalue().endswith("\x1b[1A\x1b[2K")
    assert out.getvalue().rfind("\x1b[?25h") > out.getvalue().rfind("\x1b[?25l")


def test_precise_loop_never_rings_too_early() -> None:
    """Timers of any length come in order, none before it was due."""
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        rung = runner.run(_ring([0.0, 0.0002, 0.0011, 0.004, 0.06]))

    assert sorted(rung) == rung
    assert all(late >= 0 for _, late in rung)


async def _ring(delays: list[float]) -> list[tuple[float, float]]:
    loop, done = asyncio.get_running_loop(), asyncio.Event()
    rung: list[tuple[float, float]] = []

    def ring(due: float) -> None:
        rung.append((due, loop.time() + CLOCK_TICK - due))

    for delay in delays:
        due = loop.time() + delay
        loop.call_at(due, ring, due)
    loop.call_later(max(delays) + 0.01, done.set)
    await done.wait()
    return rung


def test_precise_loop_reads_while_it_waits() -> None:
    """What arrives ends the wait, however long the timer had still to run."""
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        assert b"here" == runner.run(_read_under_timer(0.04))
        assert b"here" == runner.run(_read_under_timer(60.0))


async def _read_under_timer(seconds: float) -> bytes:
    loop = asyncio.get_running_loop()
    near, far = socket.socketpair()
    near.settimeout(0)
    with near, far:
        timer = loop.call_later(seconds, far.close)
        loop.call_soon(far.sendall, b"here")
        try:
            return await loop.sock_recv(near, 16)
        finally:
            timer.cancel()


def test_requests_that_never_left_are_not_under_way() -> None:
    """A link that is lost costs requests that were due and not sent: nothing is below zero."""
    tally = Tally()
    for at in range(4):
        tally.take_sent(at, at)
    tally.take_answer("00", 0, 1)
    tally.take_fault("wrong answer")
    tally.take_waited(2, 9)
    tally.take_fault("unanswered")
    tally.take_fault("link lost", 538)

    assert 1 == Glance.at(tally).under_way
