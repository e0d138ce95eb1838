"""Who asks: terminals with their keys and cards, each with its requests ready to send."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import cycle, islice, takewhile

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.profile.model import Profile
from atm_switch.wire.packager import Packager
from atm_switch.wire.part import parts_of
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.kit import Kit
from terminal_emulator.load.stencil import Stencil
from terminal_emulator.terminal import Terminal

APPROVED = "00"


@dataclass(frozen=True, slots=True, repr=False)
class Card:
    """A card to ask about; not printable."""

    pan: str
    pin: str = ""


@dataclass(slots=True)
class Caller:
    """One terminal and its requests, one for each of its cards in turn."""

    kit: Kit
    keys: TerminalKeys = field(repr=False)
    terminal: Terminal = field(repr=False)
    stencils: Sequence[Stencil] = field(repr=False)
    _next: int = 0

    @property
    def name(self) -> str:
        """DE41."""
        return self.kit.station.terminal.text

    def next_stencil(self) -> Stencil:
        """Return the request whose turn it is."""
        self._next += 1
        return self.stencils[self._next % len(self.stencils)]


def read_cards(text: str) -> list[Card]:
    """Read cards: ``PAN PIN`` or ``PAN EXPIRY PIN [DE39]`` a line, as in sample/cards.txt.

    Of lines that say which DE39 they get, those with 00.  Raises ``ValueError`` for none.
    """
    cards = [card for line in text.splitlines() if (card := _card(line)) is not None]
    if not cards:
        message = "there is no card in it; a line is PAN PIN, or PAN EXPIRY PIN"
        raise ValueError(message)
    return cards


def _card(line: str, *, any_code: bool = False) -> Card | None:
    pan, *rest = re.split(r"[\s,;]+", line.strip())
    if not re.fullmatch(r"[0-9]{12,19}", pan):
        return None
    numbers = list(takewhile(lambda word: re.fullmatch(r"[0-9]{4,12}", word), rest))
    code = rest[len(numbers)] if len(numbers) < len(rest) else APPROVED
    is_coded = len(numbers) > 1 and re.fullmatch(r"[0-9]{2}", code)
    if is_coded and code != APPROVED and not any_code:
        return None
    return Card(pan, numbers[min(len(numbers), 2) - 1] if numbers else "")


def read_all_cards(text: str) -> list[Card]:
    """Read every card of a list, whichever DE39 it says it gets."""
    return [card for line in text.splitlines() if (card := _card(line, any_code=True))]


def callers_of(
    kits: Sequence[Kit], cards: Sequence[Card], count: int, profile: Profile, now: datetime
) -> list[Caller]:
    """Make ``count`` terminals; one keeps its kit's name, more are numbered L0000001 and on.

    A kit with keys of its own is one terminal.  Cards are dealt out in turn, one to each.
    Raises ``ValueError`` for what cannot be sent, and for more terminals than there are kits
    where each kit is one.
    """
    if count > len(kits) > 0 and any(kit.owns_keys for kit in kits):
        problem = f"{count} terminals, but {len(kits)} kits, and a kit with its own keys is one"
        raise ValueError(problem)
    packager = Packager(profile)
    parts = parts_of(profile.elements, profile.encoding)
    dealt = cycle(cards)
    each = max(len(cards) // count, 1)
    callers: list[Caller] = []
    for number, kit in zip(range(count), cycle(kits), strict=False):
        named = kit if kit.owns_keys or count == 1 else _numbered(kit, number + 1)
        keys = named.keys()
        terminal = Terminal(profile, named.station, named.pin_key, names_itself=named.owns_keys)
        stencils = []
        for card in islice(dealt, each):
            pin = Pin(card.pin.encode()) if card.pin and named.pin_key else None
            message = terminal.inquiry(card.pan, InquiryData(Lookup.CARD, "ID"), now, pin)
            stencil = Stencil.of(message, packager, keys, parts)
            if not callers:
                stencil.check(packager, message)
            stencils.append(stencil)
        callers.append(Caller(named, keys, terminal, stencils))
    return callers


def _numbered(kit: Kit, number: int) -> Kit:
    station = replace(kit.station, terminal=TerminalId(f"L{number:07d}"))
    return replace(kit, station=station)
