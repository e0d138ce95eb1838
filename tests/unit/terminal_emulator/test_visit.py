"""Claims about a visit to the ATM as a machine: pages, questions, time and what is wiped."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atm_switch.domain.outcome import Outcome
from terminal_emulator.atm_screen.faces import Page
from terminal_emulator.atm_screen.glass import COLUMNS, HIGH, LOW, drawn
from terminal_emulator.atm_screen.visit import SECONDS
from terminal_emulator.screen import WIDTH
from terminal_emulator.texts import advice
from tests.unit.terminal_emulator.visitor import DECK, PAN, Visitor, approval, decline

DECLINES = [one for one in Outcome if one not in (Outcome.APPROVED, Outcome.PIN_TRIES_EXCEEDED)]


def test_whole_visit_ends_with_card_and_slip() -> None:
    """Card, language, PIN, menu and slip lead to one question; its answer to screen and slip."""
    visitor = Visitor()
    visitor.to_the_menu()

    question = visitor.ask()
    visitor.visit.answered(question.serial, approval())

    assert (PAN, b"135790") == (question.pan, question.pin.reveal() if question.pin else b"")
    assert ("ID", 40, 0) == (
        question.wish.language, question.wish.receipt_width, question.wish.kpj_index,
    )  # fmt: skip
    assert Page.RESULT is visitor.page
    assert "SALDO JHT" in visitor.text
    assert visitor.visit.slip is not None
    visitor.keys("Selesai")
    assert "Silakan ambil kartu" in visitor.text


def test_pin_is_wiped_with_the_visit() -> None:
    """When the card comes back the PIN's buffer is zeros, and no card is inside."""
    visitor = Visitor()
    visitor.to_the_menu()
    pin = visitor.ask().pin
    assert pin is not None

    visitor.visit.cancel()

    assert bytes(6) == pin.reveal()
    assert "" == visitor.visit.card


def test_pin_is_never_on_the_glass() -> None:
    """While a PIN is typed the glass shows a bullet a digit and none of the digits."""
    visitor = Visitor()
    visitor.visit.press(0)
    visitor.keys("English")

    visitor.type("864208", confirm=False)

    assert 6 == visitor.text.count("●")
    assert not any(digit in visitor.text for digit in "8642")


def test_typed_card_number_shows_six_digits() -> None:
    """A typed number shows its first six digits; Clear takes it all back."""
    visitor = Visitor()
    visitor.keys("Ketik")

    visitor.type(PAN, confirm=False)

    assert f"{PAN[:6]}{'*' * 10}_" in visitor.text
    visitor.visit.erase()
    assert PAN[:6] not in visitor.text
    visitor.type(PAN)
    assert (PAN, Page.LANGUAGE) == (visitor.visit.card, visitor.page)


@pytest.mark.parametrize("outcome", DECLINES, ids=lambda outcome: outcome.value)
@pytest.mark.parametrize("language", ["ID", "EN"])
def test_every_decline_is_explained_in_full(outcome: Outcome, language: str) -> None:
    """Each decline shows its code, the profile's text and what to do, in the language chosen."""
    visitor = Visitor()
    visitor.to_the_menu({"ID": "Bahasa", "EN": "English"}[language])
    question = visitor.ask({"ID": "Tidak", "EN": "No"}[language])
    result = decline(outcome, language)

    visitor.visit.answered(question.serial, result)

    shown = " ".join(visitor.text.split())
    assert Page.DECLINED is visitor.page
    assert all(word in shown for word in (result.code, result.text, advice(outcome, language)))
    assert visitor.visit.face().is_alarm


def test_wrong_pin_may_be_typed_again() -> None:
    """After a 55 a key leads back to the pad, and the next question has the new PIN."""
    visitor = Visitor()
    visitor.to_the_menu()
    first = visitor.ask()
    visitor.visit.answered(first.serial, decline(Outcome.WRONG_PIN))

    visitor.keys("Ulangi PIN")
    visitor.type("97531")
    second = visitor.ask()

    assert first.pin is not None
    assert second.pin is not None
    assert (bytes(6), b"97531") == (first.pin.reveal(), second.pin.reveal())


def test_too_many_pins_keep_the_card() -> None:
    """After a 75 the card is kept: it cannot be cancelled out, and the next customer comes."""
    visitor = Visitor()
    visitor.to_the_menu()
    question = visitor.ask("Tidak")

    visitor.visit.answered(question.serial, decline(Outcome.PIN_TRIES_EXCEEDED))

    assert (Page.RETAINED, "") == (visitor.page, visitor.visit.card)
    assert "KARTU DITAHAN" in visitor.text
    visitor.visit.cancel()
    assert Page.WELCOME is visitor.page


