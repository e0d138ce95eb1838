"""Claims about limits: those of a link, of a card's turn, and those that change meanwhile."""

from asyncio import CancelledError
from dataclasses import replace

import pytest

from atm_switch.switch.house import House
from atm_switch.switch.ledger_gate import LedgerGate
from atm_switch.switch.policy import PinPolicy, SwitchPolicy
from atm_switch.switch.ports import Commit, FindAccount, FindCard, Reserve, TakeTurn
from atm_switch.switch.turns import Turns
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.inquiries import commits, signed_on

NO_PIN = (bank(pin=PinPolicy.ACQUIRER),)


def numbered(bench: Bench, number: int, **changes: str) -> IsoMessage:
    """An inquiry of its own STAN, of another terminal if one is named."""
    terminal = {41: changes["terminal"]} if changes else {}
    return bench.inquiry({11: f"{number:06d}", 37: f"518107{number:06d}", **terminal})


def code(bench: Bench, number: int, **changes: str) -> str:
    """Ask it; the code of its answer."""
    return bench.ask(numbered(bench, number, **changes))[39]


def served(bench: Bench, number: int, at_most: int, link: int = 1) -> list[str]:
    """Ask on a link of which so many may be served; the codes of what was answered at once."""
    before = len(bench.sent)
    frame = Frame(b"", bench.dialect.packager.pack(numbered(bench, number)))
    effects = bench.switch.received(link, frame, bench.now, served_max=at_most)
    bench.perform(effects)
    return [bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[before:]]


def test_link_is_served_no_more_at_once_than_it_may_be() -> None:
    """What is beyond is 91 with a row, and does not count itself; other links have their own."""
    bench = signed_on(banks=NO_PIN)
    bench.open(2)
    bench.sign_on(2)
    bench.holds = (FindCard,)

    codes = [served(bench, number, 2) for number in range(1, 3)]
    bench.holds = (FindCard, Commit)
    codes += [served(bench, number, 2) for number in range(3, 5)]
    elsewhere = served(bench, 6, 2, link=2)
    in_flight = bench.in_flight_of(1)
    bench.release()

    assert ([[], [], [], []], []) == (codes, elsewhere)
    assert 4 == in_flight
    told = sorted(bench.dialect.packager.unpack(one.payload)[39] for one in bench.sent[2:])
    assert ["00", "00", "00", "91", "91"] == told
    assert ["00"] == served(bench, 7, 1)


def test_link_without_a_limit_is_served_whatever_is_under_way() -> None:
    """0 is none."""
    bench = signed_on(banks=NO_PIN)
    bench.holds = (FindCard,)
    for number in range(5):
        served(bench, number, 0)
    bench.holds = ()

    assert ["00"] == served(bench, 9, 0)


LIMITS = {
    "bad_frames_per_minute": 7,
    "inquiries_per_card_per_hour": 3,
    "inquiries_per_terminal_per_minute": 4,
    "in_flight_max": 5,
    "in_flight_per_terminal_max": 6,
    "echo_idle_seconds": 8.0,
    "echo_answer_seconds": 9.0,
}


def changed(house: House, **limits: int) -> SwitchPolicy:
    """The policy of a house with other limits."""
    return replace(house.policy, **limits)  # type: ignore[arg-type]


def test_new_limits_count_from_now_on_and_banks_stay() -> None:
    """Each of them, and nothing else of the policy that was read anew."""
    house = Bench().house
    other = replace(bank(), name="BANK LAIN")
    new = replace(
        house.policy, acquirers={BNI: other}, refuses_known_keys=True, **LIMITS  # type: ignore[arg-type]
    )  # fmt: skip
    before = house.policy

    house.take_limits(new)

    assert replace(before, **LIMITS) == house.policy  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limit", ["inquiries_per_card_per_hour", "inquiries_per_terminal_per_minute"]
)
def test_limit_that_stays_goes_on_counting(limit: str) -> None:
    """Settings that are read again give nobody anything anew, unless that limit is another."""
    bench = signed_on(banks=NO_PIN, **{limit: 2})
    codes = [code(bench, number) for number in range(3)]

    bench.house.take_limits(changed(bench.house, in_flight_max=77))
    codes.append(code(bench, 4))
    bench.house.take_limits(changed(bench.house, **{limit: 3}))
    codes += [code(bench, number) for number in range(5, 9)]

    assert ["00", "00", "65", "65", "00", "00", "00", "65"] == codes


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [("inquiries_per_card_per_hour", 3600), ("inquiries_per_terminal_per_minute", 60)],
)
def test_limit_that_was_changed_counts_over_the_same_time(limit: str, seconds: float) -> None:
    """A card's is of an hour, a terminal's of a minute, as they were from the start."""
    bench = signed_on(banks=NO_PIN)
    bench.house.take_limits(changed(bench.house, **{limit: 1}))

    codes = [code(bench, 1), code(bench, 2)]
    bench.pass_time(seconds - 1)
    codes.append(code(bench, 3))
    bench.pass_time(2)
    codes.append(code(bench, 4))

    assert ["00", "65", "65", "00"] == codes


def test_turn_of_a_card_passes_over_who_has_given_up() -> None:
    """Of three that want a card's turn the second is gone when the first is done: the third's."""
    turns = Turns()

    taken = [turns.take(b"card", ticket) for ticket in (1, 2, 3)]

    assert [True, False, False] == taken
    assert 3 == turns.pass_on(b"card", {3})
    assert turns.pass_on(b"card", {3}) is None
    assert turns.take(b"card", 4)


def test_card_has_one_try_under_way() -> None:
    """The second of one card waits until the first is answered, then has its own."""
    bench = signed_on()
    bench.holds = (Reserve,)
    for number in (1, 2):
        bench.feed(bench.dialect.packager.pack(numbered(bench, number)))
    held = len(bench.held)

    bench.release()

    assert 1 == held
    assert ["00", "00"] == [row.ending.response_code for row in commits(bench)]


def test_link_ends_once() -> None:
    """What is said of one that has gone already is nothing, and no mistake."""
    bench = signed_on()
    bench.perform(bench.switch.closed(1, "gone"))

    assert [] == bench.switch.closed(1, "gone again")


def test_question_that_was_cancelled_is_a_neighbour_that_was_away() -> None:
    """A cancelled task has given no answer, least of all an approving one: 91."""
    bench = signed_on()
    bench.memory.faults[FindAccount] = CancelledError()

    assert "91" == bench.ask(bench.inquiry())[39]


def test_message_that_asks_for_nothing_costs_a_strike_and_is_not_answered() -> None:
    """A notification that can be read, of a kind nobody knows: noted, and the link ends in time."""
    bench = signed_on(bad_frames_per_minute=3)
    notification = IsoMessage("0640", {7: "0630072507", 11: "000009"})

    answers = [bench.feed(bench.dialect.packager.pack(notification)) for _ in range(3)]

    assert [[], [], []] == answers
    assert [1] == [one.link for one in bench.closed]


def test_what_is_no_question_to_the_ledger_tells_nothing_of_it() -> None:
    """However often another neighbour fails, the ledger is asked on."""
    gate = LedgerGate()

    told = [gate.heard(TakeTurn(None), TimeoutError(), float(at)) for at in range(20)]  # type: ignore[arg-type]

    assert [[]] * 20 == told
    assert not gate.is_shut
