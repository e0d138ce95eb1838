"""``workers = N``: one process that listens and watches, N that answer, one that writes.

Plan: the supervisor holds the folder and the listening sockets.  It accepts a connection
and hands it to the worker with the fewest (``reception``): long-lived links of a few banks
spread evenly, which the kernel's hashing over SO_REUSEPORT does not promise.  A worker is a
whole switch but for the sockets; where the journal is a file, one more process writes it for
all (``journal_server``), so that their rows share its commits; on PostgreSQL each worker
writes as a node of its own.
A process that ends is started again, one that did not come up behind a pause; each
``child.RESTARTS_MAX`` times a minute, then the supervisor stops the others and exits 70, for a
switch that dies all the time is not to be believed; at once, with 74, where the disk failed under
a journal.  One that cannot be started for want of descriptors or memory is tried again, less and
less often; a worker that waits for that says nothing against the health of those that serve.
A worker that does not start because another release of the program, or a part of one, is there by
now is left out: the others go on, and it is tried again at SIGHUP and now and then; without any
worker, without one that dials or without the writer, the supervisor exits 76.
Signals: SIGTERM drains every worker, then the writer ends; one that hangs is killed, so that a stop
always ends.  Workers are told over their sockets, for a signal that others send may reach all.  At
SIGHUP settings are read here, for all (``common_settings``); it is over when every worker has taken
them, one that starts once it is ready.  Workers say once a second whether their journal commits;
only while all do is the watchdog of systemd fed.
Workers say how many links each peer has to them, and a connection is handed over with how
many its peer has to the others: ``connections_per_peer_max`` is of all together; what ends is
known a tick later, what is turned away at once.
"""

import asyncio
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, Final

from atm_switch import seat
from atm_switch.adapters.clock import read_clock
from atm_switch.adapters.folder_lock import lock_folder
from atm_switch.adapters.service_manager import ServiceManager
from atm_switch.child import GIVEN_UP, REPLACED, Child, LeftOut, Restarts, pause, spawned
from atm_switch.common_settings import CommonSettings
from atm_switch.doorways import bound
from atm_switch.endings import Endings
from atm_switch.fleet_page import FleetPage
from atm_switch.folder import DataFolder
from atm_switch.process_place import OTHER_RELEASE, WRITER
from atm_switch.reception import Reception
from atm_switch.server.entrance import shown
from atm_switch.server.log import Logger
from atm_switch.settings.dialling import lines_of
from atm_switch.settings.model import Settings
from atm_switch.start_up import dialects_of, plain_words, refuse_wrong_certificates
from atm_switch.writer_orders import WriterOrders

RELOAD_SECONDS_MAX: Final = 10.0
LOOK_SECONDS: Final = 0.05
ENDING_SECONDS_MAX: Final = 10.0
"""From the end of the drain until a worker that still runs is taken to hang; the writer's, too."""
WELL_SECONDS: Final = 5.0
"""So long after it last said so a worker is believed to be well."""
AGAIN_SECONDS_FIRST: Final = 0.5
AGAIN_SECONDS_MAX: Final = 15.0
"""Between two attempts to start a process for which there was no room."""


