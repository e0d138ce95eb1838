"""Claims about how effects are carried out: step by step for all, and each for itself."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from atm_switch.domain.errors import LedgerUnavailable
from atm_switch.server.desk import AT_ONCE
from atm_switch.server.journal_bell import JournalBell
from atm_switch.switch.breaker import FAILURES_MAX
from atm_switch.switch.ports import FindAccount, FindCard, FindRepeat
from tests.doubles.bank_host import until
from tests.doubles.open_house import Caller, OpenHouse, caller, open_house
from tests.server.test_link_endings import frames, inquiries, vouched

STEPS = [FindRepeat, FindCard, FindAccount]
"""What an inquiry asks in the loop, where the bank verifies the PIN."""


def watched(house: OpenHouse, instead: dict[type, Callable[[], Any]] | None = None) -> list[type]:
    """Note what is asked, in its order; some questions are answered ``instead``."""
    asked: list[type] = []
    performer = house.desk._performer

    def noting(kind: type, answer: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def noted(question: Any) -> Any:
            asked.append(kind)
            other = (instead or {}).get(kind)
            return answer(question) if other is None else other()

        return noted

    answers = performer._neighbours.items()
    performer._neighbours = {kind: noting(kind, answer) for kind, answer in answers}
    return asked


class RungJournal:
    """Answers like the house's own journal, and is noted among what is asked once it is rung."""

    def __init__(self, house: OpenHouse, asked: list[type]) -> None:
        """Note into ``asked``."""
        self._house, self._asked = house, asked

    def submit(self, question: Any, token: int, *, rings: bool = True) -> None:
        """Take one question."""
        assert not rings
        self._house.journal.submit(question, token)

    def ring(self) -> None:
        """Note it."""
        self._asked.append(RungJournal)


async def codes(client: Caller, count: int) -> list[str]:
    """Hear so many answers; return their DE39."""
    unpack = client.dialect.packager.unpack
    return [unpack(await client.hear_payload())[39] for _ in range(count)]


async def test_requests_that_came_together_go_step_by_step() -> None:
    """The first question of each, then the second of each: none runs ahead."""
    async with open_house(vouched()) as house, caller(house) as client:
        asked = watched(house)
        client.writer.write(frames(client, inquiries(house, 3)))

        assert ["00"] * 3 == await codes(client, 3)
        assert [kind for kind in STEPS for _ in range(3)] == asked


async def test_more_than_goes_at_once_goes_in_parts() -> None:
    """The first part is done before the second begins, so the journal's writer has its rows."""
    async with open_house(vouched()) as house, caller(house) as client:
        asked = watched(house)
        count = AT_ONCE + 1
        client.writer.write(frames(client, inquiries(house, count)))

        assert ["00"] * count == await codes(client, count)
        last = [at for at, kind in enumerate(asked) if kind is FindAccount][AT_ONCE - 1]
        assert last == AT_ONCE * len(STEPS) - 1


async def test_frames_of_two_turns_go_together() -> None:
    """While the frames of one link are read another's come: a turn later they go with them."""
    async with (
        open_house(vouched()) as house,
        caller(house) as client,
        caller(house) as other,
    ):
        asked = watched(house)
        first, second = house.desk._lines.values()
        data = [frames(client, inquiries(house, 4)[at : at + 2]) for at in (0, 2)]
        house.loop.call_soon(first.data_received, data[0])
        house.loop.call_soon(house.loop.call_soon, second.data_received, data[1])

        assert ["00"] * 2 == await codes(client, 2)
        assert ["00"] * 2 == await codes(other, 2)
        assert [kind for kind in STEPS for _ in range(4)] == asked


async def test_one_request_alone_waits_for_no_other() -> None:
    """It is asked for in the turn behind the one that brought it."""
    async with open_house(vouched()) as house, caller(house) as client:
        asked = watched(house)
        (line,) = house.desk._lines.values()
        line.data_received(frames(client, inquiries(house, 1)))
        await asyncio.sleep(0)

        assert STEPS == asked
        assert ["00"] == await codes(client, 1)


