"""Sign-ons under way at once over one link: 00 means signed on, and a record is what it takes.

The records are written, or fail, in every order there is.
"""

from itertools import permutations, product

import pytest

from atm_switch.domain.errors import JournalUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.switch.ports import KeepRecord
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import BNI, Bench, bank
from tests.doubles.inquiries import network

SIGN_ON, SIGN_OFF = "001", "002"
TWO = list(product((True, False), repeat=2))
THREE = list(product((True, False), repeat=3))
OTHER = AcquirerId("002")


def hold(bench: Bench, *messages: IsoMessage) -> Bench:
    """Say messages at once; their records are ``held``, and only theirs."""
    bench.holds = (KeepRecord,)
    for message in messages:
        assert [] == bench.feed(bench.dialect.packager.pack(message))
    bench.holds = ()
    return bench


def under_way(*codes: str) -> Bench:
    """A link over which commands were said at once."""
    return hold(Bench(), *map(network, codes))


def end(bench: Bench, at: int, *, is_written: bool) -> None:
    """Write one of the held records, or have it fail."""
    answer = None if is_written else JournalUnavailable("the disk is full")
    bench.perform(bench.switch.answered(bench.held[at].ticket, answer, bench.now))


def outcome(bench: Bench, at: int, *, is_written: bool) -> str:
    """End one; return what its command is answered."""
    end(bench, at, is_written=is_written)
    return bench.dialect.packager.unpack(bench.sent[-1].payload)[39]


def inquired(bench: Bench) -> str:
    """What an inquiry gets."""
    return bench.ask(bench.inquiry())[39]


def dialled(*banks: AcquirerId) -> tuple[Bench, IsoMessage]:
    """A line the switch dialled for BNI and signs on to, and the bank's 00 to that."""
    bench = Bench(banks=tuple(bank(acquirer=one) for one in banks))
    bench.open(1, BNI)
    bench.perform(bench.switch.dialled(1, 0.0, bench.now))
    said = bench.dialect.packager.unpack(bench.sent[-1].payload)
    return bench, IsoMessage("0810", {7: said[7], 11: said[11], 39: "00", 70: said[70]})


@pytest.mark.parametrize("stand", TWO + THREE)
def test_one_record_of_several_is_enough(stand: tuple[bool, ...]) -> None:
    """
    00 to each that is recorded, and then the link is signed on; where none is, it is not.
    """
    for order in permutations(range(len(stand))):
        bench = under_way(*[SIGN_ON] * len(stand))

        codes = [outcome(bench, at, is_written=stand[at]) for at in order]

        assert ["00" if stand[at] else "96" for at in order] == codes
        assert ("00" if any(stand) else "58") == inquired(bench)


@pytest.mark.parametrize("stand", TWO)
def test_sign_off_between_parts_them(stand: tuple[bool, bool]) -> None:
    """
    What is said behind it stands on its own record alone.
    """
    written = (stand[0], True, stand[1])
    for order in permutations(range(3)):
        bench = under_way(SIGN_ON, SIGN_OFF, SIGN_ON)

        codes = [outcome(bench, at, is_written=written[at]) for at in order]

        assert ["00" if written[at] else "96" for at in order] == codes
        assert ("00" if stand[1] else "58") == inquired(bench)


@pytest.mark.parametrize("stand", THREE)
def test_sign_off_behind_them_stands(stand: tuple[bool, bool, bool]) -> None:
    """
    Recorded or not, nothing said before it opens the link again.
    """
    for order in permutations(range(3)):
        bench = under_way(SIGN_ON, SIGN_ON, SIGN_OFF)

        for at in order:
            end(bench, at, is_written=stand[at])

        assert "58" == inquired(bench)


def test_sign_on_behind_those_that_failed_begins_anew() -> None:
    """
    What is left of them neither holds it nor takes it away.
    """
    bench = under_way(SIGN_ON, SIGN_ON)
    assert ["96", "96"] == [outcome(bench, at, is_written=False) for at in (1, 0)]

    assert ["00", "00"] == [bench.ask(network(SIGN_ON))[39] for _ in range(2)]
    assert [("sign-on", "")] == [(one.kind, one.detail) for one in bench.memory.records]
    assert "00" == inquired(bench)


@pytest.mark.parametrize("stand", TWO)
@pytest.mark.parametrize("is_ours_first", [True, False])
def test_switch_s_own_and_the_bank_s_stand_for_both(
    stand: tuple[bool, bool], *, is_ours_first: bool
) -> None:
    """
    Over a line the switch dialled either record is enough.
    """
    for order in permutations(range(2)):
        bench, answer = dialled(BNI)
        theirs = network(SIGN_ON)
        hold(bench, *((answer, theirs) if is_ours_first else (theirs, answer)))

        for at in order:
            end(bench, at, is_written=stand[at])

        assert ("00" if any(stand) else "58") == inquired(bench)


@pytest.mark.parametrize("is_written", [True, False])
def test_switch_s_own_does_not_stand_on_another_bank_s(*, is_written: bool) -> None:
    """
    It is the line's own bank's where that is recorded, or nobody's.
    """
    bench, answer = dialled(BNI, OTHER)
    session = bench.switch.session_of(1)
    assert session is not None
    assert "00" == bench.ask(network(SIGN_ON, {32: "002"}))[39]
    assert OTHER == session.signed_on_as

    hold(bench, answer)
    end(bench, 0, is_written=is_written)

    assert (BNI if is_written else None) == session.signed_on_as
    assert session.standing is None
    assert ("00" if is_written else "58") == inquired(bench)
