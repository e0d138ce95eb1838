"""The interactive ATM: language, card, PIN, menu, screen, slip, and the card back.

Plan: a plain dialogue of prompts and lines, so it runs in any terminal and from a pipe.
The PIN lives from the keypad to the moment the card is taken, and is wiped there.
Limits: no full screen; that is ``atm_screen``.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TextIO

from atm_switch.domain.errors import Refused
from atm_switch.domain.outcome import Outcome
from atm_switch.domain.secret import Pin
from atm_switch.messages.inquiry_data import InquiryData, Lookup
from atm_switch.messages.text_block import wrap
from atm_switch.security.pin_block import PIN_DIGITS_MAX, PIN_DIGITS_MIN
from atm_switch.security.tdes import wipe_buffer
from terminal_emulator.answers import InquiryResult
from terminal_emulator.keypad import Keypad
from terminal_emulator.screen import WIDTH, Look, screen_box, show
from terminal_emulator.texts import (
    CHOOSE_LANGUAGE,
    NO_SUCH_CHOICE,
    WELCOME,
    WORDS,
    Words,
    advice,
)

PAN_DIGITS_MAX = 19
PAN_DIGITS_SHOWN = 6
RECEIPT_WIDTH = 40

Inquire = Callable[[str, Pin | None, InquiryData, Callable[[], None]], InquiryResult]


@dataclass(frozen=True, slots=True)
class Booth:
    """All an ATM is made of: keys, glass, look, and a way to ask the host."""

    keypad: Keypad
    out: TextIO
    look: Look
    inquire: Inquire
    takes_pin: bool
    seconds: float

    def say(self, text: str) -> None:
        """Write a line."""
        self.out.write(text + "\n")
        self.out.flush()

    def box(self, lines: tuple[str, ...]) -> None:
        """Show lines in the screen's frame."""
        self.say("\n" + screen_box(lines, self.look))


def serve_customers(booth: Booth) -> None:
    """Serve one customer after another until somebody switches the ATM off.

    Raises ``EOFError`` and ``KeyboardInterrupt`` when the person at the keys leaves.
    """
    while True:
        booth.box(WELCOME)
        choice = booth.keypad.line(CHOOSE_LANGUAGE)
        if choice == "0":
            return
        language = {"1": "ID", "2": "EN"}.get(choice)
        if language is None:
            booth.say(NO_SUCH_CHOICE)
        else:
            _Visit(booth, language).run()


class _Visit:
    """One customer, from the card going in to the card coming out."""

    def __init__(self, booth: Booth, language: str) -> None:
        self._booth = booth
        self._language = language
        self._words: Words = WORDS[language]
        self._pan = ""
        self._pin: Pin | None = None

    def run(self) -> None:
        self._pan = self._card()
        if not self._pan:
            return
        with self._pin_held():
            self._ask_pin()
            while self._chosen(self._words.menu) and self._transaction():
                pass
        self._booth.say(self._words.take_card)

    def _transaction(self) -> bool:
        """Run one inquiry and what follows from it; tell whether the customer goes on."""
        wish = InquiryData(Lookup.CARD, self._language, receipt_width=self._receipt_width())
        result = self._inquire(wish)
        while result is not None and result.balance is not None and result.balance.kpj_count > 1:
            index = self._other_kpj(result.balance.kpj_count)
            if index == 0:
                break
            result = self._inquire(replace(wish, kpj_index=index))
        if not self._chosen(self._words.again):
            return False
        if result is not None and result.outcome is Outcome.WRONG_PIN:
            self._ask_pin()
        return True

    def _inquire(self, wish: InquiryData) -> InquiryResult | None:
        booth = self._booth
        booth.say("\n" + self._words.wait.replace("{seconds}", f"{booth.seconds:g}"))
        try:
            result = booth.inquire(self._pan, self._pin, wish, self._tick)
        except Refused as error:
            booth.box((*wrap(self._words.out_of_service, WIDTH), *wrap(str(error), WIDTH)))
            return None
        if booth.keypad.is_terminal:
            booth.say("")
        booth.say(show(result, booth.look))
        if not result.is_approved:
            self._explain(result)
        return result

    def _tick(self) -> None:
        if self._booth.keypad.is_terminal:
            self._booth.out.write(".")
            self._booth.out.flush()

    def _explain(self, result: InquiryResult) -> None:
        self._booth.say(self._words.declined.replace("{code}", result.code))
        if result.fault:
            self._booth.say(result.fault)
        self._booth.say(advice(result.outcome, self._language))

    def _card(self) -> str:
        while True:
            typed = self._booth.keypad.hidden(self._words.card, PAN_DIGITS_SHOWN)
            digits = bytes(typed).strip().decode("ascii", errors="replace")
            wipe_buffer(typed)
            if not digits or (
                digits.isascii() and digits.isdigit() and len(digits) <= PAN_DIGITS_MAX
            ):
                return digits
            self._booth.say(self._words.bad_card)

    def _ask_pin(self) -> None:
        if self._pin is not None:
            self._pin.wipe()
        self._pin = read_pin(self._booth, self._words) if self._booth.takes_pin else None

    @contextmanager
    def _pin_held(self) -> Iterator[None]:
        try:
            yield
        finally:
            if self._pin is not None:
                self._pin.wipe()

    def _receipt_width(self) -> int:
        answer = self._booth.keypad.line(self._words.receipt).lower()
        return RECEIPT_WIDTH if answer.startswith(self._words.yes) else 0

    def _other_kpj(self, count: int) -> int:
        self._booth.say(self._words.several.replace("{count}", str(count)))
        while True:
            typed = self._booth.keypad.line(self._words.which.replace("{count}", str(count)))
            if typed in ("", "0"):
                return 0
            if typed.isdecimal() and 1 <= int(typed) <= count:
                return int(typed)  # the host's screen writes 02 for 2
            self._booth.say(self._words.no_such_choice)

    def _chosen(self, page: tuple[str, ...]) -> bool:
        self._booth.box(page)
        while True:
            typed = self._booth.keypad.line(self._words.choose)
            if typed in ("0", "1"):
                return typed == "1"
            self._booth.say(self._words.no_such_choice)


def read_pin(booth: Booth, words: Words) -> Pin:
    """Ask until a PIN of possible shape is typed.  The caller wipes it."""
    while True:
        pin = typed_pin(booth.keypad, words.pin)
        if pin is not None:
            return pin
        booth.say(words.bad_pin)


def typed_pin(keypad: Keypad, prompt: str) -> Pin | None:
    """Ask once for a PIN; ``None`` for what cannot be one.  The caller wipes it."""
    typed = keypad.hidden(prompt)
    try:
        is_one = typed.isdigit() and PIN_DIGITS_MIN <= len(typed) <= PIN_DIGITS_MAX
        return Pin(typed) if is_one else None
    finally:
        wipe_buffer(typed)
