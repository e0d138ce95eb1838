"""Claims about lines the switch dials, over real sockets, to a bank that misbehaves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from atm_switch.server.dialler import Dialler, Manner
from atm_switch.server.entrance import Entrance
from atm_switch.server.limits import ServerLimits
from atm_switch.switch.retries import Retries
from atm_switch.switch.session import Dialect
from atm_switch.wire.message import IsoMessage
from tests.doubles.bank_host import ECHO, SIGN_ON, BankHost, BankLine, bank_host, until
from tests.doubles.bench import BNI, Bench
from tests.doubles.inquiries import commits
from tests.doubles.open_house import GENEROUS, OpenHouse, open_house

QUICK = Manner(retries=Retries(lambda: 0.0, 0.02, 0.1), connect_seconds_max=5.0)


@dataclass
class Called:
    """A house and the lines it keeps to a bank."""

    house: OpenHouse
    bank: BankHost
    diallers: list[Dialler] = field(default_factory=list)
    news: list[str] = field(default_factory=list)

    def dial(self, manner: Manner = QUICK, limits: ServerLimits = GENEROUS, **told: Any) -> Dialler:
        """Keep one more line."""
        dialect = self.house.bench.dialect
        at = Entrance("127.0.0.1", self.bank.port, dialect, BNI, is_ours=True, **told)
        dialler = Dialler(at, self.house.desk, limits.line, manner, self._tell)
        self.diallers.append(dialler)
        dialler.start()
        return dialler

    def _tell(self, event: str, fields: dict[str, str]) -> None:
        self.news.append(f"{event}: {fields['reason']}")

    def session(self, dialler: Dialler) -> Any:
        """What the core knows of a line."""
        return dialler.line and self.house.desk.session_of(dialler.line)

    def is_on(self, dialler: Dialler) -> bool:
        """Whether a line is up and signed on, and that is recorded: until then it may be undone."""
        session = self.session(dialler)
        if session is None or session.signed_on_as != BNI:
            return False
        return any(one["link"] == session.link for one in self.house.logged("signed on"))

    async def signed_on(self, dialler: Dialler) -> BankLine:
        """Wait until a line is signed on; return the bank's end of it."""
        await until(lambda: self.is_on(dialler))
        return self.bank.live[-1]


@asynccontextmanager
async def called(limits: ServerLimits = GENEROUS, **policy: Any) -> AsyncIterator[Called]:
    """A house with a bank to dial, for a block."""
    async with bank_host() as bank, open_house(Bench(**policy), limits) as house:
        found = Called(house, bank)
        try:
            yield found
        finally:
            for dialler in found.diallers:
                await dialler.close()


async def test_line_signs_on_and_answers_the_bank() -> None:
    """The switch says 0800/001 with its DE32, and the bank's 0200 gets its 00 over that line."""
    async with called() as here:
        line = await here.signed_on(here.dial())

        answer = await line.ask(here.house.bench.inquiry())

        (said,) = line.requests(SIGN_ON)
        assert ("009", {7, 11, 32, 70}) == (said[32], set(said.elements))
        assert ("0210", "00") == (answer.mti, answer[39])
        assert 1 == len(here.house.logged("signed on"))


async def test_bank_may_not_ask_before_it_took_the_sign_on() -> None:
    """A 0200 on a line whose sign-on is unanswered gets 58: connecting proves nothing."""
    async with called() as here:
        here.bank.codes[SIGN_ON] = ""
        here.dial()
        await until(lambda: bool(here.bank.live))

        assert "58" == (await here.bank.live[0].ask(here.house.bench.inquiry()))[39]


async def test_bank_that_restarts_is_dialled_and_signed_on_to_again() -> None:
    """Reset, away, back on the same port: the line comes back by itself and serves."""
    async with called() as here:
        dialler = here.dial()
        await here.signed_on(dialler)
        await here.bank.stop()
        await until(lambda: any("bank away" in one for one in here.news))
        assert not here.is_on(dialler)
        await here.bank.start()

        line = await here.signed_on(dialler)

        assert 2 == len([one for one in here.bank.lines if one.requests(SIGN_ON)])
        assert "00" == (await line.ask(here.house.bench.inquiry()))[39]


async def test_bank_that_is_away_is_told_once() -> None:
    """However often nobody answers, the log has one line of it."""
    async with called() as here:
        await here.bank.stop()
        dialler = here.dial()
        await until(lambda: bool(here.news))
        tried = asyncio.get_running_loop().time()
        await until(lambda: asyncio.get_running_loop().time() - tried > 0.3)

        assert 1 == len(here.news)
        assert here.news[0].startswith("bank away: ")
        assert dialler.away


async def test_half_open_bank_is_found_by_the_echo() -> None:
    """A bank that reads and never answers loses the line once our echo is overdue."""
    async with called(echo_idle_seconds=60.0, echo_answer_seconds=30.0) as here:
        dialler = here.dial()
        first = await here.signed_on(dialler)
        here.bank.codes[ECHO] = ""
        here.house.pass_time(61)
        await until(lambda: bool(first.requests(ECHO)))

        here.house.pass_time(31)
        await until(lambda: first.is_gone)

        again = await here.signed_on(dialler)
        assert again is not first
        assert "line lost: our echo was not answered" in here.news


