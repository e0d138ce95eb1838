"""The ISO 8583 exchange as lines for the second pane: decoded, field by field, masked.

Plan: what may be shown of an element, and what it means, is asked of ``explain.meaning``,
so the pane and ``terminal-emulator explain`` never disagree about a mask.
Limits: what does not decode is counted only; ``explain`` is the tool for that.
"""

from datetime import datetime

from rich.text import Text

from atm_switch.domain.errors import FormatError
from atm_switch.messages.mti import is_response
from atm_switch.profile.model import Profile
from atm_switch.wire.packager import Packager
from terminal_emulator.explain.meaning import meaning_of, meaning_of_mti, shown_value

TEXT_BLOCKS = (62, 63)
"""Their lines are on the glass and on the slip already."""


class Exchange:
    """Turns payloads into lines."""

    def __init__(self, profile: Profile) -> None:
        """Take the dialect of the line."""
        self._packager = Packager(profile)

    def lines_of(self, payload: bytes, *, is_sent: bool, at: datetime) -> list[Text]:
        """Return the lines of one message that passed at ``at``."""
        arrow = "▶ out" if is_sent else "◀ in "
        head = f"{arrow} {at:%H:%M:%S}.{at.microsecond // 1000:03d}"
        try:
            message = self._packager.unpack(payload)
        except FormatError as error:
            return [Text(f"{head} {len(payload)} bytes: {error}", style="bold red"), Text()]
        style = "bold green" if is_response(message.mti) else "bold cyan"
        lines = [Text(f"{head}  {message.mti}  {len(payload)} bytes", style=style)]
        lines.append(Text(f"      {meaning_of_mti(message.mti)}", style="dim"))
        for number in sorted(message.elements):
            lines += self._element(number, message.elements[number], message.mti)
        return [*lines, Text()]

    def _element(self, number: int, text: str, mti: str) -> list[Text]:
        profile = self._packager.profile
        element = profile.elements[number]
        line = Text(f"{number:03d} ", style="bold")
        line.append(shown_value(element, text), style="not bold")
        line.append(f"  {element.name}", style="dim not bold")
        meaning = meaning_of(element, text, mti, profile)
        if number in TEXT_BLOCKS:
            meaning = meaning[:1]
        return [line, *(Text(f"      {said}", style="dim italic") for said in meaning)]
