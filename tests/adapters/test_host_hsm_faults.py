"""Claims about the host engine before an HSM that is late, gone, mute or mad."""

import asyncio

import pytest

from atm_switch.adapters.host_hsm import HostHsm
from atm_switch.adapters.hsm_link import SILENCES_MAX, HsmLine
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.security.key_ring import KeyUsage
from atm_switch.switch.retries import Retries
from tests.doubles.brokers import free_port
from tests.doubles.host_command_hsm import HostCommandHsm, Mischief, host_command_hsm
from tests.doubles.hsm_rig import (
    ANSWER_SECONDS_MAX,
    FIRST,
    LMK,
    PAN,
    PIN,
    PVV,
    TOO_LONG,
    Rig,
    enciphered,
    host_rig,
    left_unanswered,
    mac_answer,
    mac_question,
    until,
)
from tests.doubles.local_master_key import LocalMasterKey
from tests.doubles.passed_time import pass_time

DAMAGES = ["header", "code", "half", "garbage", "empty", "zz"]


async def is_served(rig: Rig) -> bool:
    """Put a question until it is answered; whatever was wrong is over."""
    async with asyncio.timeout(30):
        while True:
            try:
                return bool(mac_answer(99) == await rig.ask(mac_question(rig, 99)))
            except NeighbourUnavailable:
                await asyncio.sleep(0.002)


async def test_answer_that_never_comes_is_no_answer() -> None:
    """A dropped answer ends in time; the connection stays and serves the next question."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.drops = 1

        said = await left_unanswered(rig, mac_question(rig, 1))

        assert "the HSM did not answer in time" == str(said)
        assert mac_answer(2) == await rig.ask(mac_question(rig, 2))
        assert rig.hsm.connected == 1


async def test_late_answer_is_nobody_elses() -> None:
    """A late answer goes nowhere, and its header to nobody while it may still come."""
    async with host_rig(connections=1, header_digits=1) as rig:
        rig.hsm.frames.clear()
        rig.hsm.mischief.holds = True
        await left_unanswered(rig, mac_question(rig, 1))
        rig.hsm.mischief.holds = False
        late = rig.hsm.frames[0][:1]

        answers = [await rig.ask(mac_question(rig, n)) for n in range(30)]
        rig.hsm.release()
        after = [await rig.ask(mac_question(rig, n)) for n in range(30)]

        assert [mac_answer(n) for n in range(30)] * 2 == answers + after
        assert late not in {frame[:1] for frame in rig.hsm.frames[1:31]}
        assert late in {frame[:1] for frame in rig.hsm.frames[31:]}
        assert rig.hsm.connected == 1


async def test_question_given_up_at_its_deadline_costs_the_line_nothing() -> None:
    """
    Whoever asked leaves before the HSM's own time is over: the answer that comes then is
    nobody's, and the connection serves the next question.
    """
    async with host_rig(connections=1) as rig:
        rig.hsm.frames.clear()
        rig.hsm.mischief.holds = True
        question = asyncio.ensure_future(rig.ask(mac_question(rig, 1)))
        await until(lambda: bool(rig.hsm.frames))

        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        rig.hsm.mischief.holds = False
        rig.hsm.release()

        assert mac_answer(2) == await rig.ask(mac_question(rig, 2))
        assert rig.hsm.connected == 1


async def test_silent_hsm_is_left() -> None:
    """After three answers in a row that never came the connection is made anew."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.is_mute = True
        for number in range(SILENCES_MAX):
            await left_unanswered(rig, mac_question(rig, number))

        await until(lambda: rig.host.live == 0)
        rig.hsm.mischief.is_mute = False

        assert await is_served(rig)
        assert any("the HSM is silent" in news for news in rig.news)


async def test_hsm_that_forgets_too_much_is_left() -> None:
    """A connection half of whose headers wait for lost answers is made anew."""
    async with host_rig(connections=1, header_digits=1) as rig:
        for number in range(6):
            rig.hsm.mischief.drops = 1
            await left_unanswered(rig, mac_question(rig, number))
            assert number == 5 or await is_served(rig)

        assert await is_served(rig)
        assert rig.hsm.connected == 2


async def test_broken_connection_fails_at_once_and_returns() -> None:
    """Whoever waits on a broken connection hears it at once; then the HSM is back."""
    async with host_rig() as rig:
        rig.hsm.mischief.holds = True
        waiting = [asyncio.ensure_future(rig.ask(mac_question(rig, n))) for n in range(10)]
        await until(lambda: rig.hsm.held == 10)

        rig.hsm.hang_up()
        async with asyncio.timeout(20):  # an answer may take thirty seconds here
            ends = await asyncio.gather(*waiting, return_exceptions=True)

        rig.hsm.mischief = Mischief()
        assert [NeighbourUnavailable] * 10 == [type(end) for end in ends]
        await until(lambda: rig.host.live == 2)
        assert await is_served(rig)
        assert rig.hsm.connected == 4


