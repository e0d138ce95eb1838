"""Claims about the log's stream: it never blocks, never fails, and says what it lost."""

import io
import json
import os
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.server.background_stream import BackgroundStream
from atm_switch.server.log import LINE_MAX, make_logger


class DeafReader(io.StringIO):
    """A stream whose reader is gone, for a while."""

    def __init__(self) -> None:
        """Begin deaf."""
        super().__init__()
        self.is_deaf = True

    def write(self, text: str) -> int:
        """Fail as a broken pipe or a full disk does."""
        if self.is_deaf:
            raise BrokenPipeError
        return super().write(text)


def test_lines_come_out_in_order() -> None:
    """All of them, after close."""
    target = io.StringIO()
    stream = BackgroundStream(target, str)

    for at in range(1000):
        stream.write(f"{at}\n")
    stream.close()

    assert [str(at) for at in range(1000)] == target.getvalue().splitlines()


def test_reader_that_went_away_costs_lines_only() -> None:
    """Nothing is raised; the count of lost lines is the next line that gets through."""
    target = DeafReader()
    stream = BackgroundStream(target, str)
    for _ in range(5):
        stream.write("lost\n")
    while stream.waiting or stream.lost < 5:
        threading.Event().wait(0.001)

    target.is_deaf = False
    stream.write("heard\n")
    stream.close()

    assert '{"event": "log lines lost", "count": 5}\nheard\n' == target.getvalue()


def test_pipe_nobody_reads_does_not_hold_the_writer() -> None:
    """Ten times more than a pipe takes is written at once; what does not fit is counted."""
    reader, writer = os.pipe()
    with os.fdopen(reader, "rb") as read, os.fdopen(writer, "w") as pipe:
        stream = BackgroundStream(pipe, str, lines_max=100)
        for _ in range(10_000):
            stream.write("x" * 100 + "\n")
        os.set_blocking(reader, False)
        said = b""
        while stream.waiting:
            said += read.read() or b""
            threading.Event().wait(0.001)
        stream.close()
        stream._thread.join(30)  # a machine that stands still: it has a second to close
        pipe.flush()
        said += read.read() or b""

    lines = said.decode().splitlines()
    noted = [json.loads(line)["count"] for line in lines if line.startswith("{")]
    came = lines.count("x" * 100)
    assert came < 1_000
    assert 10_000 == came + sum(noted) + stream.lost


def test_logger_on_a_stream_of_its_own_is_direct() -> None:
    """Tests and commands that hand a stream in read it at once, values cut to a length."""
    target = io.StringIO()

    make_logger("json", "info", target).info("event", long="y" * 600)

    assert "y" * 512 + "..." in target.getvalue()


@given(
    st.dictionaries(
        st.text(max_size=8),
        st.text(max_size=3_000)
        | st.lists(st.text(max_size=900), max_size=40)
        | st.dictionaries(st.text(max_size=900), st.integers(), max_size=40)
        | st.integers(),
        max_size=60,
    )
)
def test_no_line_of_the_log_is_long(fields: dict[str, Any]) -> None:
    """
    Whatever is logged, texts, lists and tables of any size: one line within ``LINE_MAX``.
    """
    target = io.StringIO()

    make_logger("json", "info", target)._put((0.0, "info", "event", fields))

    assert 1 == target.getvalue().count("\n")
    assert LINE_MAX >= len(target.getvalue().encode())


def test_long_list_says_how_much_was_left_out() -> None:
    """A certificate of a thousand names shows the first and the number of the others."""
    target = io.StringIO()

    make_logger("json", "info", target).info("link opened", certificate=["a" * 100] * 1_000)

    assert ["a" * 100] * 5 + ["... 995 more"] == json.loads(target.getvalue())["certificate"]


@given(st.dictionaries(st.text("abcxyz", max_size=4), st.text(max_size=600), max_size=4))
def test_no_value_is_longer_than_its_length(fields: dict[str, str]) -> None:
    """A line as a whole may be short or long: each value has its own end, and others are whole."""
    target = io.StringIO()

    make_logger("json", "info", target)._put((0.0, "info", "event", fields))

    told = json.loads(target.getvalue())
    cut = {name: said if len(said) <= 512 else said[:512] + "..." for name, said in fields.items()}
    assert cut == {name: told[name] for name in fields}


@pytest.mark.parametrize(
    ("moment", "said"),
    [(1_751_268_307.25, "07:25:07.250000"), (1_751_268_307.0, "07:25:07.000000"),
     (1_751_268_308.000001, "07:25:08.000001")],
)  # fmt: skip
def test_line_says_when_to_the_microsecond(moment: float, said: str) -> None:
    """Six decimals in every line, in UTC, whichever second the line before was of."""
    target = io.StringIO()
    put = make_logger("json", "info", target)._put

    put((1_751_268_000.5, "info", "before", {}))
    put((moment, "info", "event", {}))

    assert f"2025-06-30T{said}Z" == json.loads(target.getvalue().splitlines()[1])["timestamp"]
