"""``atm-switch serve DIR``: run the switch until SIGTERM or Ctrl-C."""

import asyncio
import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from atm_switch.app import Service
    from atm_switch.folder import DataFolder
    from atm_switch.process_place import ProcessPlace
    from atm_switch.seat import Seat
    from atm_switch.server.desk import Desk
    from atm_switch.server.log import Logger
    from atm_switch.writer_apart import WriterApart


@click.command(
    epilog="""\b
Examples:
  atm-switch serve bank                      listen as bank/switch.toml says
  atm-switch serve bank 2>switch.log &       the log goes to standard error

It prints "listening on HOST:PORT" once it accepts connections; a switch that only
dials prints "dialling HOST:PORT".  SIGTERM or Ctrl-C answers what is under way and
stops; a second one stops at once.  SIGHUP reads limits, profiles, the log level, TLS
certificates and keys again; connections that are there stay.  With workers = N in the
settings N processes answer; one that dies is started again, and exit code 70 says that
they died too often.  Exit code 76 says that another release of atm-switch was installed
meanwhile and a process could not be started from it.  Exit code 74 says that the disk
failed under the journal: what was answered is on it, and the next start goes on from
there."""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--as-process", "process", default="", hidden=True)
def serve(folder: Path, process: str) -> int:
    """Run the switch on the data folder DIR until SIGTERM."""
    # By default it would end the process: it waits in the kernel until the switch is up.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    gc.disable()  # a seventh of the start would go into looking for garbage that is none
    try:
        return _run(folder, process)
    finally:
        gc.enable()


def _run(root: Path, process: str) -> int:
    from atm_switch.adapters.handed_text import taken
    from atm_switch.adapters.process_hygiene import forbid_core_dumps, refuse_optimised
    from atm_switch.domain.errors import FileOutdated
    from atm_switch.process_place import OfAnotherRelease, ProcessPlace

    refuse_optimised()
    forbid_core_dumps()
    place = ProcessPlace.of(process) if process else None
    if place is not None and place.is_writer:
        # It ends with whoever started it, and what that one is told is not its affair.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    with _loop() as runner:
        if place is None:
            return _run_folder(root, runner)
        try:
            if place.settings is None:
                return runner.run(_write_as(place))
            return runner.run(_serve_as(place, *_opened(root, taken(place.settings))))
        except FileOutdated:  # a start brings them up to date first: whoever started this is older
            raise OfAnotherRelease from None


@contextmanager
def _loop() -> Iterator[asyncio.Runner]:
    """Make a loop for the block.  Raises ``Refused`` where it is ended before it serves."""
    from atm_switch.domain.errors import Refused
    from atm_switch.server.event_loop import new_loop
    from atm_switch.writer_apart import STOPPED_EARLY

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            yield runner
    except asyncio.CancelledError:
        raise Refused(STOPPED_EARLY) from None


def _run_folder(root: Path, runner: asyncio.Runner) -> int:
    """Serve in as many processes as the settings say, from files that are up to date."""
    from atm_switch.adapters.schema import is_outdated
    from atm_switch.adapters.service_manager import ServiceManager
    from atm_switch.writer_apart import WriterApart, is_likely, is_wanted

    writer = WriterApart(root)
    if is_likely(root):
        runner.run(writer.begin())
    folder, log = _opened(root)
    if any(is_outdated(*one) for one in folder.databases):
        from atm_switch.upgrade import bring_up_to_date

        runner.run(bring_up_to_date(folder, log, ServiceManager.here()))
    if is_wanted(folder.settings):
        return runner.run(_serve_beside(writer, folder, log))
    writer.let_go()
    serve = _supervise if folder.settings.workers > 1 else _serve_alone
    return runner.run(serve(folder, log))


def _opened(root: Path, text: str | None = None) -> "tuple[DataFolder, Logger]":
    """Open the folder; no loop may run, for keys on PostgreSQL are asked for in one of its own."""
    from atm_switch.folder import open_folder
    from atm_switch.server.log import make_logger

    folder = open_folder(root, text)
    folder.pull_keys()
    return folder, make_logger(folder.settings.log.format, folder.settings.log.level)


async def _supervise(folder: "DataFolder", log: "Logger") -> int:
    from atm_switch.adapters.service_manager import ServiceManager
    from atm_switch.supervisor import Supervisor

    gc.enable()
    return await Supervisor(folder, log, ServiceManager.here()).run(_print_places)


async def _serve_alone(folder: "DataFolder", log: "Logger") -> int:
    from atm_switch.app import Service

    return await _serve(Service(folder, folder.vault(), log))


async def _serve_beside(writer: "WriterApart", folder: "DataFolder", log: "Logger") -> int:
    """Serve while a process beside this one writes the journal."""
    vault = await writer.start(folder, log)
    try:
        from atm_switch.app import Service

        service = Service(folder, vault, log, seat=writer.seat)

        def end(code: int) -> None:
            service.exit_code = service.exit_code or code
            service.seat.finish()

        writer.on_end = end
        code = await _serve(service, writer=writer)
    except BaseException as why:  # also where it is to end at once
        await writer.stop_behind(why)
        raise
    of_writer = await writer.stop()
    return code or of_writer


async def _serve_as(place: "ProcessPlace", folder: "DataFolder", log: "Logger") -> int:
    """Serve as one of several processes."""
    seat, gone = await _seated(place)
    from atm_switch.app import Service

    service = Service(folder, folder.vault(), log.of(worker=seat.number), seat=seat)
    return await _serve(service, gone)


async def _write_as(place: "ProcessPlace") -> int:
    """Write the journal for one process or several."""
    from atm_switch.writer_orders import WriterOrders
    from atm_switch.writer_process import write_for_all

    seat, gone = await _seated(place)
    gc.enable()
    if gone.is_set():  # it was not wanted after all
        return 0
    return await write_for_all(WriterOrders.of_message(seat.orders), seat, gone)


async def _seated(place: "ProcessPlace") -> "tuple[Seat, asyncio.Event]":
    """Take a seat, and wait for what is said first there.

    The event tells that whoever started this is gone, which may come first.
    """
    from atm_switch.seat import Seat
    from atm_switch.server.control import Control

    seat, told, gone = Seat(place.number, place.workers), asyncio.Event(), asyncio.Event()

    def heard(message: dict[str, Any], connection: int | None) -> None:
        seat.heard(message, connection)
        told.set()

    def lost() -> None:
        gone.set()
        told.set()

    seat.control = Control.of_descriptor(place.control, heard, lost)
    seat.control.start()
    await told.wait()
    return seat, gone


async def _serve(
    service: "Service", gone: asyncio.Event | None = None, writer: "WriterApart | None" = None
) -> int:
    from atm_switch.adapters.service_manager import ServiceManager
    from atm_switch.seat import StopAsked

    asked, loop = StopAsked(gone), asyncio.get_running_loop()

    def reload(text: str | None = None) -> None:
        manager.reloading()
        digest = service.reload(text)
        if writer is not None:
            writer.tell_level()
        service.seat.tell_reloaded(digest)
        manager.ready()

    manager = ServiceManager.here() if gone is None else ServiceManager()
    service.asked_to_stop = asked.once_more
    service.seat.finish, service.seat.end_at_once = asked.to_stop.set, asked.at_once
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.by_signal)
    # They read what it hands them, and when it does, so that all run with the same.
    service.seat.reread = reload
    loop.add_signal_handler(signal.SIGHUP, reload if gone is None else lambda: None)
    await (service.start() if writer is None else writer.come_up(service.start()))
    if writer is not None and service.desk is not None:
        writer.tell_doubts_to(service.desk.meters.doubted)
    gc.enable()
    try:
        if gone is None:
            _print_places(service.addresses, service.calling.addresses if service.calling else [])
        manager.ready()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        manager.watch(service.is_well)
        either = (asked.to_stop,) if gone is None else (asked.to_stop, gone)
        waiting = [asyncio.ensure_future(one.wait()) for one in either]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        desk = service.desk
        manager.stopping(desk.limits.drain_seconds_max if desk else 0.0)
        if asked.is_at_once:  # both came before this went on
            asked.at_once()
        await _stop(service)
    return service.exit_code


async def _stop(service: "Service") -> None:
    """Stop, and say so.

    Cancelled, as by a second SIGTERM, it ends every link at once and raises ``Refused``.
    """
    from atm_switch.domain.errors import Refused
    from atm_switch.server.draining import cut_off

    desk = service.desk
    service.log.info("stopping", links=desk.connections if desk else 0, in_flight=_in_flight(desk))
    try:
        await service.stop()
    except asyncio.CancelledError:
        left = _in_flight(desk)
        if desk is not None:
            cut_off(desk)
        service.log.warning("stopped at once", unanswered=left)
        said = f"requests under way were not answered: {left}" if left else "nothing was under way"
        raise Refused(f"stopped at once: {said}") from None
    service.log.info("stopped")


def _in_flight(desk: "Desk | None") -> int:
    return 0 if desk is None else desk.in_flight


def _print_places(listening: "list[str]", dialled: "list[str]") -> None:
    """Say where terminals come in; of a switch that only dials, where its banks are."""
    for address in listening:
        print(f"listening on {address}", flush=True)
    for bank in dialled if not listening else ():
        print(f"dialling {bank}", flush=True)
