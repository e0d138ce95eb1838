"""What the customer sees: the screen in its box, the slip with a torn edge.  Pure.

Fits 80 columns; a look without Unicode draws with ASCII, a look without colour writes no
escape sequence (NO_COLOR).  What the host sent is class ``ans``, so it cannot hold one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atm_switch.messages.text_block import wrap
from terminal_emulator.answers import InquiryResult

WIDTH = 40
TORN = (
    "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER LEFT TO LOWER RIGHT}"
    "\N{BOX DRAWINGS LIGHT DIAGONAL UPPER RIGHT TO LOWER LEFT}"
)
BOLD, DIM, PLAIN = "\033[1m", "\033[2m", "\033[0m"


@dataclass(frozen=True, slots=True)
class Look:
    """What the reader's terminal can show."""

    unicode: bool = False
    colour: bool = False

    def painted(self, text: str, paint: str) -> str:
        """Wrap a text in a colour, where there is colour."""
        return f"{paint}{text}{PLAIN}" if self.colour else text


def screen_lines(result: InquiryResult) -> tuple[str, ...]:
    """Return the lines of DE62, or the outcome's text where the host sent none."""
    if result.screen is not None and result.screen.lines:
        return tuple(line.rstrip() for line in result.screen.lines)
    return tuple(wrap(result.text, WIDTH))


def receipt_lines(result: InquiryResult) -> tuple[str, ...]:
    """Return the lines of DE63; none where no slip was asked for."""
    return () if result.receipt is None else tuple(x.rstrip() for x in result.receipt.lines)


def show(result: InquiryResult, look: Look) -> str:
    """Draw the screen and, where there is one, the slip."""
    drawn = screen_box(screen_lines(result), look)
    if result.receipt is not None:
        drawn += "\n" + slip(receipt_lines(result), result.receipt.width, look)
    return drawn


def screen_box(lines: Sequence[str], look: Look) -> str:
    """Draw lines in a frame, at least 40 wide."""
    width = _width(lines, WIDTH)
    corners, bar = ("╔╗╚╝", "║") if look.unicode else ("++++", "|")
    rule = ("═" if look.unicode else "=") * (width + 2)
    return _joined(
        [
            look.painted(f"{corners[0]}{rule}{corners[1]}", DIM),
            *_rows(lines, width, bar, look, BOLD),
            look.painted(f"{corners[2]}{rule}{corners[3]}", DIM),
        ]
    )


def slip(lines: Sequence[str], width: int, look: Look) -> str:
    """Draw lines on paper that was torn off at the bottom."""
    width = _width(lines, width)
    bar = "│" if look.unicode else "|"
    top = f"┌{'─' * (width + 2)}┐" if look.unicode else f"+{'-' * (width + 2)}+"
    torn = (TORN if look.unicode else "\\/") * (width // 2 + 2)
    return _joined(
        [
            look.painted(top, DIM),
            *_rows(lines, width, bar, look, ""),
            look.painted(torn[: width + 4], DIM),
        ]
    )


def _rows(lines: Iterable[str], width: int, bar: str, look: Look, paint: str) -> Iterable[str]:
    edge = look.painted(bar, DIM)
    for line in lines:
        text = line.ljust(width)
        yield f"{edge} {look.painted(text, paint) if paint else text} {edge}"


def _width(lines: Iterable[str], least: int) -> int:
    return max([least, *(len(line) for line in lines)])


def _joined(rows: Iterable[str]) -> str:
    return "\n".join(rows) + "\n"
