"""Claims about keys that a bank asked for while a change of them was under way."""

from atm_switch.switch.case import Case
from atm_switch.switch.hsm_port import MakeMac
from atm_switch.switch.key_exchange import AwaitedKeys
from atm_switch.switch.ports import KeepKeys
from atm_switch.wire.message import IsoMessage
from tests.doubles.bench import Bench
from tests.doubles.key_line import MAC_NAME, PIN_NAME, ask_for_keys
from tests.doubles.signed_line import signing_bench

ASKED = IsoMessage("0800", {7: "0630072507", 11: "000401", 70: "161"})


def ended(bench: Bench, *wanted: object) -> Case:
    """A 161 that has been answered, and what it asked for."""
    session = bench.switch.session_of(1)
    assert session is not None
    case = Case(ASKED, None, session.dialect.rules["0800"], session, bench.now, bench.now)
    case.wanted_keys = wanted  # type: ignore[assignment]
    return case


def begun(
    awaited: AwaitedKeys, bench: Bench, *wanted: object, links: tuple[int, ...] = (1,)
) -> int:
    """How many deliveries begin when a request ends."""
    return len(list(awaited.due(ended(bench, *wanted), bench.house, links)))


def test_key_that_is_being_changed_waits_until_the_change_is_over() -> None:
    """The others are delivered at once, and it when any request ends after that."""
    awaited, bench = AwaitedKeys(), signing_bench()
    bench.house.changing_keys.add(MAC_NAME)

    at_once = begun(awaited, bench, MAC_NAME, PIN_NAME)
    still = (begun(awaited, bench), len(awaited))
    bench.house.changing_keys.clear()
    after = (begun(awaited, bench), len(awaited))

    assert (1, (0, 1), (1, 0)) == (at_once, still, after)


def test_key_of_a_link_that_is_gone_is_delivered_to_nobody() -> None:
    """Whoever asked for it asks again when he is back."""
    awaited, bench = AwaitedKeys(), signing_bench()

    assert 0 == begun(awaited, bench, MAC_NAME, links=())
    assert 0 == len(awaited)


def test_second_wish_for_a_key_sees_what_the_first_began() -> None:
    """One delivery of a key at a time: each is begun before the next is looked at."""
    awaited, bench = AwaitedKeys(), signing_bench()

    for _, steps in awaited.due(ended(bench, MAC_NAME, MAC_NAME), bench.house, (1,)):
        next(steps)

    assert 1 == len(awaited)


def test_mistake_amid_a_delivery_is_noted_by_the_delivery() -> None:
    """By its own number, and not by that of the request the bank asked for it with."""
    bench = signing_bench()
    bench.holds = (KeepKeys,)
    (answer,) = ask_for_keys(bench, "MAC")
    bench.memory.faults[MakeMac] = TypeError("a mistake of ours")

    bench.release()

    said = bench.notes[-1]
    assert "TypeError" in said.fields["reason"]
    told = bench.dialect.packager.unpack(bench.sent[-1].payload)
    assert told[11] == said.fields["stan"] != answer[11]
