"""``atm-switch serve DIR``: run the switch until SIGTERM or Ctrl-C."""

import asyncio
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from atm_switch.app import Service


@click.command(
    epilog="""\b
Examples:
  atm-switch serve bank                      listen as bank/switch.toml says
  atm-switch serve bank 2>switch.log &       the log goes to standard error

It prints "listening on HOST:PORT" once it accepts connections.  SIGTERM or Ctrl-C
answers what is under way and stops; a second one stops at once.  SIGHUP reads TLS
certificates and keys again; connections that are there stay."""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def serve(folder: Path) -> None:
    """Run the switch on the data folder DIR until SIGTERM."""
    from atm_switch.adapters.process_hygiene import forbid_core_dumps, refuse_optimised
    from atm_switch.app import Service
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder
    from atm_switch.server.event_loop import new_loop
    from atm_switch.server.log import make_logger

    refuse_optimised()
    forbid_core_dumps()
    opened = open_folder(folder)
    opened.pull_keys()
    log = make_logger(opened.settings.log.format, opened.settings.log.level)
    service = Service(opened, opened.vault(), log)
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_serve(service))
    except asyncio.CancelledError:
        raise Refused("stopped at once: requests under way were not answered") from None


async def _serve(service: "Service") -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    main = asyncio.current_task()

    def asked_to_stop() -> None:
        if stop.is_set() and main is not None:
            main.cancel()  # the second time: at once
        stop.set()

    service.asked_to_stop = asked_to_stop
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    loop.add_signal_handler(signal.SIGHUP, service.reload)
    await service.start()
    try:
        for address in service.addresses:
            print(f"listening on {address}", flush=True)
        await stop.wait()
    finally:
        await service.stop()
