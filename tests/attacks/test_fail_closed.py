"""Whatever a neighbour answers or fails to, 00 takes an explicit yes at every door."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.domain.errors import JournalUnavailable, LedgerUnavailable
from atm_switch.switch.hsm_port import VerifyPin
from atm_switch.switch.ports import (
    Commit,
    FindAccount,
    FindCard,
    FindRepeat,
    FindSiblings,
    Reservation,
    Reserve,
)
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BUDI, Bench
from tests.doubles.inquiries import de48, signed_on

KINDS = (FindRepeat, FindCard, Reserve, VerifyPin, FindSiblings, FindAccount, Commit)
READING = (FindCard, FindSiblings, FindAccount)
NONSENSE: tuple[Any, ...] = (
    "00", "yes", 1, 1.0, b"\x01", bytearray(b"00"), ("00",), {"granted": True}, [True],
    NotImplemented, asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(0),
)  # fmt: skip


def by_number(bench: Bench) -> IsoMessage:
    """Ask for the own KPJ by its number: every kind of neighbour is asked then."""
    return bench.inquiry({48: de48(BUDI.digits, lookup=1)})


def is_a_decline(response: IsoMessage) -> bool:
    """Tell whether a response is a no and holds nothing of a balance."""
    return "00" != response[39] and not {48, 54, 63} & response.elements.keys()


@pytest.mark.parametrize("answer", NONSENSE, ids=repr)
def test_only_true_is_a_right_pin(answer: object) -> None:
    """
    An answer of the verifier that is merely truthy is not a right PIN.
    """
    bench = signed_on()
    bench.memory.faults[VerifyPin] = answer

    assert is_a_decline(bench.ask(bench.inquiry()))


@pytest.mark.parametrize("answer", [None, False, 0, "", *NONSENSE], ids=repr)
@pytest.mark.parametrize("kind", [FindCard, Reserve, FindAccount], ids=lambda kind: kind.__name__)
def test_nonsense_from_a_neighbour_is_declined(kind: type, answer: object) -> None:
    """
    An answer of a type nobody promised is a decline, and the switch goes on.
    """
    bench = signed_on()
    bench.memory.faults[kind] = answer

    response = bench.ask(bench.inquiry())
    bench.memory.faults.clear()

    assert is_a_decline(response)
    assert "00" == bench.ask(bench.inquiry({11: "000124"}))[39]


@pytest.mark.parametrize(
    "stop", [asyncio.CancelledError(), KeyboardInterrupt(), SystemExit(0)], ids=repr
)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_stopped_neighbour_is_no_yes(kind: type, stop: BaseException) -> None:
    """
    A neighbour whose task was cancelled said neither yes nor no: one decline, no silence.
    """
    bench = signed_on()
    bench.memory.faults[kind] = stop

    assert is_a_decline(bench.ask(by_number(bench)))
    assert 0 == bench.switch.in_flight


@pytest.mark.parametrize("granted", [None, 0, "no", "yes", 2])
def test_try_must_be_granted_by_true(granted: Any) -> None:
    """
    Only a reservation that says true lets the PIN be looked at.
    """
    bench = signed_on()
    bench.memory.faults[Reserve] = Reservation(1, 1, granted)

    assert "75" == bench.ask(bench.inquiry())[39]
    assert 0 == bench.memory.verifications


@given(
    faults=st.dictionaries(
        st.sampled_from(KINDS),
        st.sampled_from(
            [LedgerUnavailable("x"), JournalUnavailable("x"), ValueError("x"), MemoryError(),
             RecursionError(), StopIteration(), StopAsyncIteration(), GeneratorExit()]
        ),
        min_size=1,
    )
)  # fmt: skip
def test_any_mix_of_faults_is_one_decline(faults: dict[type, BaseException]) -> None:
    """
    Any set of neighbours failing in any way at once is one decline, and nothing is left
    under way.
    """
    bench = signed_on()
    bench.memory.faults.update(faults)

    response = bench.ask(by_number(bench))

    assert is_a_decline(response)
    assert (0, {}) == (bench.switch.in_flight, bench.house.flights)


@given(st.lists(st.sampled_from(KINDS), unique=True, min_size=1), st.permutations(range(7)))
def test_late_and_double_answers_change_nothing(kinds: list[type], order: list[int]) -> None:
    """
    Tickets answered twice, out of turn or long after are ignored: one response in all.
    """
    bench = signed_on()
    bench.holds = tuple(kinds)
    before = len(bench.sent)
    bench.feed(bench.dialect.packager.pack(by_number(bench)))
    tickets = [asked.ticket for asked in bench.held]

    bench.release()
    for shift in order:
        for ticket in tickets:
            bench.perform(bench.switch.answered(ticket, None, bench.now))
            bench.perform(bench.switch.answered(ticket + shift, LedgerUnavailable("x"), bench.now))

    assert 1 == len(bench.sent) - before
    assert 0 == bench.switch.in_flight