def test_each_kpj_can_be_chosen() -> None:
    """With several KPJ a key or two typed digits ask for that index; others are refused."""
    visitor = Visitor()
    visitor.to_the_menu()
    visitor.visit.answered(visitor.ask().serial, approval(12))

    visitor.keys("KPJ lain", "KPJ 02")
    by_key = visitor.visit.take_question()
    assert by_key is not None
    visitor.visit.answered(by_key.serial, approval(12))
    visitor.keys("KPJ lain")
    visitor.type("13")
    assert "Pilihan tidak ada" in visitor.text
    visitor.type("12")
    by_digits = visitor.visit.take_question()

    assert by_digits is not None
    assert (2, 12) == (by_key.wish.kpj_index, by_digits.wish.kpj_index)


@pytest.mark.parametrize("page", [*SECONDS], ids=lambda page: page.value)
def test_every_page_runs_out_of_time(page: Page) -> None:
    """A page whose customer has gone ends by itself: the card is offered, then the welcome."""
    visitor = Visitor()
    visitor.to_the_menu()
    visitor.visit._go(page)

    visitor.pass_time(SECONDS[page] - 0.1)
    assert page is visitor.page
    for _ in range(2):
        visitor.pass_time(60)

    assert (Page.WELCOME, "") == (visitor.page, visitor.visit.card)


def test_cancelled_question_is_answered_to_nobody() -> None:
    """An answer that comes after Cancel, or after the next question, changes nothing."""
    visitor = Visitor()
    visitor.to_the_menu()
    late = visitor.ask()
    visitor.visit.cancel()
    visitor.visit.enter()
    visitor.to_the_menu()
    visitor.ask()

    visitor.visit.answered(late.serial, approval())
    visitor.visit.failed(late.serial, "the host hung up")

    assert (Page.WAIT, None) == (visitor.page, visitor.visit.slip)


def test_waiting_counts_the_seconds_down() -> None:
    """The waiting page shows the seconds that are left, and stays until the line gives up."""
    visitor = Visitor()
    visitor.to_the_menu()
    question = visitor.ask()

    visitor.pass_time(12)

    assert "18 s" in visitor.text
    visitor.pass_time(60)
    assert Page.WAIT is visitor.page
    visitor.visit.failed(question.serial, "127.0.0.1:1 did not answer STAN 000123 within 30 s")
    assert "Mesin tidak dapat menghubungi host" in visitor.text


def test_machine_closes_only_without_a_customer() -> None:
    """Losing the host closes a waiting ATM, never one with a customer; it opens again."""
    visitor = Visitor()

    visitor.visit.closed("nobody listens there")
    closed = visitor.page
    visitor.visit.opened()
    visitor.visit.press(0)
    visitor.visit.closed("nobody listens there")

    assert (Page.CLOSED, Page.LANGUAGE) == (closed, visitor.page)


def test_without_key_no_pin_page() -> None:
    """An ATM without a PIN key goes from the language to the menu, and asks without a PIN."""
    visitor = Visitor(takes_pin=False, deck=())

    visitor.keys("Ketik")
    visitor.type(PAN)
    visitor.keys("Bahasa")

    assert Page.MENU is visitor.page
    assert visitor.ask().pin is None


def test_seventh_card_is_on_the_next_page() -> None:
    """More cards than keys come page by page, and round again."""
    visitor = Visitor()

    visitor.keys("Kartu lain")
    assert "79" in visitor.text
    visitor.keys("Kartu lain")

    assert DECK[0].shows in visitor.text


ACTS = st.one_of(
    st.tuples(st.just("press"), st.integers(0, 7)),
    st.tuples(st.just("digit"), st.integers(0, 9)),
    st.tuples(st.sampled_from(["enter", "erase", "cancel"]), st.just(0)),
    st.tuples(st.just("pass"), st.sampled_from([1, 31, 61])),
    st.tuples(st.just("answer"), st.sampled_from([1, 3, 99])),
    st.tuples(st.just("decline"), st.integers(0, len(Outcome) - 2)),
)


@settings(max_examples=150)
@given(st.lists(ACTS, max_size=60))
def test_no_customer_gets_the_machine_stuck(acts: list[tuple[str, int]]) -> None:
    """Whatever is pressed, all of the page is on the glass; a machine left alone comes home."""
    visitor = Visitor()
    serial = 0
    for act, value in acts:
        question = visitor.visit.take_question()
        serial = serial if question is None else question.serial
        if act == "answer":
            visitor.visit.answered(serial, approval(value))
        elif act == "decline":
            visitor.visit.answered(serial, decline([*Outcome][value + 1]))
        elif act == "pass":
            visitor.pass_time(value)
        else:
            getattr(visitor.visit, act)(*([value] if act in ("press", "digit") else []))
        face = visitor.visit.face()
        assert all(len(line) <= WIDTH for line in face.lines)
        for pane in (LOW, HIGH):
            rows = drawn(face, pane).plain.split("\n")
            assert [COLUMNS] * pane.rows == [len(row) for row in rows]
            assert all(line.strip() in "\n".join(rows) for line in face.lines)

    visitor.visit.failed(serial, "gone")
    for _ in range(3):
        visitor.pass_time(61)
    assert (Page.WELCOME, "") == (visitor.page, visitor.visit.card)
