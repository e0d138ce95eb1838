"""Switch the full-screen ATM on, and leave nothing behind when it goes off."""

import asyncio
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from time import monotonic

from atm_switch.messages.inquiry_data import InquiryData
from terminal_emulator.address import Address
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm_screen.app import AtmApp
from terminal_emulator.atm_screen.deck import SampleCard, read_deck
from terminal_emulator.atm_screen.visit import Machine
from terminal_emulator.flow import Manner
from terminal_emulator.kit import Kit, find_profile
from terminal_emulator.slips.paper import Paper, paper_of_result
from terminal_emulator.standing_line import StandingLine


def build_app(
    address: Address, kit: Kit, manner: Manner, clock: Callable[[], float] = monotonic
) -> tuple[AtmApp, StandingLine]:
    """Make the ATM and its line; the caller closes the line.  Raises ``Refused``."""
    watchers: list[AtmApp] = []

    def watch(is_sent: bool, payload: bytes) -> None:  # noqa: FBT001  see Watch
        for app in watchers:
            app.watch_message(is_sent, payload)

    line = StandingLine(address, kit, replace(manner, watch=watch))
    machine = machine_of(kit, read_deck(kit.path), manner.seconds, clock)
    app = AtmApp(line, kit, find_profile(kit.profile), address, machine)
    watchers.append(app)
    return app, line


def run_screen(address: Address, kit: Kit, manner: Manner) -> None:
    """Be an ATM until somebody switches it off, hangs up or kills it."""

    async def run() -> None:
        app, line = build_app(address, kit, manner)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, app.exit)
        try:
            await app.run_async()
        finally:
            app.visit.end()
            await line.close()

    asyncio.run(run())


def machine_of(
    kit: Kit, deck: tuple[SampleCard, ...], seconds: float, clock: Callable[[], float]
) -> Machine:
    """Set an ATM up for a kit: it takes a PIN where there is a key, and prints its slips."""

    def print_slip(result: InquiryResult, wish: InquiryData) -> Paper | None:
        try:
            return paper_of_result(
                result, wish.receipt_width, wish.language, kit.station, datetime.now(UTC)
            )
        except ValueError:
            return None  # a host that sends no slip, or one that cannot be printed

    return Machine(deck, kit.pin_key is not None, seconds, clock, print_slip)
