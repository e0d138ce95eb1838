"""``terminal-emulator scenario``: options and help."""

from pathlib import Path
from typing import Any

import click

from atm_switch.command_groups import Group
from terminal_emulator.cli.given import json_option, terminal_options
from terminal_emulator.options import TerminalOptions

_file = click.Path(path_type=Path)


@click.group(
    cls=Group,
    epilog="""\b
Examples:
  terminal-emulator scenario example > mine.toml
  terminal-emulator scenario run mine.toml --kit bank/terminal-kit.json
  terminal-emulator scenario run --suite conformance --kit bank/terminal-kit.json --junit out.xml
  terminal-emulator scenario target > theirs.toml
  terminal-emulator scenario run --suite conformance --connect 10.1.2.3:8583 \\
                             --kit kit.json --target theirs.toml""",
)
def scenario() -> None:
    """Play scenario files against a host and judge what it does."""


@scenario.command(
    epilog="""\b
Examples:
  terminal-emulator scenario run mine.toml --kit bank/terminal-kit.json --verbose
  terminal-emulator scenario run --suite conformance --kit bank/terminal-kit.json --parallel 4""",
)
@click.argument("places", metavar="FILE|DIR...", nargs=-1, type=_file)
@terminal_options
@json_option
@click.option("--suite", metavar="NAME", help="A suite that ships: conformance.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag.")
@click.option("--skip", multiple=True, metavar="TAG", help="No case with this tag.")
@click.option("--name", "names", multiple=True, metavar="WORDS", help="Only cases so called.")
@click.option("--target", type=_file, metavar="FILE",
              help="What the host knows; the kit's sample data if left out.")  # fmt: skip
@click.option("--parallel", type=click.IntRange(1, 1000), default=1, show_default=True,
              metavar="N", help="Cases at once, each as a terminal of its own.")  # fmt: skip
@click.option("--junit", type=_file, metavar="FILE", help="Write JUnit's XML.")
@click.option("--json-file", type=_file, metavar="FILE", help="Write the results as JSON.")
@click.option("--seed", help="Of random values; printed, so that a run can be had again.")
@click.option("--repeat", type=click.IntRange(1, 1_000_000), default=1, show_default=True,
              metavar="N", help="Play all of it so often.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="Print failed cases only.")
@click.option("--verbose", is_flag=True, help="Print what the host did in every step.")
def run(**given: Any) -> int:
    """Play scenarios; exits 0 only if every case is as expected."""
    names = TerminalOptions.__dataclass_fields__.keys()
    terminal = TerminalOptions(**{name: given.pop(name) for name in names})
    if terminal.as_json and any(place.suffix == ".json" for place in given["places"]):
        raise click.UsageError("--json prints; to write a file pass --json-file FILE")
    from terminal_emulator.scenario import command

    return command.run(terminal, command.RunOptions(**given))


@scenario.command(
    "list",
    epilog="""\b
Examples:
  terminal-emulator scenario list --suite conformance --tag pin
  terminal-emulator scenario list mine.toml""",
)
@click.argument("places", metavar="FILE|DIR...", nargs=-1, type=_file)
@click.option("--suite", metavar="NAME", help="A suite that ships: conformance.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only cases with this tag.")
def list_cases(places: tuple[Path, ...], suite: str | None, tags: tuple[str, ...]) -> None:
    """List cases, with tags and what each proves."""
    for case in _cases(places, suite, tags):
        click.echo(f"{case.name}  [{', '.join(sorted(case.tags))}]  {case.proves}".rstrip())


@scenario.command(
    epilog="""\b
Examples:
  terminal-emulator scenario check mine.toml""",
)
@click.argument("places", metavar="FILE|DIR...", nargs=-1, type=_file, required=True)
def check(places: tuple[Path, ...]) -> None:
    """Judge files without a host; count their cases."""
    click.echo(f"{len(_cases(places, None, ()))} cases, well formed")


@scenario.command(
    epilog="""\b
Examples:
  terminal-emulator scenario example > mine.toml""",
)
def example() -> None:
    """Print a commented scenario file to begin from."""
    from terminal_emulator.scenario import command

    click.echo(command.example(), nl=False)


@scenario.command(
    epilog="""\b
Examples:
  terminal-emulator scenario target > theirs.toml""",
)
def target() -> None:
    """Print a commented target file: what somebody else's host knows."""
    from terminal_emulator.scenario import command

    click.echo(command.example_target(), nl=False)


def _cases(places: tuple[Path, ...], suite: str | None, tags: tuple[str, ...]) -> list[Any]:
    from terminal_emulator.scenario import command

    asked = command.RunOptions(
        places=places, suite=suite, tags=tags, names=(), target=None, parallel=1, junit=None,
        json_file=None, seed="1", quiet=False, verbose=False, repeat=1, skip=(),
    )  # fmt: skip
    return list(command.listed(asked))
