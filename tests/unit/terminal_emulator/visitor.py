"""A visit to the ATM without screen and host: answers are made here, the clock is moved."""

from datetime import UTC, datetime

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.inquiry_data import InquiryData, read_balance_data
from atm_switch.messages.text_block import read_text_block
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm_screen.deck import SampleCard
from terminal_emulator.atm_screen.faces import Page
from terminal_emulator.atm_screen.visit import Machine, Question, Visit
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.slips.paper import Paper, paper_of_result
from tests.unit.terminal_emulator.host import BALANCE, PAN, PROFILE, RECEIPT, SCREEN, SEVERAL

DECK = tuple(
    SampleCard(f"99900900000000{number}", "00", f"card {number}")
    for number in ("12", "20", "38", "46", "53", "61", "79")
)
AT = datetime(2025, 6, 30, 7, 25, 7, tzinfo=UTC)


class Visitor:
    """Somebody at an ATM, and the host behind it."""

    def __init__(self, *, takes_pin: bool = True, deck: tuple[SampleCard, ...] = DECK) -> None:
        """Stand before the machine."""
        self.now = 1000.0
        machine = Machine(deck, takes_pin, 30.0, lambda: self.now, self._print)
        self.visit = Visit(machine)

    def _print(self, result: InquiryResult, wish: InquiryData) -> Paper:
        return paper_of_result(result, wish.receipt_width, wish.language, BARE_KIT.station, AT)

    @property
    def page(self) -> Page:
        """Where the visit is."""
        return self.visit.page

    @property
    def text(self) -> str:
        """What is on the glass and on the keys."""
        face = self.visit.face()
        labels = (word for key in face.keys.values() for word in (key.label, key.note))
        return "\n".join((face.title, face.hint, *face.lines, *labels))

    def keys(self, *labels: str) -> None:
        """Press the side keys with these labels."""
        for label in labels:
            keys = self.visit.face().keys
            slot = next(slot for slot, key in keys.items() if key.label.startswith(label))
            self.visit.press(slot)

    def type(self, digits: str, *, confirm: bool = True) -> None:
        """Type digits, and Enter."""
        for digit in digits:
            self.visit.digit(int(digit))
        if confirm:
            self.visit.enter()

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds
        self.visit.tick()

    def to_the_menu(self, language: str = "Bahasa") -> None:
        """Put the first card in, choose a language and type a PIN."""
        self.visit.press(0)
        self.keys(language)
        self.type("135790")

    def ask(self, slip: str = "Ya") -> Question:
        """Ask for the balance from the menu, and take the question."""
        self.visit.press(0)
        self.keys(slip)
        question = self.visit.take_question()
        assert question is not None
        return question


def approval(count: int = 1) -> InquiryResult:
    """Approve, for somebody with so many KPJ."""
    balance = read_balance_data(SEVERAL if count > 1 else BALANCE, PROFILE)
    return InquiryResult(
        "0210", "00", "Transaksi berhasil", Outcome.APPROVED, "000123", "518107000123",
        "999009******0012", screen=read_text_block(SCREEN), receipt=read_text_block(RECEIPT),
        balance=balance._replace(kpj_count=count),
    )  # fmt: skip


def decline(outcome: Outcome, language: str = "ID") -> InquiryResult:
    """Decline."""
    row = PROFILE.outcomes[outcome]
    return InquiryResult(
        "0210", row.code, row.texts[language], outcome, "000123", "518107000123", "999009******0012"
    )


__all__ = ["DECK", "PAN", "Visitor", "approval", "decline"]
