"""Claims about what a process takes for a stop, and for the second one."""

import asyncio
from contextlib import suppress

import pytest

from atm_switch import seat
from atm_switch.seat import StopAsked

SECONDS_MAX = 30.0


async def is_ended_by(*what: str, gone: asyncio.Event | None = None) -> list[bool]:
    """Have a process hear this and that; tell after each whether it was to end at once."""
    said: list[bool] = []

    async def main() -> None:
        asked = StopAsked(gone)
        for one in what:
            {"fails": asked.to_stop.set, "is told": asked.once_more, "signal": asked.by_signal}[
                one
            ]()
            said.append(asked.is_at_once)
        async with asyncio.timeout(SECONDS_MAX):
            await asked.to_stop.wait()

    with suppress(asyncio.CancelledError):
        await asyncio.create_task(main())
    return said


@pytest.mark.parametrize(
    ("what", "ends"),
    [
        (("signal", "signal"), [False, True]),
        (("is told", "signal"), [False, True]),
        (("signal", "fails"), [False, False]),
        (("fails", "signal"), [False, False]),
        (("fails", "signal", "signal"), [False, False, True]),
    ],
)
async def test_only_what_was_asked_twice_ends_at_once(
    what: tuple[str, ...], ends: list[bool]
) -> None:
    """What stops by itself, for its disk is lost, is no first stop, and no second."""
    assert ends == await is_ended_by(*what)


async def test_worker_that_hears_nothing_of_its_supervisor_was_meant_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it is told it finishes, and that a moment later."""
    monkeypatch.setattr(seat, "MEANT_SECONDS", 0.01)

    assert [False, False, False] == await is_ended_by(*3 * ["signal"], gone=asyncio.Event())


async def test_worker_whose_supervisor_is_gone_counts_its_signals() -> None:
    """That it is gone is no stop that somebody asked for."""
    gone = asyncio.Event()
    gone.set()

    assert [False, True] == await is_ended_by("signal", "signal", gone=gone)