async def test_line_has_its_own_echo_time() -> None:
    """A bank that hangs up after 40 s of silence is kept by an echo after 20 on its line."""
    async with called(echo_idle_seconds=60.0) as here:
        line = await here.signed_on(here.dial(echo_idle_seconds=20.0))

        here.house.pass_time(21)
        await until(lambda: bool(line.requests(ECHO)))


async def test_bank_echo_is_answered_on_a_dialled_line() -> None:
    """Echo goes both ways, before the sign-on is answered too."""
    async with called() as here:
        here.bank.codes[SIGN_ON] = ""
        here.dial()
        await until(lambda: bool(here.bank.live))

        answer = await here.bank.live[0].ask(
            IsoMessage("0800", {7: "0630072507", 11: "000777", 70: ECHO})
        )

        assert ("0810", "00") == (answer.mti, answer[39])


async def test_unanswered_sign_on_loses_the_line() -> None:
    """A bank that takes connections and says nothing is left, and dialled anew."""
    async with called(echo_answer_seconds=30.0) as here:
        here.bank.codes[SIGN_ON] = ""
        dialler = here.dial()
        await until(lambda: bool(here.bank.live))
        first = here.bank.live[0]
        here.bank.codes[SIGN_ON] = "00"

        here.house.pass_time(31)
        await until(lambda: first.is_gone)

        assert (await here.signed_on(dialler)) is not first


async def test_refused_sign_on_is_tried_again_on_the_same_line() -> None:
    """A bank that is up and not ready (58) is asked again after ten seconds, not hammered."""
    async with called() as here:
        here.bank.codes[SIGN_ON] = "58"
        dialler = here.dial()
        await until(lambda: bool(here.house.logged("sign-on refused")))
        line = here.bank.live[0]
        here.house.pass_time(9)
        assert 1 == len(line.requests(SIGN_ON))
        here.bank.codes[SIGN_ON] = "00"
        here.house.pass_time(2)

        assert (await here.signed_on(dialler)) is line
        assert "the bank answered 58" == here.house.logged("sign-on refused")[0]["reason"]


async def test_bank_that_forgot_the_sign_on_hears_it_again() -> None:
    """A bank restarted behind a balancer answers our echo 58: we sign on anew at once."""
    async with called(echo_idle_seconds=60.0) as here:
        dialler = here.dial()
        line = await here.signed_on(dialler)
        here.bank.codes[ECHO] = "58"
        here.house.pass_time(61)
        await until(lambda: bool(here.house.logged("sign-on lost")))
        here.house.pass_time(1)

        await until(lambda: 2 == len(line.requests(SIGN_ON)) and here.is_on(dialler))


@pytest.mark.parametrize(("element", "value"), [(7, "0101000000"), (11, "999998"), (70, "301")])
async def test_wrong_answer_names_the_key_seen_and_the_key_wanted(element: int, value: str) -> None:
    """An 0810 that matches nothing changes nothing, and the log has both keys."""
    async with called() as here:
        here.bank.spoils = lambda answer: answer.with_element(element, value)
        dialler = here.dial()
        await until(lambda: bool(here.house.logged("response without request")))

        (said,) = here.bank.live[0].requests(SIGN_ON)
        noted = here.house.logged("response without request")[0]
        assert f"0810 DE007 {said[7]} DE011 {said[11]} DE070 001" == noted["wanted"]
        assert f"DE{element:03d} {value}" in noted["seen"]
        assert not here.is_on(dialler)


async def test_loss_of_one_of_two_lines_goes_unnoticed_by_terminals() -> None:
    """What was asked over a line that died is asked again over the other: the same answer."""
    async with called() as here:
        one, other = here.dial(), here.dial()
        await until(lambda: here.is_on(one) and here.is_on(other))
        dies, stays = here.bank.live
        asked = here.house.bench.inquiry()
        here.house.journal.holds = True
        dies.say(asked)
        await until(lambda: bool(here.house.journal.held))
        dies.writer.transport.abort()
        await until(lambda: dies.is_gone)
        stays.say(IsoMessage("0201", asked.elements))
        here.house.journal.release()

        await until(lambda: any(one.mti == "0210" for one in stays.heard))

        answers = [one for one in stays.heard if one.mti == "0210"]
        assert ["00"] == [one[39] for one in answers]
        assert 1 == len(commits(here.house.bench))


async def test_dialect_and_limits_read_anew_count_from_the_next_connection() -> None:
    """The line that is up keeps its own; dialled again it speaks the new one."""
    async with called() as here:
        dialler = here.dial()
        await here.signed_on(dialler)
        before = here.session(dialler).dialect
        fresh = Dialect.of(before.profile)
        tight = replace(GENEROUS.line, in_flight_per_link_max=1)

        dialler.adopt(fresh, tight)

        assert before is here.session(dialler).dialect
        await here.bank.stop()
        await here.bank.start()
        await here.signed_on(dialler)
        assert fresh is here.session(dialler).dialect
        assert dialler.line is not None
        assert tight is dialler.line._limits


async def test_crowd_of_callers_does_not_keep_our_own_lines_out() -> None:
    """With every connection taken the switch still dials its bank."""
    limits = replace(GENEROUS, connections_max=1, connections_per_peer_max=1)
    async with called(limits) as here:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.house.port)
        try:
            await until(lambda: 1 == len(here.house.desk.links()))

            await here.signed_on(here.dial())
        finally:
            writer.close()
        assert not reader.at_eof()
