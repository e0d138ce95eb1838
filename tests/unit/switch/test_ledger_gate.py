"""Claims about one card whose row is wrong among many that are sound."""

from datetime import timedelta
from random import Random

import pytest

from atm_switch.domain.card import Pan
from atm_switch.domain.errors import LedgerRowWrong, LedgerUnavailable
from atm_switch.server.spread import TICK_SECONDS
from atm_switch.switch.breaker import AGAIN_SECONDS, FAILURES_MAX
from atm_switch.switch.policy import PinPolicy
from atm_switch.switch.ports import FindCard
from tests.doubles.bench import BUDI, PAN, PIN, Bench, bank
from tests.doubles.inquiries import signed_on

OTHER = "9990090000000020"


def with_a_bad_card(fault: LedgerUnavailable) -> Bench:
    """Two cards of one member, of which the first one's row is never read."""
    bench = signed_on(banks=(bank(pin=PinPolicy.ACQUIRER),))
    bench.link_card(OTHER, BUDI, PIN)
    bad, real = bench.vault.card_ref(Pan(PAN)), bench.memory.answer

    def answer(question: object) -> object:
        answered = real(question)
        return fault if isinstance(question, FindCard) and question.ref == bad else answered

    bench.memory.answer = answer  # type: ignore[method-assign]
    return bench


def asked(bench: Bench, pan: str, number: int) -> str:
    """Ask one inquiry of a card; its code."""
    changes = {2: pan, 11: f"{number:06d}", 37: f"5181{number:08d}", 52: None}
    return bench.ask(bench.inquiry(changes))[39]


def test_row_that_makes_no_sense_is_the_affair_of_its_card_alone() -> None:
    """However often it is asked for it gets 91, and nobody else ever does."""
    bench = with_a_bad_card(LedgerRowWrong("the registry holds a row that makes no sense"))

    codes = [asked(bench, PAN, number) for number in range(3 * FAILURES_MAX)]

    assert {"91"} == set(codes)
    assert not bench.switch.refuses_ledger
    assert "00" == asked(bench, OTHER, 99)


@pytest.mark.parametrize("seed", range(10))
def test_question_that_fails_for_ever_leaves_the_turn_to_the_next(seed: int) -> None:
    """
    A page of the file that cannot be read: whoever else asks within a quarter of a second or later
    is let through and opens the way, however the ticks fall.
    """
    bench, chance = with_a_bad_card(LedgerUnavailable("SQLITE_CORRUPT")), Random(seed)  # noqa: S311
    for number in range(FAILURES_MAX):
        asked(bench, PAN, number)
    assert bench.switch.refuses_ledger
    for _ in range(100):
        bench.pass_time(TICK_SECONDS + chance.uniform(0, 0.002))
    assert bench.switch.refuses_ledger

    later = chance.uniform(0, TICK_SECONDS)
    bench.utc += timedelta(seconds=later)
    bench.monotonic += later

    assert "00" == asked(bench, OTHER, 99)
    assert not bench.switch.refuses_ledger


def test_own_question_waits_while_somebody_asks() -> None:
    """A request's question is as good: where one went through, ours is put off by it."""
    bench = with_a_bad_card(LedgerUnavailable("away"))
    for number in range(FAILURES_MAX):
        asked(bench, PAN, number)
    before = len(bench.memory.asked)
    for number in range(4):
        bench.utc += timedelta(seconds=AGAIN_SECONDS)
        bench.monotonic += AGAIN_SECONDS
        asked(bench, PAN, 10 + number)
        bench.perform(bench.switch.tick(bench.now))
    put = [one for one in bench.memory.asked[before:] if isinstance(one, FindCard)]

    assert 4 == len(put)
