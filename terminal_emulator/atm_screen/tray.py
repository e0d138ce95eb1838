"""The slip: it slides out into the tray, and hangs beside the ATM where there is room.

Plan: with room at its side the whole slip slides out there.  Without, its head peeks out of the
tray, so that the glass stays readable; Enter takes it in hand, over everything, and Enter again
puts it away.
"""

from textual.geometry import Offset
from textual.widgets import Static

from terminal_emulator.screen import TORN
from terminal_emulator.slips.paper import Paper

SLIDE_SECONDS = 1.2
PEEK_LINES = 8
MOUTH = "━" * 36
TAKE, PUT_AWAY = "Enter: ambil / take", "Enter: simpan / put away"


class PaperSheet(Static):
    """A slip, or its first lines; it slides up from below."""

    def __init__(self, name: str, most: int | None = None) -> None:
        """Show at most so many lines."""
        super().__init__(id=name, classes="sheet", markup=False)
        self._most = most
        self._shown: Paper | None = None

    def show(self, slip: Paper | None) -> None:
        """Show a slip, or nothing; one that is shown already is left as it lies."""
        if slip is self._shown:
            return
        self._shown = slip
        self.display = slip is not None
        if slip is None:
            return
        lines = list(slip.lines[: self._most])
        if self._most is None and len(lines) < self.app.size.height:
            lines.append(TORN * (slip.width // 2))
        self.update("\n".join(lines))
        self.offset = Offset(0, len(lines))
        self.animate("offset", Offset(0, 0), duration=SLIDE_SECONDS, easing="linear")
