"""Tests of an event loop for those who have none."""

import asyncio
import gc
import os
import signal
import weakref
from collections.abc import Callable, Coroutine, Iterator
from threading import Thread
from typing import Any

import pytest

from atm_switch.adapters import call_loop
from atm_switch.adapters.call_loop import CallLoop


@pytest.fixture
def loop() -> Iterator[CallLoop]:
    """Return a loop, closed at the end."""
    made = CallLoop()
    yield made
    made.close()


async def interrupted(steps: list[str], *, is_stubborn: bool = False) -> str:
    """Be sent SIGINT amid a step, and write down what happened."""
    os.kill(os.getpid(), signal.SIGINT)
    steps.append("the step went on")
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        steps.append("cancelled")
        if not is_stubborn:
            raise
    return "done"


async def answer() -> str:
    """Answer at once."""
    return "done"


async def left_running(behind: "Callable[[], Coroutine[Any, Any, None]]") -> "asyncio.Task[None]":
    """Begin something that goes on behind the call, as a driver does."""
    task = asyncio.create_task(behind())
    await asyncio.sleep(0)
    return task


def test_call_is_run_to_its_end(loop: CallLoop) -> None:
    """What a call returns and raises is returned and raised."""

    async def refuse() -> None:
        raise ValueError("no")

    assert "done" == loop.run(answer)
    with pytest.raises(ValueError, match="no"):
        loop.run(refuse)


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_ctrl_c_ends_a_call_between_its_steps(loop: CallLoop, *, is_stubborn: bool) -> None:
    """The step under way is done, the call then cancelled, and only then is it raised."""
    steps: list[str] = []

    with pytest.raises(KeyboardInterrupt):
        loop.run(interrupted, steps, is_stubborn=is_stubborn)

    assert ["the step went on", "cancelled"] == steps
    assert "done" == loop.run(answer)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_amid_a_last_step_is_raised_too(loop: CallLoop) -> None:
    """A call that was done all the same: nobody's Ctrl-C is lost, and the loop is sound."""

    async def last() -> None:
        os.kill(os.getpid(), signal.SIGINT)

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            loop.run(last)
    assert "done" == loop.run(answer)


def test_ctrl_c_before_a_call_begins_leaves_none_behind(
    loop: CallLoop, recwarn: pytest.WarningsRecorder
) -> None:
    """Amid the making of a call it is raised behind it: nothing made is never awaited."""
    steps: list[str] = []

    def make() -> "Coroutine[Any, Any, None]":
        os.kill(os.getpid(), signal.SIGINT)
        steps.append("made")
        return asyncio.sleep(3600)

    with pytest.raises(KeyboardInterrupt):
        loop.run(make)
    gc.collect()

    assert ["made"] == steps
    assert [] == list(recwarn)


def test_ctrl_c_is_listened_for_until_a_call_is_gone(loop: CallLoop) -> None:
    """What asyncio does where a task goes swallows what is raised in it: nothing may be, there."""
    listening: list[object] = []
    kept = []

    async def watched() -> None:
        task = asyncio.current_task()
        assert task is not None
        kept.append(weakref.ref(task, lambda _: listening.append(signal.getsignal(signal.SIGINT))))

    loop.run(watched)

    assert 1 == len(listening)
    assert signal.default_int_handler not in listening


def test_ctrl_c_that_comes_too_late_cancels_no_other_call(loop: CallLoop) -> None:
    """Heard when its call has ended and the loop stops, it is raised, and the next call runs."""

    async def ended() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.add_done_callback(lambda _: os.kill(os.getpid(), signal.SIGINT))

    async def next_one() -> str:
        await asyncio.sleep(0.01)
        return "done"

    with pytest.raises(KeyboardInterrupt):
        loop.run(ended)
    assert "done" == loop.run(next_one)


def test_what_follows_a_ctrl_c_is_bounded(loop: CallLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that answers no more keeps nobody who asked for the end."""
    monkeypatch.setattr(call_loop, "PARTING_SECONDS", 0.01)
    with pytest.raises(KeyboardInterrupt):
        loop.run(interrupted, [])

    with pytest.raises(TimeoutError):
        loop.run(asyncio.sleep, 3600)


def test_sigint_of_somebody_else_is_left_alone(loop: CallLoop) -> None:
    """A process that listens for SIGINT itself hears it; the call goes on."""
    heard: list[int] = []

    async def asked() -> str:
        os.kill(os.getpid(), signal.SIGINT)
        await asyncio.sleep(0)
        return "done"

    signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        assert "done" == loop.run(asked)
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)

    assert [signal.SIGINT] == heard


def test_thread_runs_calls_too() -> None:
    """A thread that is no main thread, which cannot listen for signals, has its calls run."""
    said: list[str] = []

    def work() -> None:
        loop = CallLoop()
        said.append(loop.run(answer))
        loop.close()

    thread = Thread(target=work)
    thread.start()
    thread.join()

    assert ["done"] == said


def test_tasks_of_a_driver_end_with_the_loop() -> None:
    """What a call left running is cancelled, not destroyed amid its work."""
    ended: list[str] = []

    async def behind() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            ended.append("ended")

    loop = CallLoop()
    kept = loop.run(left_running, behind)
    loop.close()

    assert kept.cancelled()
    assert ["ended"] == ended


def test_ctrl_c_amid_the_end_lets_it_come_to_an_end() -> None:
    """A driver's task that tidies up is not torn: it is raised when the loop is closed."""
    ended: list[str] = []

    async def behind() -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0)
            ended.append("ended")

    loop = CallLoop()
    kept = loop.run(left_running, behind)
    with pytest.raises(KeyboardInterrupt):
        loop.close()

    assert kept.cancelled()
    assert ["ended"] == ended
    assert loop.is_closed
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_later_is_called_by_a_call_that_still_runs(loop: CallLoop) -> None:
    """What was to be done later is done while a call runs, and not where it was withdrawn."""
    done: list[str] = []
    loop.later(0.01, lambda: done.append("kept"))
    loop.later(0.01, lambda: done.append("withdrawn")).cancel()

    async def wait() -> None:
        while not done:
            await asyncio.sleep(0.01)

    loop.run(wait)

    assert ["kept"] == done
