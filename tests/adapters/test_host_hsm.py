"""Claims about the host engine: what is asked of the HSM, over which connection, how often."""

import asyncio
import re
import sys
from dataclasses import replace

import pytest

from atm_switch.adapters.host_hsm import HostHsm
from atm_switch.adapters.hsm_commands import diagnostics
from atm_switch.adapters.hsm_link import LINK_COMMANDS_MAX, HsmLine, HsmLink
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import PinBlock
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from atm_switch.security.key_ring import KeyUsage
from atm_switch.switch.hsm_port import ImportKey, KeyRefused, MakeMac, MintKey, PinVerdict
from atm_switch.switch.retries import Retries
from tests.doubles.host_command_hsm import host_command_hsm
from tests.doubles.hsm_rig import (
    CHANCE,
    EXCHANGE,
    FIRST,
    LMK,
    PIN,
    SECOND,
    enciphered,
    host_rig,
    mac_answer,
    mac_question,
    other_pin,
    until,
)
from tests.doubles.local_master_key import LocalMasterKey


async def test_many_questions_share_two_connections() -> None:
    """Two hundred at once, answered last come first served: each gets its own answer."""
    async with host_rig() as rig:
        rig.hsm.mischief.batch = 10

        answers = await asyncio.gather(*(rig.ask(mac_question(rig, n)) for n in range(200)))

        assert [mac_answer(n) for n in range(200)] == answers
        assert (rig.hsm.connected, rig.hsm.asked["M6"]) == (2, 200)


async def test_headers_under_way_are_never_the_same() -> None:
    """With a header of one digit ten commands are under way at most, and no two alike."""
    async with host_rig(connections=1, header_digits=1) as rig:
        rig.hsm.mischief.holds = True
        rig.hsm.frames.clear()
        under_way = [asyncio.ensure_future(rig.ask(mac_question(rig, n))) for n in range(10)]
        await until(lambda: rig.hsm.held == 10)

        with pytest.raises(NeighbourUnavailable, match=r"^the HSM has too much under way$"):
            await rig.ask(mac_question(rig, 10))
        rig.hsm.release()

        assert [mac_answer(n) for n in range(10)] == await asyncio.gather(*under_way)
        assert len({frame[:1] for frame in rig.hsm.frames}) == 10


async def test_connections_and_addresses_are_taken_in_turn() -> None:
    """Of two HSMs with a connection each, each gets every other question."""
    async with (
        host_command_hsm(LocalMasterKey(LMK)) as second,
        host_rig(connections=1, others=[("127.0.0.1", second.port)]) as rig,
    ):
        for number in range(10):
            assert mac_answer(number) == await rig.ask(mac_question(rig, number))

        assert (5, 5) == (rig.hsm.asked["M6"], second.asked["M6"])


async def test_every_pin_question_is_one_verification() -> None:
    """Right, wrong, malformed: with one key and one format the HSM verifies once each."""
    async with host_rig() as rig:
        blocks = [enciphered(PIN, FIRST), enciphered(other_pin(), FIRST), PinBlock(bytes(7))]

        counts = []
        for block in blocks:
            await rig.ask(rig.pin_question(block))
            counts.append(rig.hsm.verifications)

        assert [1, 2, 3] == counts


async def test_wrong_and_malformed_cost_the_same() -> None:
    """With two keys and three formats each question is six commands, whatever the answer."""
    async with host_rig() as rig:
        blocks = [enciphered(PIN, FIRST), enciphered(other_pin(), SECOND), PinBlock(bytes(8))]

        counts = []
        for block in blocks:
            before = rig.hsm.verifications
            await rig.ask(rig.pin_question(block, FIRST, SECOND, formats="013"))
            counts.append(rig.hsm.verifications - before)

        assert [6, 6, 6] == counts


async def test_yes_to_a_stand_in_is_no_yes() -> None:
    """Even an HSM that says yes to all opens no card with a misshapen block or PVV."""
    async with host_rig() as rig:
        rig.hsm.mischief.error = "00"

        right = await rig.ask(rig.pin_question(enciphered(PIN, FIRST)))
        block = await rig.ask(rig.pin_question(PinBlock(bytes(7))))
        pvv = await rig.ask(rig.pin_question(enciphered(PIN, FIRST), pvv=""))

        assert [True, False, False] == [one.is_right for one in (right, block, pvv)]


async def test_terminals_keys_are_used_as_such() -> None:
    """A terminal's PIN key verifies by DC; keys under its exchange key are the terminal's."""
    async with host_rig() as rig:
        tokens = {
            usage: rig.hsm.lmk.lmk_token(key, usage, is_of_terminal=True)
            for usage, key in ((KeyUsage.PIN, FIRST), (KeyUsage.EXCHANGE, EXCHANGE))
        }
        block = wrap(EXCHANGE, KeyBlock("M3", "T", "C", "00", "E", SECOND), CHANCE)
        question = rig.pin_question(enciphered(PIN, FIRST))

        verdict = await rig.ask(
            replace(question, keys=(tokens[KeyUsage.PIN],), is_of_terminal=True)
        )
        taken = await rig.ask(ImportKey(tokens[KeyUsage.EXCHANGE], block, KeyUsage.MAC, "T"))
        minted = await rig.ask(MintKey(tokens[KeyUsage.EXCHANGE], KeyUsage.PIN, "T"))

        assert PinVerdict(is_right=True, key_at=0) == verdict
        assert (rig.hsm.asked["DC"], rig.hsm.asked["EC"]) == (1, 0)
        assert taken.token.reveal().startswith(b"003:U")
        assert minted.key.token.reveal().startswith(b"002:U")
        assert len(await rig.ask(MakeMac("x9.19", taken, b"0200"))) == 8


