"""DE62 and DE63: lines of text behind a head of five characters, ``T WW NN``.

T is S for screen, R for receipt, E for an error text; WW the width, NN the number of
lines; then the lines, each space-padded to the width (domain.md 5.4).
"""

import re
from collections.abc import Sequence

from atm_switch.domain.value import value

HEAD_LENGTH = 5
BLOCK_MAX = 999


@value
class TextBlock:
    """Lines for a screen, a slip, or an error text."""

    kind: str
    width: int
    lines: tuple[str, ...]

    def text(self) -> str:
        """Write the block.  Raises ``ValueError`` for lines too wide or too many."""
        width, count = self.width, len(self.lines)
        body = f"%-{width}s" * count % self.lines
        # Padding never shortens a line, so one too wide makes the whole too long.
        if len(body) != width * count or not 1 <= width <= 99 or count > 99:
            message = "the lines do not fit the block"
            raise ValueError(message)
        block = f"{self.kind}{width:02d}{count:02d}{body}"
        if len(block) > BLOCK_MAX:
            message = f"a text block has at most {BLOCK_MAX} characters"
            raise ValueError(message)
        return block


def lines_max(width: int) -> int:
    """Count the lines of ``width`` that fit one block."""
    return min(99, (BLOCK_MAX - HEAD_LENGTH) // width)


def read_text_block(text: str) -> TextBlock:
    """Read a block; the lines keep their padding.  Raises ``ValueError``."""
    head = re.match(r"([SRE])([0-9]{2})([0-9]{2})", text, re.ASCII)
    if head is None:
        message = "the text block has no head"
        raise ValueError(message)
    width, count = int(head[2]), int(head[3])
    body = text[HEAD_LENGTH:]
    if len(body) != width * count or width == 0:
        message = f"the text block says {count} lines of {width}, but has {len(body)} characters"
        raise ValueError(message)
    return TextBlock(head[1], width, _lines(body, width))


def _lines(body: str, width: int) -> tuple[str, ...]:
    return tuple(body[at : at + width] for at in range(0, len(body), width))


def wrap(text: str, width: int) -> Sequence[str]:
    """Break ``text`` into lines of at most ``width``: between words, or within a long one."""
    words = text.split()
    whole = " ".join(words)
    if len(whole) <= width:
        return [whole] if words else []
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= width:
            lines[-1] = f"{lines[-1]} {word}"
        else:
            lines += [word[at : at + width] for at in range(0, len(word), width)]
    return lines
