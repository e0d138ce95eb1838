"""``atm-switch demo``: the main job, end to end: switch, sample members and terminal.

An MQTT broker is beside them where it stays up and the extra ``broker`` is installed.
"""

import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from atm_switch.folder import DataFolder
    from terminal_emulator.answers import InquiryResult


@click.command(
    epilog="""\b
Examples:
  atm-switch demo             sign on, one inquiry, screen and slip, sign off
  atm-switch demo --stay      leave the switch up and say how to connect

Everything happens in a temporary folder and on loopback; nothing is left behind.
With --stay there is an MQTT broker, too, where the extra broker is installed."""
)
@click.option("--stay", is_flag=True, help="Leave the switch up until Ctrl-C.")
def demo(stay: bool) -> None:  # noqa: FBT001  click hands a flag over like this
    """Run one balance inquiry end to end: switch, sample members and terminal."""
    from atm_switch.adapters.process_hygiene import forbid_core_dumps, refuse_optimised
    from atm_switch.cli.demo_broker import embedded_broker

    refuse_optimised()
    forbid_core_dumps()
    with tempfile.TemporaryDirectory(prefix="atm-switch-demo-") as parent, ExitStack() as stack:
        broker = stack.enter_context(embedded_broker()) if stay else ""
        result = asyncio.run(_demo(Path(parent) / "bank", broker, stays=stay))
    if not result.is_approved:
        print(f"the demo's inquiry was declined: {result.code} {result.text}", file=sys.stderr)
        sys.exit(1)


async def _demo(root: Path, broker: str, *, stays: bool) -> "InquiryResult":
    import os

    from atm_switch.adapters.clock import read_clock
    from atm_switch.app import Service
    from atm_switch.cli.demo_broker import tell_broker
    from atm_switch.founding import Wishes, init
    from atm_switch.server.log import make_logger

    _say(1, "make a data folder: fresh keys, ledger, journal, sample members from CSV")
    folder = init(root, Wishes(listen="127.0.0.1:0", with_sample=True), read_clock, os.urandom)
    folder = tell_broker(folder, broker) if broker else folder
    _say(2, "start the switch")
    service = Service(folder, folder.vault(), make_logger("auto", "warning"))
    await service.start()
    try:
        address = service.addresses[0]
        _say(3, f"listening on {address}; the terminal signs on and asks")
        result = await _ask(address, folder)
        if stays:
            await _stay(address, folder)
    finally:
        await service.stop()
    _say(4, "signed off, switch stopped")
    return result


async def _ask(address: str, folder: "DataFolder") -> "InquiryResult":
    from atm_switch.adapters.clock import read_clock
    from atm_switch.domain.secret import Pin
    from atm_switch.ledger.sample_members import sample_cards
    from terminal_emulator.flow import one_inquiry
    from terminal_emulator.kit import read_kit
    from terminal_emulator.screen import Look, show

    card = sample_cards(read_clock().jakarta_date())[0]
    kit = read_kit(folder.root / "terminal-kit.json")
    result = await one_inquiry(address, kit, card.pan.digits, Pin(card.pin.encode()))
    print()
    print(show(result, Look(unicode=_has_unicode(), colour=False)))
    return result


async def _stay(address: str, folder: "DataFolder") -> None:
    from atm_switch.cli.demo_broker import HOW_TO_GET_IT

    kit = folder.root / "terminal-kit.json"
    print(f"the switch stays up at {address}; from another terminal:")
    print(f"  terminal-emulator atm --connect {address} --kit {kit}")
    print(f"  terminal-emulator inquire --connect {address} --kit {kit} \\")
    print("      --pan 9990090000000012 --pin 123456")
    print(f"sample cards: {folder.root / 'sample' / 'cards.txt'}")
    broker = folder.settings.events.broker
    print(f"events go to {broker}:" if broker else f"events stay here ({HOW_TO_GET_IT}):")
    print(f"  atm-switch events tail --follow {folder.root}")
    print("Ctrl-C stops it", flush=True)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    print()


def _say(step: int, text: str) -> None:
    print(f"{step}. {text}", flush=True)


def _has_unicode() -> bool:
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
