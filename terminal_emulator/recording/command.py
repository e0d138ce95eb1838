"""The work of ``terminal-emulator record`` and ``replay``, behind their light options."""

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from io import FileIO
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from terminal_emulator.address import Address, why_not_listening
from terminal_emulator.flow import Manner
from terminal_emulator.given_file import text_of_file
from terminal_emulator.kit import BARE_KIT, find_profile
from terminal_emulator.load.callers import Card, read_all_cards
from terminal_emulator.options import TerminalOptions
from terminal_emulator.recording.recorder import Recorder
from terminal_emulator.recording.replay import Played, replay
from terminal_emulator.recording.tape import TapeWrong, read_tape
from terminal_emulator.wanted import kit_of, tls_of


def record(
    listen: Address, connect: Address, profile: str | None, out: Path, pcap: Path | None
) -> int:
    """Record until SIGTERM or Ctrl-C.  Raises ``Refused`` for a file that is there."""
    dialect = find_profile(profile or BARE_KIT.profile)
    with ExitStack() as files:
        tape = files.enter_context(_new_file(out))
        try:
            packets = files.enter_context(_new_file(pcap)) if pcap else None
        except Refused:
            out.unlink()
            raise
        recorder = Recorder(
            connect, dialect, lambda line: tape.write(line.encode() + b"\n"),
            packets.write if packets else None,
        )  # fmt: skip
        asyncio.run(_serve(recorder, listen))
    click.echo(f"{recorder.frames:,} frames recorded in {out}")
    if recorder.fault:
        raise Refused(f"{out} or its capture ends early: {recorder.fault}; the line went on")
    return 0


def _new_file(path: Path) -> FileIO:
    """Make a file that nobody else reads: who was where at which time is in it.

    Unbuffered, so that what a line carried before a crash is on the disk.  Raises ``Refused``.
    """
    try:
        return FileIO(path, "x", opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        raise Refused(f"{path}: {error.strerror}; name a new file") from None


async def _serve(recorder: Recorder, listen: Address) -> None:
    try:
        server = await recorder.serve(listen)
    except OSError as error:
        raise Refused(why_not_listening(listen, error, "--listen")) from None
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    bound = server.sockets[0].getsockname()
    click.echo(f"listening on {Address(bound[0], bound[1])}, host {recorder.host}")
    await stop.wait()
    server.close()


def play(terminal: TerminalOptions, file: Path, cards_file: Path | None, speed: str) -> int:
    """Play a recording again; 0 only if the host said the same to everything."""
    try:
        head, told = read_tape(text_of_file(file, "make one with: terminal-emulator record"))
    except TapeWrong as wrong:
        raise Refused(f"{file}: {wrong}") from None
    kit = kit_of(replace(terminal, profile=terminal.profile or head.get("profile")))
    cards = _cards(cards_file, kit.path)
    manner = Manner(terminal.timeout, signs_on=False, tls=tls_of(terminal))
    played = asyncio.run(replay(told, terminal.connect, kit, cards, _pace(speed), manner))
    other = [one for one in played if not one.is_same]
    _print(played, other, as_json=terminal.as_json)
    if other:
        raise Refused(f"{len(other)} of {len(played)} requests were answered otherwise")
    return 0


def _print(played: Sequence[Played], other: Sequence[Played], *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"played": len(played), "other": [asdict(one) for one in other]}))
        return
    for one in other:
        said = f"recorded {one.recorded or 'no answer'}, got {one.got or one.why}"
        said = "; ".join(one.differs) or said
        click.echo(f"link {one.link}, {one.at:.3f} s, {one.what}: {said}")
    click.echo(f"{len(played) - len(other)} of {len(played)} answered as recorded")


def _pace(speed: str) -> float:
    return 0.0 if speed == "max" else float(speed.removeprefix("x"))


def _cards(path: Path | None, kit: Path | None) -> list[Card]:
    found = path or (kit.parent / "sample" / "cards.txt" if kit else None)
    if found is None:
        return []
    return read_all_cards(text_of_file(found, "pass --cards FILE"))
