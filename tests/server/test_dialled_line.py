"""Claims about a dialled line over its life: after its sign-on, and each time it is lost."""

from dataclasses import replace

from atm_switch.server.dialler import Manner
from atm_switch.switch.retries import Retries
from tests.doubles.bank_host import until
from tests.doubles.open_house import GENEROUS
from tests.server.test_dialler import called


async def test_line_that_has_held_is_told_to_be_lost_each_time() -> None:
    """Twice for the same reason are two losses; one lost again at once is the same trouble."""
    async with called() as here:
        dialler = here.dial(Manner(retries=Retries(lambda: 0.0, 0.02, 60.0), connect_seconds_max=5))
        for held in (61.0, 61.0, 0.0):
            line = await here.signed_on(dialler)
            here.house.skew += held
            line.writer.write_eof()
            await until(lambda: not here.is_on(dialler))

        lost = [one for one in here.news if one.startswith("line lost")]

    assert 2 == len(lost)


async def test_line_with_one_place_asks_on_after_its_sign_on() -> None:
    """Our sign-on ends without a word of ours; the bank's 0200 behind it is read."""
    tight = replace(GENEROUS, line=replace(GENEROUS.line, in_flight_per_link_max=1))
    async with called(tight) as here:
        line = await here.signed_on(here.dial(limits=tight))
        line.say(here.house.bench.inquiry())

        def is_answered() -> bool:
            here.house.pass_time(0)
            return any(one.mti == "0210" for one in line.heard)

        await until(is_answered)
