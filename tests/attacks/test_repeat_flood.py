"""One request sent without end while its first is under way: bounded like any other crowd."""

from dataclasses import replace

from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import until
from tests.doubles.bench import Bench, bank
from tests.doubles.open_house import GENEROUS, caller, open_house

ECHO = IsoMessage("0800", {7: "0630072507", 11: "000099", 70: "301"})


async def test_repeats_of_a_request_under_way_are_bounded() -> None:
    """The same request again and again counts each time: past the limit nothing is read on."""
    limits = replace(GENEROUS, line=replace(GENEROUS.line, in_flight_per_link_max=3))
    async with (
        open_house(Bench(banks=(bank(pin=PinPolicy.ACQUIRER),)), limits) as house,
        caller(house) as client,
    ):
        house.journal.holds = True
        request = house.bench.inquiry()
        client.say(*[request] * 8)
        client.say(ECHO)
        await until(lambda: bool(house.logged("transaction")[1:]))
        waiting = [line.get("note") for line in house.logged("transaction")]
        assert 1 == len(house.journal.held)

        house.journal.release()
        answers = [(await client.hear())[39] for _ in range(9)]

        assert ["joined the same request under way"] * 2 == waiting
        assert ["00"] * 9 == answers