async def test_format_of_another_cipher_is_no_verdict() -> None:
    """Format 4 under a TDES key is a line set up wrongly, not a wrong PIN."""
    async with host_rig() as rig:
        question = rig.pin_question(enciphered(PIN, FIRST), formats="4")

        with pytest.raises(NeighbourUnavailable, match="not of the algorithm"):
            await rig.ask(question)


async def test_check_value_tells_whether_the_token_is_known() -> None:
    """The HSM names a key by its check value, and knows no key of another use."""
    async with host_rig() as rig:
        key = rig.token(FIRST, KeyUsage.PIN)

        assert key_check_value(FIRST, "T") == await rig.host.check_value(key, KeyUsage.PIN)
        with pytest.raises(KeyRefused):
            await rig.host.check_value(key, KeyUsage.MAC)


async def test_key_of_another_master_key_is_no_verdict() -> None:
    """A PIN under a token of another HSM is not a wrong PIN."""
    async with host_rig() as rig:
        alien = LocalMasterKey(bytes(32), CHANCE).lmk_token(FIRST, KeyUsage.PIN)
        question = rig.pin_question(enciphered(PIN, FIRST))

        with pytest.raises(NeighbourUnavailable, match="another master key"):
            await rig.ask(replace(question, keys=(alien,)))


async def test_message_too_long_for_the_hsm_is_no_answer() -> None:
    """A message no command can carry is not sent, and costs the connection nothing."""
    async with host_rig() as rig:
        key = rig.token(FIRST, KeyUsage.MAC)

        with pytest.raises(NeighbourUnavailable, match="too long"):
            await rig.ask(MakeMac("x9.19", key, bytes(70_000)))

        assert mac_answer(1) == await rig.ask(mac_question(rig, 1))
        assert rig.host.live == 2


async def test_question_waits_for_nobody_who_does_not_read() -> None:
    """A connection whose HSM does not read takes no command until it does."""
    link = HsmLink(4, 1.0)

    free = [link.is_free]
    link.pause_writing()
    with pytest.raises(NeighbourUnavailable, match="not free"):
        await link.ask(diagnostics())
    free.append(link.is_free)
    link.resume_writing()
    free.append(link.is_free)

    assert [True, False, True] == free
    assert LINK_COMMANDS_MAX >= 100


async def test_closing_leaves_nothing_behind() -> None:
    """Questions under way end when the engine is closed, and no task outlives it."""
    before = asyncio.all_tasks()
    async with host_rig() as rig:
        rig.hsm.mischief.holds = True
        under_way = asyncio.ensure_future(rig.ask(mac_question(rig, 1)))
        await until(lambda: rig.hsm.held == 1)

        await rig.host.close()

        with pytest.raises(NeighbourUnavailable, match=r"^the switch stops$"):
            await under_way
        with pytest.raises(NeighbourUnavailable, match="not connected"):
            await rig.ask(mac_question(rig, 2))
        assert rig.host.live == 0

    await until(lambda: asyncio.all_tasks() == before)


async def test_closing_an_engine_never_started_is_nothing() -> None:
    """An engine without addresses, or not started, closes and answers nothing."""
    engine = HostHsm([], 2, HsmLine(1.0, 4))
    await engine.start()
    await engine.close()

    key = LocalMasterKey(LMK).lmk_token(FIRST, KeyUsage.MAC)
    with pytest.raises(NeighbourUnavailable):
        await engine.make_mac(MakeMac("x9.19", key, b"0200"))


@pytest.mark.parametrize(
    ("failures", "least", "most"),
    [(0, 0.05, 0.1), (1, 0.1, 0.2), (4, 0.8, 1.6), (6, 2.5, 5.0), (10_000, 2.5, 5.0)],
)
def test_pauses_double_up_to_a_bound(failures: int, least: float, most: float) -> None:
    """Pauses grow from a tenth of a second to five, and half of each is chance."""
    pauses = [Retries(one).pause(failures) for one in (lambda: 0.0, lambda: 1.0)]

    assert pytest.approx([least, most]) == pauses


async def test_test_hsm_runs_as_a_program() -> None:
    """The HSM of the tests runs by itself, and knows keys by the LMK it was given."""
    command = (sys.executable, "-m", "tests.doubles.host_command_hsm", "--lmk", LMK.hex())
    child = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert child.stdout is not None
        said = (await child.stdout.readline()).decode()
        engine = HostHsm(
            [("127.0.0.1", int(re.findall(r":([0-9]+),", said)[0]))], 1, HsmLine(30.0, 4)
        )
        await engine.start()
        key = LocalMasterKey(LMK).lmk_token(FIRST, KeyUsage.MAC)

        made = await engine.make_mac(MakeMac("x9.19", key, b"0200 7"))

        await engine.close()
    finally:
        child.terminate()
        await child.wait()
    assert mac_answer(7) == made
