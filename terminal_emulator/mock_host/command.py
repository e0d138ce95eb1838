"""The work of ``terminal-emulator mock-host``, behind its light options."""

import asyncio
import signal
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from terminal_emulator.address import Address, why_not_listening
from terminal_emulator.given_file import text_of_file
from terminal_emulator.kit import BARE_KIT, Kit, find_profile, read_kit
from terminal_emulator.mock_host.host import MockHost
from terminal_emulator.mock_host.rules import EXAMPLE, Rules, RulesWrong, read_rules

WRITE_ONE = "one to begin from: terminal-emulator mock-host --example > FILE"


def example() -> str:
    """Return a commented rules file."""
    return EXAMPLE


def serve(
    listen: Address, kit_file: Path | None, profile: str | None, rules_file: Path | None, seed: str
) -> int:
    """Answer by the rules until SIGTERM or Ctrl-C, then print the counts."""
    kit = read_kit(kit_file) if kit_file else BARE_KIT
    rules = _rules(rules_file, seed)
    asyncio.run(_serve(listen, kit, profile, rules))
    done = "  ".join(f"{what} {count:,}" for what, count in rules.done.most_common())
    click.echo(f"done: {done or 'nothing came'}")
    return 0


async def _serve(listen: Address, kit: Kit, profile: str | None, rules: Rules) -> None:
    host = MockHost(
        find_profile(profile or kit.profile), kit.keys(), rules,
        lambda line: click.echo(line, err=True),
    )  # fmt: skip
    try:
        server = await host.serve(listen.host, listen.port)
    except OSError as error:
        raise Refused(why_not_listening(listen, error, "--listen")) from None
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    bound = server.sockets[0].getsockname()
    click.echo(f"listening on {Address(bound[0], bound[1])}")
    await stop.wait()
    server.close()
    await host.close()


def _rules(path: Path | None, seed: str) -> Rules:
    if path is None:
        return read_rules("", seed)
    try:
        return read_rules(text_of_file(path, WRITE_ONE), seed)
    except RulesWrong as wrong:
        raise Refused(f"{path}: {wrong}") from None