async def test_writer_is_rung_before_the_second_part_is_asked() -> None:
    """It has the rows of the first part to write while the second is at its questions."""
    async with open_house(vouched()) as house, caller(house) as client:
        asked = watched(house)
        rung = RungJournal(house, asked)
        house.desk.start(house.loop, JournalBell(house.loop, rung))
        client.writer.write(frames(client, inquiries(house, AT_ONCE + 1)))

        assert ["00"] * (AT_ONCE + 1) == await codes(client, AT_ONCE + 1)
        assert len(STEPS) * AT_ONCE == asked.index(RungJournal)


async def test_request_of_a_key_not_its_own_is_in_nobodys_way() -> None:
    """
    In one read: another request of an answered one's key, which is 94, and a repeat of that one
    behind it, which is answered again; it does not wait for what is none of its own.
    """
    async with open_house(vouched()) as house, caller(house) as client:
        (first,) = inquiries(house, 1)
        client.say(first)
        assert ["00"] == await codes(client, 1)

        client.writer.write(frames(client, [first.with_element(14, "2911"), first, first]))

        assert ["00", "00", "94"] == sorted(await codes(client, 3))


async def test_ledger_that_fails_within_a_step_is_left_alone() -> None:
    """
    Twenty requests ask together: after as many failures as open the breaker no other
    question is put to the ledger, which may take a second to fail; all are 91.
    """

    def fail() -> None:
        raise LedgerUnavailable("it hangs")

    async with open_house(vouched()) as house, caller(house) as client:
        asked = watched(house, {FindCard: fail})
        client.writer.write(frames(client, inquiries(house, 20)))

        assert ["91"] * 20 == await codes(client, 20)
        assert FAILURES_MAX == asked.count(FindCard)
        assert house.desk.refuses_ledger


async def test_mistake_costs_its_own_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer the core stumbles over is one line of the log; the others go on."""
    async with open_house(vouched()) as house, caller(house) as client:
        answered, seen = house.switch.answered, []

        def stumbling(ticket: int, answer: Any, now: Any) -> Any:
            seen.append(ticket)
            if len(seen) == 2:
                raise RuntimeError("a mistake of ours")
            return answered(ticket, answer, now)

        monkeypatch.setattr(house.switch, "answered", stumbling)
        client.writer.write(frames(client, inquiries(house, 3)))

        assert ["00", "00"] == await codes(client, 2)
        assert 1 == len(house.logged("mistake"))


async def test_frame_the_core_stumbles_over_is_answered_96(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its terminal is told at once, under its own STAN; the link and the others go on."""
    async with open_house(vouched()) as house, caller(house) as client:
        received = house.switch.received

        def stumbling(link: int, frame: Any, *rest: Any) -> Any:
            if b"000002" in frame.payload:
                raise RuntimeError("a mistake of ours")
            return received(link, frame, *rest)

        monkeypatch.setattr(house.switch, "received", stumbling)
        client.writer.write(frames(client, inquiries(house, 3)))
        answers = [await client.hear() for _ in range(3)]

    told = {one[11]: (one.mti, one[39]) for one in answers}
    assert {"000001": ("0210", "00"), "000002": ("0210", "96"), "000003": ("0210", "00")} == told
    assert 1 == len(house.logged("mistake"))


async def test_mistake_amid_a_mistake_costs_the_frame_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where not even a 96 can be made the log says so twice, and the next is answered."""
    async with open_house(vouched()) as house, caller(house) as client:

        def fail(*_: Any) -> Any:
            raise RuntimeError("a mistake of ours")

        with monkeypatch.context() as amid:
            amid.setattr(house.switch, "received", fail)
            amid.setattr(house.switch, "failed", fail)
            client.writer.write(frames(client, inquiries(house, 1)))
            await until(lambda: 2 == len(house.logged("mistake")))
        client.writer.write(frames(client, inquiries(house, 1)))

        assert ["00"] == await codes(client, 1)
