"""Guessing PINs against the core: three looks per card, however the guesses come."""

import pytest

from atm_switch.domain.errors import LedgerUnavailable, NeighbourUnavailable, NeverAsked
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.ports import Commit, FindAccount, Reserve
from tests.doubles.bench import PIN, Bench
from tests.doubles.inquiries import signed_on

WRONG = "0123456789ABCDEF"
LINKS = 8


def many_links() -> Bench:
    """Sign on eight links."""
    bench = signed_on()
    for link in range(2, LINKS + 1):
        bench.open(link)
        bench.sign_on(link)
    return bench


def guess(bench: Bench, number: int, pin: str) -> list[str]:
    """Send one guess over the next link; return the DE39 that came at once."""
    changes: dict[int, str | None] = {
        11: f"{number:06d}", 41: f"S1ABC{number % 1000:03d}", 52: bench.pin_block(pin)
    }  # fmt: skip
    frame = bench.dialect.packager.pack(bench.inquiry(changes))
    return [message[39] for message in bench.feed(frame, number % LINKS + 1)]


def codes_since(bench: Bench, before: int) -> list[str]:
    """Return the DE39 of all that was sent since."""
    return [bench.dialect.packager.unpack(send.payload)[39] for send in bench.sent[before:]]


def test_thousand_guesses_get_three_looks() -> None:
    """
    A thousand PINs over eight links and a thousand terminals, the right one among them:
    three are looked at, the others get 75.
    """
    bench = many_links()

    codes = [code for number in range(1000) for code in guess(bench, number, f"{number:06d}")]
    late = guess(bench, 5000, PIN)

    assert ["55"] * 3 + ["75"] * 997 == codes
    assert ["75"] == late
    assert 3 == bench.memory.verifications


@pytest.mark.parametrize("kind", [Reserve, VerifyPin])
def test_guesses_under_way_share_the_tries(kind: type) -> None:
    """
    Twenty guesses sent before the first is answered are still three looks.
    """
    bench = many_links()
    bench.holds = (kind,)
    before = len(bench.sent)

    for number in range(20):
        guess(bench, number, "999999")
    bench.release()

    codes = codes_since(bench, before)
    assert (3, 17) == (codes.count("55"), codes.count("75"))
    assert 3 == bench.memory.verifications


def test_right_pin_among_many_wins_nothing_extra() -> None:
    """
    The right PIN, when three wrong ones are under way before it, waits and is not looked at.
    """
    bench = many_links()
    bench.holds = (VerifyPin,)
    before = len(bench.sent)

    for number in range(3):
        guess(bench, number, "999999")
    guess(bench, 3, PIN)
    bench.release()

    assert ["55", "55", "55", "75"] == codes_since(bench, before)
    assert [3] == list(bench.memory.tries.values())


def test_right_pins_at_once_are_no_guesses() -> None:
    """
    Twenty right PINs of one card under way together are all approved.
    """
    bench = many_links()
    bench.holds = (VerifyPin,)
    before = len(bench.sent)

    for number in range(20):
        guess(bench, number, PIN)
    bench.release()

    assert ["00"] * 20 == codes_since(bench, before)


def test_turn_outlives_a_request_that_was_given_up() -> None:
    """
    A waiting request that is given up loses its place, not the card's turn.
    """
    bench = many_links()
    bench.holds = (VerifyPin,)
    guess(bench, 0, PIN)
    guess(bench, 1, PIN)
    bench.pass_time(9)
    bench.holds, bench.held = (), []

    assert ["00"] == guess(bench, 2, PIN)


def test_hanging_up_gives_no_try_back() -> None:
    """
    Who closes the link before the answer has used the try all the same.
    """
    bench = many_links()
    for number in range(3):
        bench.holds = (VerifyPin,)
        guess(bench, number, "999999")
        bench.perform(bench.switch.closed(number % LINKS + 1, "hung up"))
        bench.release()

    assert ["75"] == guess(bench, 7, PIN)


@pytest.mark.parametrize(
    "fault", [NeighbourUnavailable("HSM away"), ValueError("our mistake"), TimeoutError()]
)
def test_verifier_that_fails_gives_no_try_back(fault: Exception) -> None:
    """
    A try whose look failed is used: three failures and the card waits, never 00.
    """
    bench = many_links()
    bench.memory.faults[VerifyPin] = fault

    codes = [code for number in range(5) for code in guess(bench, number, PIN)]

    assert {"91" if isinstance(fault, NeighbourUnavailable) else "96", "75"} == set(codes)
    assert (2, [3]) == (codes.count("75"), list(bench.memory.tries.values()))


def test_lost_commit_does_not_clear_the_tries() -> None:
    """
    A right PIN whose row could not be kept does not give tries back: they are cleared in
    the commit or not at all.
    """
    bench = many_links()
    guess(bench, 0, "999999")
    bench.memory.faults[Commit] = NeighbourUnavailable("disk full")

    assert ["96"] == guess(bench, 1, PIN)
    assert [2] == list(bench.memory.tries.values())


def test_right_pin_clears_tries_without_balance() -> None:
    """
    The PIN counts by itself: with the ledger away the right one gets 91 and clears the tries.
    """
    bench = many_links()
    guess(bench, 0, "999999")
    bench.memory.faults[FindAccount] = LedgerUnavailable("away")

    assert ["91"] == guess(bench, 1, PIN)
    assert [0] == list(bench.memory.tries.values())


def test_unlinked_card_is_no_oracle() -> None:
    """
    A card nobody linked gets 56 for every PIN and is counted nowhere.
    """
    bench = many_links()
    bench.memory.cards.clear()

    codes = {code for number in range(10) for code in guess(bench, number, f"{number:06d}")}

    assert {"56"} == codes
    assert (0, {}) == (bench.memory.verifications, bench.memory.tries)


def test_outage_of_any_length_spends_no_try() -> None:
    """
    While the HSM is certainly not asked, no try is used: the right PIN gets 00 afterwards.
    """
    bench = many_links()
    bench.memory.faults[VerifyPin] = NeverAsked("the HSM is not connected")
    outage = [code for number in range(50) for code in guess(bench, number, PIN)]
    bench.memory.faults.clear()

    late = guess(bench, 60, PIN)

    assert ["91"] * 50 == outage
    assert ["00"] == late


def test_outage_between_guesses_gives_no_look_more() -> None:
    """
    However the HSM comes and goes, three wrong PINs are looked at and then 75 it is.
    """
    bench = many_links()
    codes: list[str] = []

    for number in range(40):
        if number % 3:
            bench.memory.faults[VerifyPin] = NeverAsked("the HSM is not connected")
        else:
            bench.memory.faults.clear()
        codes += guess(bench, number, "999999")

    assert 3 == codes.count("55")
    assert 3 == bench.memory.verifications
    assert "75" == codes[-1]


def test_row_that_is_lost_gives_no_try_back() -> None:
    """
    Where row B cannot be kept, the try stays used: what is given back is given durably.
    """
    bench = many_links()
    bench.memory.faults[VerifyPin] = NeverAsked("the HSM is not connected")
    bench.memory.faults[Commit] = NeighbourUnavailable("disk full")

    assert ["96"] == guess(bench, 0, PIN)
    assert [1] == list(bench.memory.tries.values())
