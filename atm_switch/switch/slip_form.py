"""Screen and slip by forms: laid out once for many members, filled in for each.

Plan: a form is a whole text block, composed by ``slip.py`` with marks in the places of what is
the member's own.  Whatever is too long for its place makes the block too long; such a block is
composed line by line, and so are slips too narrow for the figures of a large account.
Limits: ``FORMS_KEPT`` forms; the one longest unused gives way.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from atm_switch.messages.text_block import TextBlock
from atm_switch.profile.model import SlipTexts
from atm_switch.switch.slip import (
    FIGURE_WIDTH,
    LABEL_WIDTH,
    Head,
    Own,
    Standing,
    screen_of,
    slip_of,
)

FORMS_KEPT = 1024
_FIELDS = Head._fields + Own._fields
_MARKS = dict(zip(_FIELDS, map(chr, range(0xE000, 0xE000 + len(_FIELDS))), strict=True))
"""For each field a character that no text has, in their order."""
_MARKED = re.compile(f"([{min(_MARKS.values())}-{max(_MARKS.values())}])\\1*")


class Form(NamedTuple):
    """A block's text cut in pieces, every second the place of a value, and its length."""

    pieces: list[str]
    length: int
    name_width: int
    """How wide the place of the name is."""

    def filled(self, values: tuple[str, ...]) -> str | None:
        """Fill in all values; ``None`` where one is longer or shorter than its place."""
        pieces = self.pieces.copy()
        pieces[1::2] = values
        text = "".join(pieces)
        return text if len(text) == self.length else None


def screen_text(own: Own, standing: Standing, words: SlipTexts, width: int) -> str:
    """Write the text of ``screen_of``."""
    form = _screen_form(words, width, standing)
    text = None
    if form is not None:
        kpj, name, *figures = own
        text = form.filled((kpj, name.ljust(form.name_width), *figures))
    return screen_of(own, standing, words, width).text() if text is None else text


def slip_text(head: Head, own: Own, standing: Standing, words: SlipTexts, width: int) -> str:
    """Write the text of ``slip_of``."""
    form = _slip_form(words, width, standing, len(head.stamp), len(head.pan_masked))
    text = None
    if form is not None:
        kpj, name, *figures = own
        text = form.filled((*head, kpj, name.ljust(form.name_width), *figures))
    return slip_of(head, own, standing, words, width).text() if text is None else text


def _name_width(width: int) -> int:
    return width - LABEL_WIDTH - len(": ")


@lru_cache(FORMS_KEPT)
def _screen_form(words: SlipTexts, width: int, standing: Standing) -> Form | None:
    short, long = [
        screen_of(_marked_own(width, length), standing, words, width)
        for length in (1, FIGURE_WIDTH)
    ]
    return _form_of(short, long, Own._fields)


@lru_cache(FORMS_KEPT)
def _slip_form(
    words: SlipTexts, width: int, standing: Standing, stamp: int, pan: int
) -> Form | None:
    head = Head(*map(_marked, Head._fields, (width, stamp, 8, 12, 6, pan)))
    short, long = [
        slip_of(head, _marked_own(width, length), standing, words, width)
        for length in (1, FIGURE_WIDTH)
    ]
    return _form_of(short, long, _FIELDS)


def _marked_own(width: int, figure: int) -> Own:
    lengths = (11, _name_width(width), figure, figure, figure, figure, figure)
    return Own(*map(_marked, Own._fields, lengths))


def _marked(name: str, length: int) -> str:
    return _MARKS[name] * length


def _form_of(short: TextBlock, long: TextBlock, names: tuple[str, ...]) -> Form | None:
    """Make the form of a block with the longest figures; ``None`` where they break its lines."""
    try:
        text = long.text()
    except ValueError:
        return None
    marks = [_MARKS[name] for name in names]
    if _around(short) != _around(long) or marks != _MARKED.findall(text):
        return None
    return Form(_MARKED.split(text), len(text), _name_width(long.width))


def _around(block: TextBlock) -> list[str]:
    """Return what lines say beside the marks."""
    return [_MARKED.sub("", line).rstrip() for line in block.lines]
