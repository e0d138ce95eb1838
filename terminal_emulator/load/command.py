"""The work of ``terminal-emulator load``, behind its light options."""

import asyncio
import random
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from terminal_emulator.given_file import require_writable, text_of_file
from terminal_emulator.kit import Kit, find_profile, read_kit
from terminal_emulator.load import schedule
from terminal_emulator.load.callers import Card, callers_of, read_cards
from terminal_emulator.load.chart import chart
from terminal_emulator.load.display import shown
from terminal_emulator.load.knee import find_knee
from terminal_emulator.load.precise import precise_loop
from terminal_emulator.load.report import (
    Report,
    percentile_file,
    text_of,
    write_json,
)
from terminal_emulator.load.run import Load, Target, watch
from terminal_emulator.load.tally import Tally, percentile
from terminal_emulator.load.threshold import Threshold
from terminal_emulator.options import TerminalOptions
from terminal_emulator.wanted import kit_of, tls_of

INTERRUPTED = 130
LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True, repr=False)
class LoadOptions:
    """What was asked for on the command line."""

    rate: float
    seconds: float
    ramp: tuple[float, float] | None
    by_chance: bool
    in_flight: int
    terminals: int | None
    links: int
    cards: Path | None
    pan: str | None
    pin: str | None
    kits: Path | None
    thresholds: tuple[str, ...]
    json_file: Path | None
    percentiles: Path | None
    svg: Path | None
    storms: int
    knee: bool
    warm_up: float
    no_sign_on: bool
    seed: str


def load(terminal: TerminalOptions, asked: LoadOptions) -> int:
    """Run the load and print the report.  Raises ``Refused`` for a broken threshold."""
    thresholds = [_threshold(text) for text in asked.thresholds]
    require_writable((asked.json_file, asked.percentiles, asked.svg))
    kit = kit_of(terminal)
    kits = _kits(asked.kits) if asked.kits else [kit]
    profile = find_profile(kits[0].profile)
    chance = random.Random(asked.seed)  # noqa: S311 - arrivals, not keys
    count = asked.terminals or len(kits)
    try:
        callers = callers_of(kits, _cards(asked, kit), count, profile, datetime.now(UTC))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    target = Target(
        address=terminal.connect, profile=profile, tls=tls_of(terminal),
        signs_on=not asked.no_sign_on, seconds=terminal.timeout,
    )  # fmt: skip
    ready = Load(target, callers, min(asked.links, count), chance)
    with asyncio.Runner(loop_factory=precise_loop) as runner:
        report, was_stopped = runner.run(_run(ready, asked, thresholds))
    click.echo(write_json(report) if terminal.as_json else text_of(report), nl=False)
    _write(report, asked)
    if was_stopped:
        click.get_current_context().exit(INTERRUPTED)
    if report.broken:
        raise Refused("thresholds broken: " + ", ".join(one.text for one in report.broken))
    if not report.tally.answered:
        raise Refused("no request was answered")
    return 0


async def _run(load: Load, asked: LoadOptions, promised: list[Threshold]) -> tuple[Report, bool]:
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        load.stop()

    with _told_of_interrupt(stop):
        took = await load.open()
        notes = [f"links opened and signed on: slowest {max(took) * 1000:.1f} ms"]
        try:
            if asked.warm_up and not stopped:
                await load.open_loop(schedule.constant(asked.rate or 100.0, asked.warm_up))
            tally, what = await _measured(load, asked, notes)
        finally:
            await load.close()
    report = Report.of(tally, what, len(load.callers), load.links, thresholds=promised, notes=notes)
    return report, stopped