class Supervisor:
    """Runs the processes of one folder."""

    def __init__(self, folder: DataFolder, log: Logger, manager: ServiceManager) -> None:
        """Wait for ``run``; ``manager`` is told how all of it is."""
        self._folder, self._log, self._manager = folder, log, manager
        self._settings = CommonSettings(folder)
        self._drain_seconds = folder.settings.limits.drain_seconds_max
        """The longest of all settings read so far: a worker may have taken no newer ones."""
        self._children: dict[int, Child] = {}
        self._watching: set[asyncio.Task[None]] = set()
        self._reception = Reception((), list, log)
        self._restarts: defaultdict[int, Restarts] = defaultdict(Restarts)
        self._stopping = asyncio.Event()
        self._left_out = LeftOut()
        self._given_up = 0
        """The exit code of a switch that cannot go on."""
        self._is_up = False
        self._doubts: Counter[str] = Counter()
        self._deaths: Counter[int] = Counter()
        """By the number of the process."""
        self._stops_asked = 0
        self._endings = Endings(log)

    async def run(self, up: Callable[[list[str], list[str]], None]) -> int:
        """Run until SIGTERM; return the exit code.  Raises ``Refused``, as for wrong files.

        It is 1 after a second SIGTERM, and where a process hung or failed amid the stop.
        ``up`` is told where it listens and where it dials, once all workers are ready.
        """
        release = lock_folder(self._folder.root)
        page: FleetPage | None = None
        try:
            refuse_wrong_certificates(self._folder)  # once, before each worker finds them
            dialects_of(self._folder)
            sockets = [bound(one.host, one.port) for one in self._folder.settings.listeners]
            self._reception = Reception(sockets, self._children.values, self._log)
            self._hear_signals()
            await self._start_all()
            seen = self._children.copy, lambda: self._doubts, lambda: self._deaths
            missing = self._left_out.reasons
            page = await FleetPage.open(self._folder, *seen, missing, self.stop, self._log)
            self._reception.open()
            banks = [shown(line.host, line.port) for line in self._folder.settings.lines]
            up(self._reception.addresses, list(dict.fromkeys(banks)))
            self._is_up = True
            self._manager.ready()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
            self._manager.watch(self.is_well)
            await self._stopping.wait()
        finally:
            self._manager.stopping(self._drain_seconds)
            self._log.info("stopping", processes=len(self._children))
            await self._end()
            if page is not None:
                page.close()
            release()
            self._log.info("stopped")
        return self._given_up or self._endings.code or int(self._stops_asked > 1)

    def stop(self) -> float:
        """Take no more connections, have workers finish in the seconds returned; twice: at once."""
        self._stops_asked += 1
        self._stopping.set()
        if self._stops_asked > 1:
            self._endings.hurry(self._children.values())
        return self._drain_seconds

    def is_well(self) -> bool:
        """Tell whether every worker that can be is there, and has just said that it commits.

        Not where none is: then nobody is cut off by a start anew, which may make room.
        """
        since, out = read_clock().monotonic - WELL_SECONDS, self._left_out.reasons()
        there = [self._children[number] for number in self._workers() if number not in out]
        are_all = len(there) == self._folder.settings.workers - len(out)
        return are_all and bool(there) and all(child.well_at > since for child in there)

    def _workers(self) -> list[int]:
        return sorted(number for number in self._children if number != WRITER)

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _reload(self) -> None:
        self._manager.reloading()
        settings = self._settings.read_anew()
        if settings is not None:  # too long a wait for a worker that refuses them harms nobody
            self._drain_seconds = max(self._drain_seconds, settings.limits.drain_seconds_max)
        self._left_out.try_again()
        self._later(self._reloaded([self._children[number] for number in self._workers()]))

    def _take_level(self, settings: Settings | None) -> None:
        if settings is not None:
            self._log.level = settings.log.level
            if WRITER in self._children:
                self._children[WRITER].control.say({seat.LEVEL: self._log.level})

    async def _reloaded(self, workers: "list[Child]") -> None:
        for child in workers:
            child.has_reloaded = False
        untold = [child for child in workers if child.is_ready.is_set()]
        deadline = read_clock().monotonic + RELOAD_SECONDS_MAX
        while not (all(child.has_reloaded for child in workers) or self._stopping.is_set()):
            if read_clock().monotonic > deadline:  # one died, or hangs: others tell of that
                break
            untold = [child for child in untold if not self._settings.tell(child)]
            await asyncio.sleep(LOOK_SECONDS)
        if not self._stopping.is_set():
            self._manager.ready()

    async def _start_all(self) -> None:
        settings = self._folder.settings
        writer = [] if settings.journal.url else [WRITER]  # workers wait until it is there
        numbers = [*writer, *range(1, settings.workers + 1)]
        await asyncio.gather(*map(self._started, numbers))

    async def _started(self, number: int) -> None:
        """Start a process and wait until it is ready.  Raises ``Refused``."""
        child = await self._spawned(number, is_fresh=True)
        await child.come_up()

    async def _spawned(self, number: int, *, is_fresh: bool = False) -> Child:
        workers = self._folder.settings.workers
        settings = self._settings.start
        child = await spawned(self._folder.root, number, workers, self._heard, settings)
        told: dict[str, Any] = {seat.LENT: self._reception.addresses, seat.FRESH: is_fresh}
        if number == WRITER:
            told[seat.ORDERS] = WriterOrders.of(self._folder, self._log).to_message()
        child.control.say(told)
        self._children[number] = child
        self._later(self._watch(child))
        return child

    async def _spawned_again(self, child: Child) -> None:
        """Start a process in the place of one that ended, as soon as there is room for it."""
        seconds, waits_for_room = AGAIN_SECONDS_FIRST, self._left_out.without_room
        while not self._stopping.is_set():
            try:
                started = await self._spawned(child.number)
            except OSError as error:
                if child.number != WRITER:  # without that one nobody's rows are written
                    waits_for_room.add(child.number)
                if seconds == AGAIN_SECONDS_FIRST:
                    reason = plain_words(error)
                    self._log.error("process not started", process=child.name, reason=reason)
                await pause(self._stopping, seconds)
                seconds = min(2 * seconds, AGAIN_SECONDS_MAX)
            else:
                waits_for_room.discard(child.number)
                if self._stopping.is_set():  # the stop did not know of it yet
                    started.signal(signal.SIGTERM)
                    started.control.close()
                return

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._watching.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(self._watching.discard)

    def _heard(self, child: Child, message: dict[str, Any]) -> None:
        self._doubts.update(message.get(seat.DOUBTS, {}))
        if seat.READY in message:
            child.is_ready.set()
            self._left_out.is_back(child.number)
            if self._settings.were_taken_anew or not child.has_reloaded:
                self._settings.tell_late(child)
        if message.get(seat.WELL):
            child.well_at = read_clock().monotonic
        if seat.RELOADED in message:
            child.has_reloaded = True
            self._take_level(self._settings.were_taken(message[seat.RELOADED]))
        if seat.PEERS in message:
            child.hears_peers(message[seat.PEERS], int(message[seat.SETTLED]))
        if seat.ENDED in message:
            child.ended = int(message[seat.ENDED])

    async def _watch(self, child: Child) -> None:
        code = await child.process.wait()
        child.control.close()
        if self._stopping.is_set() or self._children.get(child.number) is not child:
            return
        del self._children[child.number]
        could_not_start = child.could_not_start(code, self._left_out.program)
        self._deaths[child.number] += not could_not_start
        self._log.error("process ended", process=child.name, code=code)
        if not child.is_ready.is_set() and not self._restarts and not self._is_up:
            return  # it never came up: the start says so
        if could_not_start:
            await self._leave_out(child)
        elif code == seat.LOST:  # only a start anew knows what the disk holds
            self._give_up(code, process=child.name, why="the journal is lost")
        elif (restarts := self._restarts[child.number]).one_more(read_clock().monotonic):
            count = len(restarts.at)
            self._give_up(GIVEN_UP, process=child.name, restarts_within_a_minute=count)
        else:
            if not child.is_ready.is_set() and child.number != WRITER:
                self._left_out.not_up.add(child.number)
            await pause(self._stopping, restarts.pause(came_up=child.is_ready.is_set()))
            await self._spawned_again(child)

    async def _leave_out(self, child: Child) -> None:
        """Go on without a worker that another program is to start, and try again in a while.

        Not without one that dials: nobody else has its lines, and their bank would be cut off.
        """
        out, settings = self._left_out.numbers, self._folder.settings
        out.add(child.number)
        is_needed = child.number == WRITER or lines_of(
            settings.lines, child.number, settings.workers
        )
        if is_needed or len(out) == settings.workers:
            self._give_up(OTHER_RELEASE, process=child.name, why=REPLACED)
            return
        self._log.error("worker left out", process=child.name, why=REPLACED)
        await self._left_out.wait(child.number)
        await self._spawned_again(child)

    def _give_up(self, code: int, **why: object) -> None:
        self._log.error("given up", **why)
        self._given_up = code
        self._stopping.set()

    async def _end(self) -> None:
        """Listen no more, have the workers finish, then the writer."""
        self._stopping.set()
        self._left_out.try_again()
        self._reception.close()
        there = list(self._children.values())
        workers = [child for child in there if child.number != WRITER]
        await self._endings.wait(workers, self._drain_seconds + ENDING_SECONDS_MAX)
        for child in there:
            child.control.close()  # by which the writer knows that it was all
        await self._endings.wait(there, ENDING_SECONDS_MAX)
        await asyncio.gather(*self._watching, return_exceptions=True)