@pytest.mark.parametrize("damage", DAMAGES)
async def test_damaged_answer_ends_the_connection(damage: str) -> None:
    """An answer that fits nothing ends all that waits, at once; a new connection serves."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.damage = damage

        with pytest.raises(NeighbourUnavailable):
            async with asyncio.timeout(20):
                await rig.ask(mac_question(rig, 1))
        rig.hsm.mischief.damage = ""

        assert await is_served(rig)
        assert rig.hsm.connected == 2


@pytest.mark.parametrize("damage", DAMAGES)
async def test_no_damage_is_ever_a_yes(damage: str) -> None:
    """Before a mad HSM no PIN is right, not even the right one."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.damage = damage

        with pytest.raises(NeighbourUnavailable):
            await rig.ask(rig.pin_question(enciphered(PIN, FIRST)))


@pytest.mark.parametrize("error", ["10", "13", "41", "68", "99"])
async def test_error_codes_are_no_verdict(error: str) -> None:
    """An HSM that refuses is no wrong PIN, and the connection stays."""
    async with host_rig(connections=1) as rig:
        rig.hsm.mischief.error = error

        with pytest.raises(NeighbourUnavailable, match=rf"refuses EC: .*\(error {error}\)"):
            await rig.ask(rig.pin_question(enciphered(PIN, FIRST)))

        rig.hsm.mischief.error = ""
        assert await is_served(rig)
        assert rig.hsm.connected == 1


async def test_no_hsm_is_told_at_once_and_found_later() -> None:
    """Where nobody listens questions end at once; the HSM is found when it comes."""
    port = free_port()
    engine = HostHsm(
        [("127.0.0.1", port)], 2, HsmLine(30.0, 4), retries=Retries(lambda: 0, 0.01, 0.05)
    )
    hsm = HostCommandHsm(LocalMasterKey(LMK))
    rig = Rig(engine, hsm.lmk_token, hsm)
    async with asyncio.timeout(20):
        await engine.start()
        with pytest.raises(NeighbourUnavailable, match=r"^the HSM is not connected$"):
            await rig.ask(mac_question(rig, 1))

    await hsm.start(port)
    await until(lambda: engine.live == 2)

    assert mac_answer(1) == await rig.ask(mac_question(rig, 1))
    await engine.close()
    await hsm.stop()


async def test_dead_address_costs_no_question() -> None:
    """Beside an address where nobody listens the other serves every question."""
    async with host_rig(others=[("127.0.0.1", free_port())]) as rig:
        answers = [await rig.ask(mac_question(rig, n)) for n in range(20)]

        assert [mac_answer(n) for n in range(20)] == answers
        assert sum(news.startswith("hsm away") for news in rig.news) == 2


async def test_hsm_that_goes_leaves_its_questions_to_the_other() -> None:
    """When one of two HSMs stops, what is asked after that goes to the other."""
    async with (
        host_command_hsm(LocalMasterKey(LMK)) as second,
        host_rig(connections=1, others=[("127.0.0.1", second.port)]) as rig,
    ):
        await second.stop()
        await until(lambda: rig.host.live == 1)

        answers = [await rig.ask(mac_question(rig, n)) for n in range(10)]

        assert [mac_answer(n) for n in range(10)] == answers


@pytest.mark.parametrize(
    ("mischief", "reason"),
    [
        (Mischief(is_mute=True), "in time"),
        (Mischief(greeting_error="13"), "its master key is not as it should be"),
    ],
)
async def test_hsm_that_does_not_greet_is_not_used(mischief: Mischief, reason: str) -> None:
    """A peer that accepts but does not say in time who it is, is no HSM; told once."""
    news: list[str] = []
    async with host_command_hsm(LocalMasterKey(LMK)) as hsm:
        hsm.mischief = mischief
        engine = HostHsm(
            [("127.0.0.1", hsm.port)], 1, HsmLine(ANSWER_SECONDS_MAX, 4),
            tell=lambda event, fields: news.append(f"{event}: {fields['reason']}"),
            retries=Retries(lambda: 0.0, 0.001, 0.002),
        )  # fmt: skip

        starting = asyncio.ensure_future(engine.start())
        for tries in range(1, 4):
            await until(lambda: hsm.connected >= tries)  # noqa: B023
            if mischief.is_mute:  # the other one answers, which may take its time
                pass_time(TOO_LONG)
        await starting

        assert engine.live == 0
        await engine.close()
    assert 1 == len(news)
    assert reason in news[0]


async def test_errors_and_news_hold_no_secret() -> None:
    """Whatever goes wrong, no PAN, PIN, PIN block, PVV, key or token is told."""
    async with host_rig(connections=1) as rig:
        question = rig.pin_question(enciphered(PIN, FIRST))
        told: list[str] = []
        for mischief in (
            *(Mischief(damage=one) for one in DAMAGES),
            *(Mischief(error=one) for one in ("10", "15", "22", "68")),
            Mischief(drops=9),
        ):
            await is_served(rig)
            rig.hsm.mischief = mischief
            said = await left_unanswered(rig, question)
            told += [str(said), repr(said), repr(said.__context__)]
            rig.hsm.mischief = Mischief()
        told += [*rig.news, repr(rig.engine), repr(question), str(vars(rig.engine))]

        token = rig.token(FIRST, KeyUsage.PIN).token.reveal().decode()
        block = question.block.reveal().hex().upper()
        secrets = [PAN.digits, PAN.digits[3:15], PIN.decode(), block, token, FIRST.reveal().hex()]
        secrets.append(f"'{PVV}'")
        assert [] == [one for one in secrets if one.lower() in "\n".join(told).lower()]
