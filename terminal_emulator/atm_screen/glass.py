"""How a face lies on the glass: title, hint, body in the middle, labels beside their keys.  Pure.

Plan: the glass is ``COLUMNS`` wide whatever the page; the body has the middle ``WIDTH`` of them,
which is a line of DE62, and the labels what is left at either edge, or half of the glass where
there is no body.  A label stands in the rows of its key, so the eye finds one from the other.
Limits: labels of two lines; what does not fit in those is cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rich.text import Text

from atm_switch.messages.text_block import wrap
from terminal_emulator.atm_screen.faces import Face, Key
from terminal_emulator.screen import WIDTH

COLUMNS = 62
SIDE_KEYS = 4
POINTERS = ("\N{BLACK LEFT-POINTING SMALL TRIANGLE}", "\N{BLACK RIGHT-POINTING SMALL TRIANGLE}")
BESIDE_BODY = (COLUMNS - WIDTH) // 2
BESIDE_NONE = COLUMNS // 2
TOP_ROWS = 2
"""The rows of title and hint, above the first key."""
TITLE_STYLE, ALARM_STYLE = "bold #0a2a66 on #8fb7ff", "bold #7a1020 on #ffb3b3"
"""In the colours of the glass, and of its border (atm.tcss)."""
HINT_STYLE, NOTE_STYLE, HEAD_STYLE = "italic", "#c3d4f5", "bold"


@dataclass(frozen=True, slots=True)
class Pane:
    """Where things are on a glass of some height."""

    rows: int
    key_rows: int
    """Rows from one side key to the next."""

    def label_row(self, slot: int, lines: int) -> int:
        """Return the row in which the label of a key begins: in the middle of its key's rows."""
        first = TOP_ROWS + slot % SIDE_KEYS * self.key_rows
        return first + (self.key_rows - lines) // 2


LOW, HIGH = Pane(13, 3), Pane(17, 4)
"""The glass of an ATM 22 rows high, and of one with room for larger keys."""


def drawn(face: Face, pane: Pane) -> Text:
    """Draw a face: ``pane.rows`` lines of ``COLUMNS`` columns."""
    rows = [Text(" " * COLUMNS) for _ in range(pane.rows)]
    for row, line in _body(face, pane):
        rows[row] = line
    for slot, key in face.keys.items():
        _put_label(rows, slot, key, pane, BESIDE_BODY if face.lines else BESIDE_NONE)
    if face.hint:
        rows[1] = Text(face.hint.center(COLUMNS), HINT_STYLE)
    if face.title:
        style = ALARM_STYLE if face.is_alarm else TITLE_STYLE
        rows[0] = Text(face.title.center(COLUMNS), style)
    return Text("\n").join(rows)


def _body(face: Face, pane: Pane) -> Iterator[tuple[int, Text]]:
    """Yield the rows of the body, each across the glass."""
    top = 1 if face.title else 0
    lines = face.lines[: pane.rows - top]
    first = top + (pane.rows - top - len(lines)) // 2
    margin = " " * BESIDE_BODY
    for at, line in enumerate(lines):
        style = HEAD_STYLE if face.is_block and at == 0 else ""
        shown = line[:WIDTH].ljust(WIDTH) if face.is_block else line[:WIDTH].center(WIDTH)
        yield first + at, Text.assemble(margin, (shown, style), margin)


def _put_label(rows: list[Text], slot: int, key: Key, pane: Pane, width: int) -> None:
    """Write a label over the edge of its rows."""
    is_left = slot < SIDE_KEYS
    lines = [*wrap(key.label, width - 2)[:2], *([key.note[: width - 2]] if key.note else [])][:2]
    first = pane.label_row(slot, len(lines))
    for at, line in enumerate(lines):
        style = NOTE_STYLE if key.note and at else HEAD_STYLE
        pointer = " " if at else POINTERS[not is_left]
        text = f"{pointer} {line}".ljust(width) if is_left else f"{line} {pointer}".rjust(width)
        row, label = rows[first + at], (text, style)
        parts = (label, row[width:]) if is_left else (row[: COLUMNS - width], label)
        rows[first + at] = Text.assemble(*parts)
