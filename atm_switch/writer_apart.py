"""The journal's writer as a process beside a switch of one worker.

Why: a thread of the same interpreter wants its lock at every statement, and so does the loop;
with more than one core a process writes while the loop answers.
Plan: the process is that of several workers (``writer_process``).  It is begun before the settings
are read where they look as if they wanted it, for a start waits for it, and reading them takes as
long; they decide, and one that gets no orders ends unheard.  It ends behind the last row when the
switch is gone, however it went.  One that dies is started again, as soon as there is room for it,
one that did not come up behind a pause, and what it had not answered meanwhile is 96;
``RESTARTS_MAX`` times a minute, then the switch ends, and at once where the disk failed under it:
then only a fresh start knows what it holds; or where another program is there by now, or a part of
one, with which only a fresh start comes to terms.
"""

import asyncio
import os
import signal
import tomllib
from collections import Counter
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from atm_switch import seat
from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.child import (
    AT_ONCE_SECONDS_MAX,
    GIVEN_UP,
    REPLACED,
    Child,
    Restarts,
    name_of,
    spawned,
)
from atm_switch.domain.errors import Refused
from atm_switch.process_place import OTHER_RELEASE, WRITER, InstalledFiles

if TYPE_CHECKING:
    from atm_switch.folder import DataFolder
    from atm_switch.security.vault import Vault
    from atm_switch.server.log import Logger
    from atm_switch.settings.model import Settings

CORES: Final = len(os.sched_getaffinity(0))
"""How many this process may use."""
SETTINGS_FILE: Final = "switch.toml"
AGAIN_SECONDS = 0.5
"""Between two attempts to start it where there are no descriptors, or no memory."""
ENDING_SECONDS_MAX = 10.0
"""How long it may take to write what was sent, once it is told to end, until it is killed: what
it has not written by then was not answered."""
STOPPED_EARLY: Final = "stopped before it served"
"""What is said of a switch that was told to end at once amid its start."""


def is_wanted(settings: "Settings", cores: int = CORES) -> bool:
    """Tell whether the settings have such a process on a machine of so many cores."""
    journal = settings.journal
    if journal.url or settings.workers > 1:
        return False
    return journal.writer == "process" or (journal.writer == "auto" and cores > 1)


def is_likely(root: Path, cores: int = CORES) -> bool:
    """Guess that from the bare file, without what it takes to judge it."""
    try:
        told = tomllib.loads((root / SETTINGS_FILE).read_text(encoding="utf-8"))
        journal = told.get("journal", {})
        writer, is_elsewhere = journal.get("writer", "auto"), bool(journal.get("url"))
    except (OSError, ValueError, AttributeError):  # the settings' reader says what is wrong
        return False
    is_alone = told.get("workers", 1) == 1 and not is_elsewhere
    return is_alone and (writer == "process" or (writer == "auto" and cores > 1))


