"""A change of keys is confirmed once every worker works with it, or not at all."""

import asyncio
from pathlib import Path

import pytest

from atm_switch.adapters import remote_journal
from atm_switch.adapters.journal_news import Unheard
from atm_switch.domain.errors import JournalUnavailable
from tests.adapters.test_journal_server import SECONDS_MAX, House, house


async def test_changed_keys_are_told_to_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever changed them is answered when each works with them, or is gone."""
    monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", SECONDS_MAX)
    async with house(tmp_path) as one:
        first, second, third = [await one.worker() for _ in range(3)]
        second.taking_up = asyncio.get_running_loop().create_future()
        third.taking_up = asyncio.get_running_loop().create_future()

        changed = asyncio.create_task(first.journal.tell_keys_changed())
        await House.until(lambda: second.news and third.news)
        third.journal.stop()
        await House.until(lambda: one.server.workers == 2)
        was_answered = changed.done()
        second.taking_up.set_result(None)
        async with asyncio.timeout(SECONDS_MAX):
            await changed

        assert not was_answered
        assert ([], ["keys"]) == (first.news, second.news)


async def test_change_that_others_may_not_know_is_not_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the writer is away, goes away meanwhile, or a worker does not take it up in time."""
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        second.taking_up = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", 0.05)
        with pytest.raises(JournalUnavailable, match=r"^another worker does not take up a change$"):
            await first.journal.tell_keys_changed()

        monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", SECONDS_MAX)
        changed = asyncio.create_task(first.journal.tell_keys_changed())
        await House.until(lambda: len(second.news) == 2)
        one.server.shut()
        for worker in list(one.server._workers):
            assert worker._transport is not None
            worker._transport.abort()
        with pytest.raises(JournalUnavailable, match=r"^the journal's writer has ended$"):
            await changed
        with pytest.raises(JournalUnavailable, match=r"^the journal's writer is not running$"):
            await first.journal.tell_keys_changed()


@pytest.mark.parametrize("died_of", [OSError(24, "no descriptor"), None], ids=["error", "cancel"])
async def test_change_a_worker_failed_to_take_up_is_not_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, died_of: OSError | None
) -> None:
    """That its taking up has ended says nothing where it ended in an error, or was given up."""
    monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", 0.2)
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        second.taking_up = asyncio.get_running_loop().create_future()
        changed = asyncio.create_task(first.journal.tell_keys_changed())
        await House.until(lambda: second.news)
        if died_of is None:
            second.taking_up.cancel()
        else:
            second.taking_up.set_exception(died_of)

        with pytest.raises(JournalUnavailable, match=r"^another worker does not take up a change$"):
            await changed


async def test_change_that_was_taken_up_tells_of_those_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading knows all that was changed before, whatever becomes of an earlier one; once."""
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        never = second.taking_up = asyncio.get_running_loop().create_future()
        monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", 0.05)
        with pytest.raises(JournalUnavailable, match=r"^another worker does not take up a change$"):
            await first.journal.tell_keys_changed()
        await House.until(lambda: second.news)

        monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", SECONDS_MAX)
        for count in (2, 3):
            second.taking_up = asyncio.get_running_loop().create_future()
            changed = asyncio.create_task(first.journal.tell_keys_changed())
            await House.until(lambda count=count: len(second.news) == count)
            if count > 2:
                never.set_result(None)  # of one that is known by now: this one is not
                await asyncio.wait({changed}, timeout=0.5)
                assert not changed.done()
            second.taking_up.set_result(None)
            await changed


async def test_change_behind_a_new_connection_waits_for_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is back first does not take itself for the only one."""
    monkeypatch.setattr(remote_journal, "HEARD_SECONDS_MAX", SECONDS_MAX)
    monkeypatch.setattr(remote_journal, "BACK_SECONDS", 3.0)  # the second has that long to be back
    async with house(tmp_path) as one:
        first, second = await one.worker(), await one.worker()
        at_once, gate = second.journal.connect, asyncio.Event()

        async def later() -> None:
            await gate.wait()
            await at_once()

        monkeypatch.setattr(second.journal, "connect", later)
        for worker in list(one.server._workers):
            assert worker._transport is not None
            worker._transport.abort()
        await House.until(lambda: first.news and one.server.workers == 1)
        asyncio.get_running_loop().call_later(0.1, gate.set)

        async with asyncio.timeout(SECONDS_MAX):
            await first.journal.tell_keys_changed()

        assert ["dates", "keys", "keys"] == second.news


def test_worker_that_was_told_nothing_ends_no_wait() -> None:
    """It may say once too often that it has taken up: nobody waited for it."""
    unheard: Unheard[str, str] = Unheard()

    assert [] == unheard.told(["second"], "first's change")
    assert [] == unheard.taken_up("third")
    assert ["first's change"] == unheard.taken_up("second")
    assert [] == unheard.taken_up("second")


def test_worker_that_is_gone_is_waited_for_by_nobody() -> None:
    """Neither for one change nor for another; nothing is kept of it, and it may come again."""
    unheard: Unheard[str, str] = Unheard()
    assert ["of the only one"] == unheard.told([], "of the only one")
    for others, change in ((["a"], "first"), (["a", "b"], "second"), (["a"], "third")):
        assert [] == unheard.told(others, change)

    assert ["first", "third"] == unheard.gone("a")
    assert [] == unheard.gone("a")
    assert ["second"] == unheard.taken_up("b")
    assert [] == unheard.gone("b")
    assert not unheard._told
    assert [] == unheard.told(["a"], "fourth")
    assert ["fourth"] == unheard.taken_up("a")
