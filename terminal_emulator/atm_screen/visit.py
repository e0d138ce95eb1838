"""A visit to the ATM as a machine: keys and answers in, a page and a question out.

Plan: no screen, no socket and no clock of its own.  The shell hands in keys, answers and
the passing of time, draws ``face()`` and asks the host what ``take_question`` gives it.
The typed digits lie in an ``Entry``; the PIN lives from Enter to the end of the visit,
and both are wiped there.
Limits: one customer at a time; a cancelled question may still be answered, to nobody.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.security.pin_block import PIN_DIGITS_MAX, PIN_DIGITS_MIN
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm_screen.deck import SampleCard
from terminal_emulator.atm_screen.entry import Entry
from terminal_emulator.atm_screen.faces import (
    CARDS_SHOWN,
    PAN_DIGITS_SHOWN,
    Act,
    Face,
    Key,
    Page,
    State,
    face_of,
)
from terminal_emulator.slips.paper import Paper

RECEIPT_WIDTH = 40
LANGUAGES = ("ID", "EN")
SECONDS = {
    Page.NUMBER: 60.0, Page.LANGUAGE: 30.0, Page.PIN: 30.0, Page.MENU: 30.0, Page.SLIP: 30.0,
    Page.RESULT: 60.0, Page.KPJ: 30.0, Page.DECLINED: 45.0, Page.FAILED: 45.0,
    Page.RETAINED: 12.0, Page.GOODBYE: 8.0,
}  # fmt: skip
"""How long a page waits for its customer."""
DIGITS_MAX = {Page.NUMBER: 19, Page.PIN: PIN_DIGITS_MAX, Page.KPJ: 2}


@dataclass(frozen=True, slots=True)
class Question:
    """What the host is to be asked; ``serial`` tells its answer from a late one."""

    serial: int
    pan: str = field(repr=False)
    pin: Pin | None
    wish: InquiryData


@dataclass(frozen=True, slots=True)
class Machine:
    """What an ATM is set up with."""

    deck: tuple[SampleCard, ...]
    takes_pin: bool
    host_seconds: float
    clock: Callable[[], float]
    print_slip: Callable[[InquiryResult, InquiryData], Paper | None]


class Visit:
    """One ATM, visit after visit."""

    def __init__(self, machine: Machine) -> None:
        """Wait for the first card."""
        self._machine = machine
        self._state = State(machine.deck)
        self._entry = Entry()
        self._pin: Pin | None = None
        self._wish = InquiryData(Lookup.CARD, "ID")
        self._question: Question | None = None
        self._serial = 0
        self._deadline: float | None = None

    @property
    def page(self) -> Page:
        """Where the visit is."""
        return self._state.page

    @property
    def slip(self) -> Paper | None:
        """The slip in the tray."""
        return self._state.slip

    @property
    def card(self) -> str:
        """The card inside; empty where there is none.  Mask it."""
        return self._state.card

    def face(self) -> Face:
        """Draw the page."""
        left = 0.0 if self._deadline is None else self._deadline - self._machine.clock()
        self._state.seconds_left, self._state.seconds_whole = left, self._machine.host_seconds
        return face_of(self._state)

    def take_question(self) -> Question | None:
        """Hand out what the host is to be asked, once."""
        question, self._question = self._question, None
        return question

    def press(self, slot: int) -> None:
        """Press a side key, 0 to 7; one without a label does nothing."""
        key = self.face().keys.get(slot)
        if key is not None:
            self._do(key)

    def digit(self, number: int) -> None:
        """Press a digit of the pad."""
        if len(self._entry) >= DIGITS_MAX.get(self.page, 0):
            return
        self._entry.add(number)
        self._state.note = ""
        self._show_entry()

    def erase(self) -> None:
        """Press Clear: what was typed is gone."""
        self._clear_entry()

    def enter(self) -> None:
        """Press Enter: confirm what was typed, or take the slip, or go on."""
        if self.page is Page.NUMBER:
            self._number_typed()
        elif self.page is Page.PIN:
            self._pin_typed()
        elif self.page is Page.KPJ:
            self._kpj_typed()
        elif self._state.slip is not None:
            self._state.slip = None
        elif self.page in (Page.GOODBYE, Page.RETAINED):
            self._welcome()

    def cancel(self) -> None:
        """Press Cancel: the card comes back, unless it is kept."""
        if self.page in (Page.NUMBER, Page.GOODBYE, Page.RETAINED):
            self._welcome()
        elif self.page not in (Page.WELCOME, Page.CLOSED):
            self._leave(self._state.words.cancelled)

    def tick(self) -> None:
        """Notice that time has passed."""
        if self._deadline is None or self._machine.clock() < self._deadline:
            return
        if self.page in (Page.NUMBER, Page.GOODBYE, Page.RETAINED):
            self._welcome()
        elif self.page is not Page.WAIT:  # there the line itself gives up
            self._leave(self._state.words.timed_out)

    def answered(self, serial: int, result: InquiryResult) -> None:
        """Take the host's answer; one that nobody waits for is dropped."""
        if not self._waits_for(serial):
            return
        self._state.result = result
        if self._wish.receipt_width:
            self._state.slip = self._machine.print_slip(result, self._wish)
        if result.is_approved:
            self._go(Page.RESULT)
        elif result.outcome is Outcome.PIN_TRIES_EXCEEDED:
            self._wipe()
            self._state.card = ""
            self._go(Page.RETAINED)
        else:
            self._go(Page.DECLINED)

    def failed(self, serial: int, sentence: str) -> None:
        """Take that there will be no answer."""
        if self._waits_for(serial):
            self._go(Page.FAILED, sentence)

    def closed(self, sentence: str) -> None:
        """Go out of service: the host cannot be reached."""
        if self.page in (Page.WELCOME, Page.CLOSED):
            self._go(Page.CLOSED, sentence)

    def opened(self) -> None:
        """Go into service again."""
        if self.page is Page.CLOSED:
            self._welcome()

    def end(self) -> None:
        """Wipe what is secret: somebody switches the ATM off."""
        self._wipe()

    def _do(self, key: Key) -> None:
        does: dict[Act, Callable[[int], None]] = {
            Act.INSERT: lambda at: self._insert(self._state.deck[at].pan),
            Act.MORE_CARDS: lambda _: self._more_cards(),
            Act.TYPE_NUMBER: lambda _: self._go(Page.NUMBER),
            Act.SPEAK: self._speak,
            Act.MENU: lambda _: self._go(Page.SLIP),
            Act.INQUIRE: lambda _: self._go(Page.MENU),
            Act.PRINT: self._begin,
            Act.LEAVE: lambda _: self._leave(),
            Act.OTHER_KPJ: lambda _: self._go(Page.KPJ),
            Act.KPJ: self._ask,
            Act.RESULT: lambda _: self._go(Page.RESULT),
            Act.PIN_AGAIN: lambda _: self._ask_pin(),
            Act.RETRY: lambda _: None,  # the shell's: it calls the host
        }
        does[key.act](key.value)

    def _insert(self, pan: str) -> None:
        self._state.card = pan
        self._go(Page.LANGUAGE)

    def _more_cards(self) -> None:
        at = self._state.deck_at + CARDS_SHOWN
        self._state.deck_at = at if at < len(self._state.deck) else 0

    def _speak(self, which: int) -> None:
        self._state.language = LANGUAGES[which]
        if self._machine.takes_pin:
            self._ask_pin()
        else:
            self._go(Page.MENU)

    def _ask_pin(self) -> None:
        if self._pin is not None:
            self._pin.wipe()
            self._pin = None
        self._go(Page.PIN)

    def _number_typed(self) -> None:
        if not self._entry:
            self._state.note = "empty"
            return
        pan = self._entry.text()
        self._clear_entry()
        self._insert(pan)

    def _pin_typed(self) -> None:
        if not PIN_DIGITS_MIN <= len(self._entry) <= PIN_DIGITS_MAX:
            self._clear_entry()
            self._state.note = "impossible"
            return
        self._pin = self._entry.pin()
        self._clear_entry()
        self._go(Page.MENU)

    def _kpj_typed(self) -> None:
        index = int(self._entry.text() or "0")
        self._clear_entry()
        if 1 <= index <= self._state.kpj_count:
            self._ask(index)
        else:
            self._state.note = "no such"

    def _begin(self, with_slip: int) -> None:
        width = RECEIPT_WIDTH if with_slip else 0
        self._wish = InquiryData(Lookup.CARD, self._state.language, receipt_width=width)
        self._ask(0)

    def _ask(self, kpj_index: int) -> None:
        self._state.slip = None
        self._wish = replace(self._wish, kpj_index=kpj_index)
        self._serial += 1
        self._question = Question(self._serial, self._state.card, self._pin, self._wish)
        self._go(Page.WAIT)
        self._deadline = self._machine.clock() + self._machine.host_seconds

    def _waits_for(self, serial: int) -> bool:
        return self.page is Page.WAIT and serial == self._serial

    def _leave(self, note: str = "") -> None:
        self._wipe()
        self._state.card = ""
        self._go(Page.GOODBYE, note)

    def _welcome(self) -> None:
        self._wipe()
        self._state = State(self._machine.deck, deck_at=self._state.deck_at)
        self._go(Page.WELCOME)

    def _go(self, page: Page, note: str = "") -> None:
        self._clear_entry()
        self._state.page, self._state.note = page, note
        seconds = SECONDS.get(page)
        self._deadline = None if seconds is None else self._machine.clock() + seconds

    def _show_entry(self) -> None:
        shown = {Page.NUMBER: PAN_DIGITS_SHOWN, Page.KPJ: 2}.get(self.page, 0)
        self._state.typed = len(self._entry)
        self._state.typed_shown = self._entry.text(shown)

    def _clear_entry(self) -> None:
        self._entry.clear()
        self._show_entry()

    def _wipe(self) -> None:
        self._clear_entry()
        self._question = None
        if self._pin is not None:
            self._pin.wipe()
            self._pin = None
