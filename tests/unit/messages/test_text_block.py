"""Claims about DE62 and DE63 text blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.messages.text_block import TextBlock, lines_max, read_text_block, wrap

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


@pytest.mark.parametrize(
    "text", ["", "S4", "X4001" + " " * 40, "S4002" + " " * 40, "S40011", "S-401" + " " * 40]
)
def test_block_that_lies_about_itself_is_refused(text: str) -> None:
    """No head, another kind, more lines than there are."""
    with pytest.raises(ValueError, match="text block"):
        read_text_block(text)


def test_block_too_wide_or_too_long_is_our_mistake() -> None:
    """A line wider than the block, and a block longer than LLLVAR allows."""
    with pytest.raises(ValueError, match="do not fit"):
        TextBlock("R", 5, ("123456",)).text()
    with pytest.raises(ValueError, match="999"):
        TextBlock("R", 40, ("x",) * 25).text()


@given(words, st.integers(3, 41))
def test_wrapping_loses_no_letter(text: str, width: int) -> None:
    """Every letter is there, in order, in lines that fit."""
    lines = wrap(text, width)

    assert "".join(text.split()) == "".join("".join(lines).split())
    assert all(len(line) <= width for line in lines)
