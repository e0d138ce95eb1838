"""The work of ``terminal-emulator scenario``, behind its light options."""

import asyncio
import random
import secrets
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from atm_switch.profile.shipped import spec_text, specs_folder
from terminal_emulator.given_file import require_writable, text_of_file
from terminal_emulator.kit import find_profile
from terminal_emulator.options import TerminalOptions
from terminal_emulator.scenario.model import Case
from terminal_emulator.scenario.play import CaseResult, Host, Lane, Play, lanes_of
from terminal_emulator.scenario.read import ScenarioWrong, read_cases
from terminal_emulator.scenario.report import (
    deeds_of,
    failure_of,
    json_of,
    junit_of,
    line_of,
    summary_of,
)
from terminal_emulator.scenario.target import (
    TARGET_EXAMPLE,
    Target,
    beyond,
    read_target,
    sample_target,
)
from terminal_emulator.scenario.wire import Unreachable
from terminal_emulator.wanted import kit_of, tls_of

INTERRUPTED = 130
WRITE_ONE = "one to begin from: terminal-emulator scenario example > FILE"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What was asked for on the command line."""

    places: tuple[Path, ...]
    suite: str | None
    tags: tuple[str, ...]
    names: tuple[str, ...]
    target: Path | None
    parallel: int
    junit: Path | None
    json_file: Path | None
    seed: str | None
    quiet: bool
    verbose: bool
    repeat: int
    skip: tuple[str, ...]


def run(terminal: TerminalOptions, asked: RunOptions) -> int:
    """Play the cases and report.  Raises ``Refused`` where one fails, or none was played."""
    seed = asked.seed or secrets.token_hex(4)
    require_writable((asked.junit, asked.json_file))
    host = _host(terminal, asked)
    cases = _chosen(asked, host.target, seed)
    results: list[CaseResult] = []

    def tell(result: CaseResult) -> None:
        results.append(result)
        if not terminal.as_json and not (asked.quiet and result.is_passed):
            click.echo("\n".join([line_of(result), *shown(result)]))

    def shown(result: CaseResult) -> Iterator[str]:
        return deeds_of(result, host.profile) if asked.verbose else iter(())

    was_stopped = False
    lanes = lanes_of(host, asked.parallel, seed)
    try:
        for time in range(asked.repeat):
            drawn = f"{seed} {time}" if time else seed  # or garbage would come again
            asyncio.run(_play_all(cases, lanes, drawn, tell))
    except KeyboardInterrupt:
        was_stopped = True
    _report(results, host, seed, asked, as_json=terminal.as_json)
    if was_stopped:
        click.echo(
            f"interrupted after {len(results)} of {len(cases) * asked.repeat} cases", err=True
        )
        click.get_current_context().exit(INTERRUPTED)
    _require_passed(results)
    return 0


def _require_passed(results: Sequence[CaseResult]) -> None:
    failed = _failed(results)
    if failed:
        raise Refused(f"{len(failed)} of {len(results)} cases failed")
    if all(one.skipped for one in results):
        raise Refused("no case could be played; give --kit of a folder with samples, or --target")


def _failed(results: Sequence[CaseResult]) -> list[CaseResult]:
    return [one for one in results if not one.is_passed and not one.skipped]


def _report(
    results: Sequence[CaseResult], host: Host, seed: str, asked: RunOptions, *, as_json: bool
) -> None:
    _write(asked.junit, lambda: junit_of(results, host.profile))
    _write(asked.json_file, lambda: json_of(results, seed, host.profile))
    if as_json:
        click.echo(json_of(results, seed, host.profile), nl=False)
        return
    for one in _failed(results):
        click.echo("\n" + failure_of(one, host.profile), nl=False)
    click.echo(f"\n{summary_of(results)}; seed {seed}")


def _host(terminal: TerminalOptions, asked: RunOptions) -> Host:
    kit = kit_of(terminal)
    target = _target(asked, kit.path)
    # A kit without a key cannot ask what needs one, and a line under MAC refuses forgeries.
    cannot = {"no-mac"} if kit.mac_key else {"mac"}
    cannot |= set() if kit.pin_key else {"pin"}
    profile = find_profile(kit.profile)
    cannot |= beyond(profile) | set(asked.skip)
    target = Target(target.cards, target.without | cannot, target.codes)
    return Host(terminal.connect, kit, profile, target, tls_of(terminal), terminal.timeout)


def listed(asked: RunOptions) -> Iterator[Case]:
    """Yield the cases of the files, without a host."""
    yield from _chosen(asked, _AnyTarget(), asked.seed or "1")


def example() -> str:
    """Return a commented scenario file."""
    return spec_text("conformance/example.toml")


def example_target() -> str:
    """Return a commented target file."""
    return TARGET_EXAMPLE


class _AnyTarget(Target):
    """Knows every card, for those who only look at the cases."""

    def fact(self, name: str) -> str | None:
        return f"<{name}>" if "." in name else None


async def _play_all(
    cases: Sequence[Case], lanes: Sequence[Lane], seed: str, tell: Callable[[CaseResult], None]
) -> None:
    waiting = list(reversed(cases))
    # Wrong PINs of two cases at once would use up a card's tries together.
    guessing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    was_reached = False

    async def play_on(lane: Lane) -> None:
        nonlocal was_reached
        target = lane.host.target
        while waiting:
            case = waiting.pop()
            hindered = sorted(case.tags & target.without) + target.lacks(case.needs)
            if hindered:
                tell(CaseResult(case, skipped=f"not for this host: {', '.join(hindered)}"))
                continue
            chance = random.Random(f"{seed} {case.file} {case.name}")  # noqa: S311 - garbage
            async with AsyncExitStack() as held:
                for card in sorted({step.card for step in case.steps if step.guesses}):
                    await held.enter_async_context(guessing[card])
                play = Play(case, lane.host, lane.next_stan, chance)
                try:
                    result = await play.run()
                except Unreachable as error:
                    if not was_reached:
                        raise  # the same sentence for each case would tell no more
                    result = CaseResult(case, error=str(error))
                lane.next_stan = play.next_stan
                was_reached = True
                tell(result)

    await asyncio.gather(*map(play_on, lanes))


def _chosen(asked: RunOptions, target: Target, seed: str) -> list[Case]:
    cases: list[Case] = []
    wrong: list[str] = []
    for path in _files(asked):
        try:
            cases += read_cases(text_of_file(path, WRITE_ONE), path.name, target.fact, seed)
        except ScenarioWrong as one:
            wrong.append(str(one))
    if wrong:
        raise Refused("\n".join(wrong))
    if asked.tags:
        cases = [case for case in cases if case.tags & set(asked.tags)]
    if asked.names:
        cases = [case for case in cases if any(name in case.name for name in asked.names)]
    if not cases:
        raise Refused("no case is left to play; see: terminal-emulator scenario list")
    return cases


def _files(asked: RunOptions) -> list[Path]:
    files: list[Path] = []
    places = list(asked.places)
    if asked.suite is not None:
        suite = specs_folder() / asked.suite
        if not suite.is_dir() or not any(suite.glob("*.toml")):
            raise Refused(f"there is no suite {asked.suite!r}; there is: conformance")
        places.append(suite)
    for place in places:
        found = sorted(place.glob("*.toml")) if place.is_dir() else [place]
        files += [one for one in found if one.name != "example.toml" or one in asked.places]
    if not places:
        raise click.UsageError("name scenario files or folders, or --suite conformance")
    if not files:
        raise Refused(f"there is no scenario (*.toml) in {places[0]}; {WRITE_ONE}")
    return files


def _target(asked: RunOptions, kit: Path | None) -> Target:
    if asked.target is not None:
        return read_target(asked.target)
    return sample_target(kit.parent) if kit is not None else Target()


def _write(path: Path | None, text: Callable[[], str]) -> None:
    if path is None:
        return
    try:
        path.write_text(text(), encoding="utf-8")
    except OSError as error:
        sys.stderr.write(f"terminal-emulator: {path}: {error.strerror}\n")
