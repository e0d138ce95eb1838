"""The parts one can press: side keys and the keys of the pad.

They never take the focus, so that Enter is always the ATM's Enter.
"""

from rich.text import Text
from textual.message import Message
from textual.widgets import Static

from terminal_emulator.atm_screen.deck import short_pan
from terminal_emulator.atm_screen.faces import Page

CARD_WIDTH = 14
CARD_STYLE, CHIP_STYLE = "bold #000000 on #ffd54f", "#a67c00 on #ffd54f"


class CardSlot(Static):
    """The slot, and the card in it."""

    def __init__(self) -> None:
        """Be empty."""
        super().__init__(id="card", classes="slot", markup=False)

    def show(self, pan: str, page: Page) -> None:
        """Show the card that is inside, by the ends of its number; ``pan`` is empty for none."""
        is_retained = page is Page.RETAINED
        self.set_class(bool(pan), "-inside")
        self.set_class(is_retained, "-retained")
        self.update(
            "DITAHAN\nRETAINED" if is_retained else _card(pan) if pan else "━" * (CARD_WIDTH - 2)
        )


def _card(pan: str) -> Text:
    """Draw a card: a chip, and the ends of its number."""
    number = short_pan(pan)[:CARD_WIDTH].center(CARD_WIDTH)
    return Text.assemble(
        (f"{'':{CARD_WIDTH}}\n", CARD_STYLE),
        (f"{'  ██':{CARD_WIDTH}}\n", CHIP_STYLE),
        (number, CARD_STYLE),
    )


class SideKey(Static):
    """One of the eight keys beside the glass."""

    class Pressed(Message):
        """The key was clicked."""

        def __init__(self, slot: int) -> None:
            """Tell which."""
            super().__init__()
            self.slot = slot

    def __init__(self, slot: int) -> None:
        """Make the key of a slot, 0 to 7; what it does is written on the glass."""
        super().__init__(f"F{slot + 1}", id=f"key{slot}", markup=False)
        self._slot = slot

    def on_click(self) -> None:
        """Tell the ATM."""
        self.post_message(self.Pressed(self._slot))


class PadKey(Static):
    """A key of the pad: a digit, or one of the three coloured ones."""

    class Pressed(Message):
        """The key was clicked."""

        def __init__(self, name: str) -> None:
            """Tell which, by its name on the keyboard."""
            super().__init__()
            self.name = name

    def __init__(self, label: str, name: str) -> None:
        """Make a key; ``name`` is a digit, ``escape``, ``backspace``, ``enter`` or blank."""
        kind = {"escape": "-cancel", "backspace": "-clear", "enter": "-enter", "": "-blank"}
        super().__init__(label, classes=kind.get(name, ""), markup=False)
        self._name_of_key = name

    def on_click(self) -> None:
        """Tell the ATM."""
        if self._name_of_key:
            self.post_message(self.Pressed(self._name_of_key))


PAD = (
    ("1", "1"), ("2", "2"), ("3", "3"), ("CANCEL", "escape"),
    ("4", "4"), ("5", "5"), ("6", "6"), ("CLEAR", "backspace"),
    ("7", "7"), ("8", "8"), ("9", "9"), ("ENTER", "enter"),
    ("", ""), ("0", "0"), ("", ""), ("", ""),
)  # fmt: skip
"""Label and name of each key, row by row."""
