"""What an HSM says of thousands of tokens: asked about some at a time, told in their order."""

import asyncio
import gc
from itertools import count

import pytest

from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.engine import Engine
from atm_switch.key_reading import Tokens, wrong_tokens
from atm_switch.security.key_ring import KeyName, KeyUsage, LineKey
from atm_switch.switch.hsm_port import KeyRefused
from tests.doubles.hsm_rig import FIRST, host_rig
from tests.doubles.upkeep_rig import token

BANK = AcquirerId("009")
AT_ONCE = 4


def tokens(number: int) -> Tokens:
    """So many, of a terminal each."""
    made = {}
    for at in range(number):
        name = KeyName(KeyUsage.MAC, BANK, TerminalId(f"S1A{at:05d}"))
        made[name.usage, b"%d" % at, f"{at:06X}"] = (name, token(b"U%d" % at, f"{at:06X}"))
    return made


async def closed() -> None:
    """Nothing is open."""


class Hardware:
    """An HSM whose answers come in any order; some tokens are others, or unknown, or no answer."""

    def __init__(self) -> None:
        """Be asked of nothing yet."""
        self.under_way = self.most = 0
        self._asked = count()

    async def check_value(self, key: LineKey, _usage: KeyUsage) -> str:
        """Answer the later of two sooner."""
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(3 if next(self._asked) % 2 else 9):
                await asyncio.sleep(0)
        finally:
            self.under_way -= 1
        last = int(key.check, 16) % 10
        if last == 6:
            raise KeyRefused("the HSM does not take it")
        if last == 7:
            raise NeighbourUnavailable("away")
        return "FFFFFF" if last == 3 else key.check


async def test_tokens_are_asked_about_some_at_a_time_and_told_in_order() -> None:
    """As many as the engine takes, and no more; one that is not answered is not wrong."""
    hardware = Hardware()

    wrong = await wrong_tokens(tokens(25), Engine({}, closed, hardware.check_value, AT_ONCE))

    assert AT_ONCE == hardware.most
    other = "the key mac 009/S1A00003 has check value FFFFFF at the HSM and 000003 in the key file"
    assert f"{other}; install it again with: atm-switch keys install" == wrong[0]
    assert "the key mac 009/S1A00006, check value 000006: the HSM does not take it" == wrong[1]
    assert ["00003", "00006", "00013", "00016", "00023"] == [
        one.split("S1A")[1][:5] for one in wrong
    ]


async def test_asking_that_is_given_up_leaves_nothing_under_way() -> None:
    """As at a stop of the switch."""
    hardware = Hardware()
    engine = Engine({}, closed, hardware.check_value, AT_ONCE)
    asking = asyncio.create_task(wrong_tokens(tokens(100), engine))
    while hardware.under_way < AT_ONCE:
        await asyncio.sleep(0)

    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)

    assert 0 == hardware.under_way


async def test_asking_that_is_given_up_passes_over_what_was_given_up_before() -> None:
    """An answer that was cancelled by itself hinders none behind it; each failure is heard."""
    loop, unheard = asyncio.get_running_loop(), list[str]()
    answers: list[asyncio.Future[str]] = [loop.create_future() for _ in range(AT_ONCE)]
    loop.set_exception_handler(lambda _, context: unheard.append(str(context)))
    waiting = [*answers]

    async def answer(_key: LineKey, _usage: KeyUsage) -> str:
        return await waiting.pop(0)

    engine = Engine({}, closed, answer, AT_ONCE)
    asking = asyncio.create_task(wrong_tokens(tokens(100), engine))
    for _ in range(AT_ONCE):
        await asyncio.sleep(0)

    first, cancelled, failed, open_ = answers
    cancelled.cancel()
    failed.set_exception(KeyRefused("unknown"))
    first.set_exception(ConnectionError("a mistake"))
    with pytest.raises(ConnectionError, match="a mistake"):
        await asking
    open_was_cancelled = open_.cancelled()
    del answers, engine, asking, answer, first, cancelled, failed, open_
    gc.collect()

    assert open_was_cancelled
    assert [] == unheard


@pytest.mark.parametrize(("header_digits", "at_once"), [(1, 2), (4, 8)])
async def test_tokens_leave_room_on_the_only_connection(header_digits: int, at_once: int) -> None:
    """An HSM that answers so many together is asked of each; none is believed for want of room."""
    async with host_rig(connections=1, header_digits=header_digits) as rig:
        rig.hsm.mischief.batch = at_once
        asked = tokens(10 * at_once)
        right = rig.token(FIRST, KeyUsage.MAC)
        same = {one: (name, right) for one, (name, _) in asked.items()}
        engine = Engine({}, closed, rig.host.check_value, rig.host.checks_at_once)

        wrong = await wrong_tokens(same, engine)

        assert ([], 10 * at_once) == (wrong, rig.hsm.asked["BU"])
