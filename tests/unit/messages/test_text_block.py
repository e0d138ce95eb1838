"""Text blocks of DE62 and DE63: a head that must be true, and lines that fit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.text_block import (
    BLOCK_MAX,
    TextBlock,
    lines_max,
    read_text_block,
    wrap,
)


def test_block_is_spelled_as_designed() -> None:
    """
    Kind, two digits of width, two of count, the lines padded with blanks.
    """
    block = TextBlock("E", 6, ("SALDO", "JHT"))

    assert "E0602SALDO JHT   " == block.text()
    assert TextBlock("E", 6, ("SALDO ", "JHT   ")) == read_text_block("E0602SALDO JHT   ")


def test_block_without_lines_is_a_head() -> None:
    """
    No line is a block too: width given, count zero.
    """
    assert "S4000" == TextBlock("S", 40, ()).text()
    assert () == read_text_block("S4000").lines


@pytest.mark.parametrize(
    "text",
    ["", "S", "S40", "S40010", "X0101A", "s0101A", "S01 1A", "S0101", "S0101AB", "S0102A", "S+1+1A",
     "S0003", "S0000"],
)  # fmt: skip
def test_block_whose_head_lies_is_refused(text: str) -> None:
    """
    An unknown kind, a head that is no number, too few or too many characters, no width.
    """
    with pytest.raises(ValueError, match="text block"):
        read_text_block(text)


@pytest.mark.parametrize(
    "block",
    [
        TextBlock("S", 4, ("SALDO",)),
        TextBlock("S", 0, ()),
        TextBlock("S", 100, ("SALDO",)),
        TextBlock("S", 1, ("A",) * 100),
    ],
)
def test_lines_that_do_not_fit_are_refused(block: TextBlock) -> None:
    """
    A line wider than the block, or more lines or columns than two digits count.
    """
    with pytest.raises(ValueError, match="do not fit"):
        block.text()


def test_block_longer_than_the_element_is_refused() -> None:
    """
    An LLLVAR has 999 characters; 24 lines of 41 are the last that fit.
    """
    assert 5 + 24 * 41 == len(TextBlock("R", 41, ("",) * 24).text())
    with pytest.raises(ValueError, match="at most 999"):
        TextBlock("R", 42, ("",) * 24).text()


@pytest.mark.parametrize("width", [1, 10, 32, 38, 40, 41, 99])
def test_count_of_lines_is_the_most(width: int) -> None:
    """
    So many lines fit and not one more.
    """
    most = lines_max(width)

    assert BLOCK_MAX >= len(TextBlock("R", width, ("",) * most).text())
    with pytest.raises(ValueError, match=r"at most|do not fit"):
        TextBlock("R", width, ("",) * (most + 1)).text()


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("", 10, []),
        ("   ", 10, []),
        ("SALDO JHT", 10, ["SALDO JHT"]),
        ("SALDO JHT", 9, ["SALDO JHT"]),
        ("SALDO JHT", 8, ["SALDO", "JHT"]),
        ("KETENAGAKERJAAN", 6, ["KETENA", "GAKERJ", "AAN"]),
        ("A KETENAGA B", 6, ["A", "KETENA", "GA B"]),
        ("two   blanks", 20, ["two blanks"]),
    ],
)
def test_text_is_broken_between_words(text: str, width: int, lines: list[str]) -> None:
    """
    Between words, and within a word only where it is longer than a line.
    """
    assert lines == list(wrap(text, width))


words = st.text("ABC abc.,-*", max_size=40)


@given(st.sampled_from("SRE"), st.integers(20, 41), st.data())
def test_block_is_read_as_written(kind: str, width: int, data: st.DataObject) -> None:
    """Kind, width and lines come back, padded to the width."""
    lines = data.draw(st.lists(st.text("AZ az09", max_size=width), max_size=lines_max(width)))
    block = TextBlock(kind, width, tuple(lines))

    again = read_text_block(block.text())

    assert (kind, width, [line.ljust(width) for line in lines]) == (
        again.kind,
        again.width,
        list(again.lines),
    )


@given(words, st.integers(3, 41))
def test_wrapping_loses_no_letter(text: str, width: int) -> None:
    """Every letter is there, in order, in lines that fit."""
    lines = wrap(text, width)

    assert "".join(text.split()) == "".join("".join(lines).split())
    assert all(len(line) <= width for line in lines)