class WriterApart:
    """Starts the process, watches it, and ends it."""

    def __init__(self, root: Path) -> None:
        """Wait for ``begin`` or ``start``; ``root`` is the folder."""
        self._root = root
        self._folder: DataFolder
        self._log: Logger
        self._restarts = Restarts()
        self._program: InstalledFiles
        self._child: Child | None = None
        self._watching: asyncio.Task[None] | None = None
        self._is_up = False
        """Whether it has written by now: from then on one that ends is started again."""
        self._is_ending = False
        self.seat = seat.Seat(has_writer=True)
        """That of the switch beside it."""
        self._doubts: Counter[str] = Counter()
        self._hear: Callable[[Counter[str]], None] | None = None
        self.on_end: Callable[[int], None] = lambda _code: None
        """Told that the switch must end, and with which exit code."""

    async def begin(self) -> None:
        """Have the process load what it needs; it waits for its orders."""
        self._child = await spawned(self._root, WRITER, 1, self._heard)

    async def start(self, folder: "DataFolder", log: "Logger") -> "Vault":
        """Take the folder, have the process write, and return the keys.

        Raises ``Refused`` where the folder is served, or its keys cannot be read: before the
        process reads them too, so that it is said once.
        """
        self._folder, self._log, self._program = folder, log, InstalledFiles.now()
        lock_folder(self._root)  # until this process ends
        vault = folder.vault()
        if self._child is None:
            await self.begin()
        self._order(is_fresh=True)
        return vault

    async def come_up(self, switch: Coroutine[Any, Any, None]) -> None:
        """Wait until it writes and the ``switch`` has started; where one fails, both have.

        Raises ``Refused`` and what the switch's start does.
        """
        assert self._child is not None  # noqa: S101 - it is started before
        both = [asyncio.ensure_future(one) for one in (self._child.come_up(), switch)]
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for one in both:
                one.cancel()  # nothing, to one that is done
            ended = await asyncio.gather(*both, return_exceptions=True)
        for result in ended:
            if isinstance(result, Exception):  # not that it was given up for the other's sake
                raise result

    def tell_doubts_to(self, hear: Callable[[Counter[str]], None]) -> None:
        """Have ``hear`` told how many requests in doubt were ended, by acquirer."""
        self._hear = hear
        self._tell_doubts()

    def tell_level(self) -> None:
        """Have it log what the switch does by now."""
        if self._child is not None:
            self._child.control.say({seat.LEVEL: self._log.level})

    def let_go(self) -> None:
        """Have it end behind what it was sent."""
        self._is_ending = True
        if self._watching is not None:
            self._watching.cancel()
        if self._child is not None:
            self._child.control.close()

    async def stop(self) -> int:
        """Have it end, and wait for that; return what the switch ends with on its account.

        1 where it hung and was killed; 0 where it has written all, or was not up yet; ``LOST``
        where the disk failed under it; else 1.
        Cancelled, as by a second SIGTERM, it waits ``AT_ONCE_SECONDS_MAX`` more at most and then
        raises ``Refused``; cancelled once more it kills the process where it stands.
        """
        was_killed, is_hurried = await self._end(is_hurried=False)
        if is_hurried:
            raise Refused(f"stopped at once: {_fate(was_killed=was_killed)}")
        if was_killed:
            return 1
        child = self._child
        code = child.process.returncode if child is not None and child.is_ready.is_set() else 0
        if code in (0, seat.LOST):
            return code
        self._log.error("process ended", process=name_of(WRITER), code=code)
        return 1

    async def stop_behind(self, why: BaseException) -> None:
        """Have it end beside a switch that ends by ``why``, as ``stop`` does.

        Raises ``Refused`` with what ``why`` says, and what became of the process, where it was
        killed; whoever calls raises ``why`` otherwise.
        """
        task = asyncio.current_task()
        was_told_twice = task is not None and task.cancelling() > 0
        was_killed, _ = await self._end(is_hurried=was_told_twice)
        if was_killed and isinstance(why, Refused | asyncio.CancelledError):
            raise Refused(f"{str(why) or STOPPED_EARLY}; {_fate(was_killed=True)}") from None

    async def _end(self, *, is_hurried: bool) -> tuple[bool, bool]:
        """Have it end; tell whether it had to be killed, and whether this is hurried by now."""
        self.let_go()
        child = self._child
        if child is None:
            return False, is_hurried
        ended = asyncio.ensure_future(child.process.wait())
        seconds = AT_ONCE_SECONDS_MAX if is_hurried else ENDING_SECONDS_MAX
        deadline = read_clock().monotonic + seconds
        while not ended.done() and (left := deadline - read_clock().monotonic) > 0:
            try:
                await asyncio.wait({ended}, timeout=left)
            except asyncio.CancelledError:
                more = 0.0 if is_hurried else AT_ONCE_SECONDS_MAX
                is_hurried, deadline = True, min(deadline, read_clock().monotonic + more)
        was_killed = not ended.done()
        if was_killed:
            self._log.error("process killed", process=child.name, why="it hangs")
            child.signal(signal.SIGKILL)
            with suppress(asyncio.CancelledError):
                await asyncio.wait({ended})
        return was_killed, is_hurried

    def _order(self, *, is_fresh: bool) -> None:
        from atm_switch.writer_orders import WriterOrders  # noqa: PLC0415 - when that one has begun

        child = self._child
        assert child is not None  # noqa: S101 - whoever orders has begun it
        orders = WriterOrders.of(self._folder, self._log).to_message()
        child.control.say({seat.FRESH: is_fresh, seat.ORDERS: orders})
        self.seat.processes[child.name] = child.process.pid
        self.seat.deaths[child.name] += 0  # of a first one an alert sees a rise
        self._watching = asyncio.get_running_loop().create_task(self._watch(child))

    def _heard(self, child: Child, message: dict[str, Any]) -> None:
        self._doubts.update(message.get(seat.DOUBTS, {}))
        self._tell_doubts()
        if seat.READY in message:
            child.is_ready.set()
            self._is_up = True

    def _tell_doubts(self) -> None:
        if self._hear is not None and self._doubts:
            self._hear(self._doubts)
            self._doubts = Counter()

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        child.control.close()
        if self._is_ending:
            return
        self.seat.processes.pop(child.name, None)
        self._log.error("process ended", process=child.name, code=code)
        could_not_start = child.could_not_start(code, self._program)
        self.seat.deaths[child.name] += not could_not_start
        if code == seat.LOST:
            self.on_end(seat.LOST)
        elif could_not_start:
            self._log.error("given up", process=child.name, why=REPLACED)
            self.on_end(OTHER_RELEASE)
        elif self._restarts.one_more(read_clock().monotonic):
            count = len(self._restarts.at)
            self._log.error("given up", process=child.name, restarts_within_a_minute=count)
            self.on_end(GIVEN_UP)
        elif self._is_up:
            await asyncio.sleep(self._restarts.pause(came_up=child.is_ready.is_set()))
            await self._start_again(child.name)

    async def _start_again(self, name: str) -> None:
        is_said = False
        while True:
            try:
                await self.begin()
            except OSError as error:
                if not is_said:
                    self._log.error("process not started", process=name, reason=error.strerror)
                is_said = True
                await asyncio.sleep(AGAIN_SECONDS)
            else:
                self._order(is_fresh=False)
                return


def _fate(*, was_killed: bool) -> str:
    fate = "was killed" if was_killed else "has ended"
    return f"the {name_of(WRITER)} was still at work, and {fate}"
