"""Claims about commands that were carried out: known until a recording of them is stale."""

from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.accepted import Accepted
from atm_switch.wire.message import IsoMessage

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