async def _measured(load: Load, asked: LoadOptions, notes: list[str]) -> tuple[Tally, str]:
    if asked.storms:
        return await _storms(load, asked.storms, notes), f"{asked.storms} reconnect storms"
    if asked.knee:
        tally, found = await find_knee(load, asked.rate, asked.seconds, _say)
        notes += found
        return tally, f"knee, steps of {asked.seconds:g} s from {asked.rate:g}/s"
    what = _what(asked)
    with shown(what) as display:
        telling = watch(load, display.show, LOOK_SECONDS)
        try:
            if asked.in_flight:
                return await load.closed_loop(asked.in_flight, asked.seconds), what
            return await load.open_loop(_moments(load, asked)), what
        finally:
            telling.cancel()


async def _storms(load: Load, count: int, notes: list[str]) -> Tally:
    """Count each link as a request: what it waits for is to be signed on again."""
    tally = Tally()
    for number in range(count):
        if load.is_stopped:
            break
        took, failed = await load.storm()
        took.sort()
        for one in took:
            tally.take_due(tally.ended)
            tally.take_sent(tally.ended, tally.ended)
            tally.take_answer("00", tally.ended, tally.ended + one)
        for _ in range(failed):
            tally.take_due(tally.ended)
        tally.take_fault("link lost", failed)
        tally.ended += took[-1] if took else 0.0
        notes.append(
            f"storm {number + 1}: {len(took):,} links back and signed on, {failed} not; "
            f"p50 {percentile(took, 50) * 1000:.0f} ms, p99 {percentile(took, 99) * 1000:.0f} ms, "
            f"last {(took[-1] if took else 0) * 1000:.0f} ms"
        )
        _say(notes[-1])
    return tally


def _moments(load: Load, asked: LoadOptions) -> Iterator[float]:
    if asked.ramp is not None:
        return schedule.ramp(*asked.ramp, asked.seconds)
    if asked.by_chance:
        return schedule.poisson(asked.rate, asked.seconds, load.chance)
    return schedule.constant(asked.rate, asked.seconds)


def _what(asked: LoadOptions) -> str:
    if asked.in_flight:
        return f"closed loop, {asked.in_flight} in flight for {asked.seconds:g} s"
    if asked.ramp is not None:
        return f"open loop, {asked.ramp[0]:g}/s to {asked.ramp[1]:g}/s in {asked.seconds:g} s"
    kind = " by chance" if asked.by_chance else ""
    return f"open loop, {asked.rate:g}/s{kind} for {asked.seconds:g} s"


def _say(line: str) -> None:
    click.echo(line, err=True)


@contextmanager
def _told_of_interrupt(stop: Callable[[], None]) -> Iterator[None]:
    """Have Ctrl-C end the sending and keep the report; a second one ends the program."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        loop.remove_signal_handler(signal.SIGINT)
        _say("\nstopping; what is under way is waited for (Ctrl-C again to end at once)")
        stop()

    loop.add_signal_handler(signal.SIGINT, first)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _write(report: Report, asked: LoadOptions) -> None:
    for path, text in (
        (asked.json_file, write_json),
        (asked.percentiles, lambda one: percentile_file(one.ordered)),
        (asked.svg, chart),
    ):
        if path is None:
            continue
        try:
            path.write_text(text(report), encoding="utf-8")
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from None


def _threshold(text: str) -> Threshold:
    try:
        return Threshold.read(text)
    except ValueError as error:
        raise click.UsageError(f"--threshold {text}: {error}") from None


def _kits(folder: Path) -> Sequence[Kit]:
    files = sorted(folder.glob("*.json"))
    if not files:
        raise Refused(f"{folder} has no kit (*.json); atm-switch init DIR writes terminal-kit.json")
    return [read_kit(path) for path in files]


def _cards(asked: LoadOptions, kit: Kit) -> list[Card]:
    if asked.pan is not None:
        return [Card(asked.pan, asked.pin or "")]
    beside = kit.path.parent / "sample" / "cards.txt" if kit.path else None
    path = asked.cards or beside
    if path is None:
        raise click.UsageError("which cards? pass --pan, --cards FILE, or --kit of a sample folder")
    try:
        return read_cards(text_of_file(path, "pass --cards FILE or --pan"))
    except ValueError as error:
        raise Refused(f"{path}: {error}") from None
