"""Claims about commands that were carried out: known until a recording of them is stale."""

from dataclasses import replace

import pytest

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.accepted import Accepted, identity_of
from atm_switch.switch.case import Case
from atm_switch.switch.house import House
from atm_switch.switch.once import once
from atm_switch.switch.ports import Steps
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench, bank
from tests.doubles.signed_line import ask_signed, signing_bench

BNI, OTHER = AcquirerId("009"), AcquirerId("014")
COMMAND = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


def test_command_is_known_until_its_time() -> None:
    """From the moment it was taken in, for as long as was said."""
    accepted = Accepted()

    assert not accepted.has(BNI, COMMAND, 100.0)
    assert accepted.take(BNI, COMMAND, 100.0, 30.0)
    assert accepted.has(BNI, COMMAND, 129.9)
    assert not accepted.has(BNI, COMMAND, 130.0)


def test_command_differs_by_each_part() -> None:
    """Another terminal, moment, number, code or bank is another command."""
    accepted = Accepted()
    accepted.take(BNI, COMMAND, 100.0, 30.0)
    parts = {41: "S1ABC123", 7: "0630072508", 11: "000002", 70: "002"}

    others = [
        IsoMessage("0800", dict(sorted({**COMMAND.elements, number: text}.items())))
        for number, text in parts.items()
    ]

    assert [False] * 4 == [accepted.has(BNI, other, 100.0) for other in others]
    assert not accepted.has(OTHER, COMMAND, 100.0)


def test_refused_command_is_let_go() -> None:
    """What was not carried out may come again."""
    accepted = Accepted()
    accepted.take(BNI, COMMAND, 100.0, 30.0)

    accepted.let_go(BNI, COMMAND)

    assert not accepted.has(BNI, COMMAND, 100.0)


def test_full_memory_forgets_nothing_early() -> None:
    """There is room again once the oldest is stale, and other banks have their own."""
    accepted = Accepted(most=1)
    second = COMMAND.with_element(11, "000002")
    accepted.take(BNI, COMMAND, 100.0, 30.0)

    assert not accepted.take(BNI, second, 129.0, 30.0)
    assert accepted.has(BNI, COMMAND, 129.0)
    assert accepted.take(OTHER, second, 129.0, 30.0)
    assert accepted.take(BNI, second, 130.0, 30.0)


def test_recalled_command_is_known_until_its_time() -> None:
    """A restart takes in what was carried out before it, each bank's own."""
    accepted = Accepted()

    accepted.recall(BNI, identity_of(COMMAND), 130.0)

    assert accepted.has(BNI, COMMAND, 129.9)
    assert not accepted.has(OTHER, COMMAND, 129.9)
    assert not accepted.has(BNI, COMMAND, 130.0)


def test_command_beyond_what_can_be_remembered_is_refused() -> None:
    """65 and nothing moves: to forget another one early would be to let its recording in."""
    bench = signing_bench()
    bench.house.accepted = Accepted(most=1)
    cuts = [
        IsoMessage("0800", {7: "0630072507", 11: f"00077{at}", 15: f"070{at}", 70: "201"})
        for at in (1, 2)
    ]

    assert ["00", "65"] == [ask_signed(bench, cut)[39] for cut in cuts]
    assert [1] == [day.day for day in bench.house.business_dates.values()]


@pytest.mark.parametrize("code", ["161", "162"])
def test_command_of_nobody_is_refused_and_not_remembered(code: str) -> None:
    """Of a line that has not signed on, and of which no bank can be told: 58."""
    bench = Bench(banks=(bank(), replace(bank(), acquirer=OTHER)))
    command = IsoMessage("0800", {7: "0630072507", 11: "000009", 48: "PIN", 70: code})

    assert "58" == bench.ask(command)[39]
    assert not any(bench.house.accepted.has(one, command, 1000.0) for one in (BNI, OTHER))
    assert [] == bench.memory.commands


def test_verb_decides_over_a_command_of_nobody() -> None:
    """It counts for no bank, so that nothing is remembered or made durable of it."""
    bench = Bench(banks=(bank(), replace(bank(), acquirer=OTHER)))
    session = bench.switch.session_of(1)
    assert session is not None
    case = Case(COMMAND, None, session.dialect.rules["0800"], session, bench.now, bench.now)
    asked: list[Case] = []

    def verb(case: Case, _house: House) -> Steps[None]:
        asked.append(case)
        yield from ()

    assert [] == list(once(case, bench.house, verb))
    assert [case] == asked
    assert (False, None) == (case.is_replay, case.fresh_until)
