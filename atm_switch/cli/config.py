"""``atm-switch config``: check, show and explain the settings."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from atm_switch.settings.dialling import OutgoingLine
    from atm_switch.settings.listener import Listener
    from atm_switch.settings.model import Place, Settings


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch config check bank",
        "atm-switch config show bank",
        "atm-switch config example",
    ),
)
def config() -> None:
    """Check, show and explain the settings of a data folder."""


@config.command(
    epilog=examples(
        "atm-switch config check bank",
        "atm-switch config check new-switch.toml && mv new-switch.toml bank/switch.toml",
    )
)
@click.argument("place", metavar="DIR|FILE", type=click.Path(path_type=Path))
def check(place: Path) -> None:
    """Name everything wrong in the settings of DIR, or in FILE; exits 78 if there is any.

    Certificates and revocation lists that have ended, or do within thirty days, are warned of:
    a switch starts with them.
    """
    from atm_switch.settings.load import FILE_NAME, SettingsWrong, load_settings

    settings = load_settings(place)
    root = place if place.is_dir() else place.parent
    path = place / FILE_NAME if place.is_dir() else place
    problems = list(_wrong_files(settings, root, path.read_text(encoding="utf-8"), path.name))
    if problems:
        raise SettingsWrong(problems)
    for reason in _of_date(settings, root):
        print(f"warning: {reason}", file=sys.stderr)
    counted = f"{len(settings.listeners)} listener(s), {len(settings.acquirers)} acquirer(s)"
    counted += f", {len(settings.lines)} line(s) to dial" if settings.lines else ""
    print(f"{place}: the settings are right: mode {settings.mode}, {counted}")


@config.command(
    epilog=examples(
        "atm-switch config show bank", "ATM_LOG__LEVEL=debug atm-switch config show bank"
    )
)
@data_folder
def show(folder: Path) -> None:
    """Print every setting in effect and where it comes from."""
    from atm_switch.folder import open_folder
    from atm_switch.settings.effective import effective_settings
    from atm_switch.settings.load import FILE_NAME

    settings = open_folder(folder).settings
    rows = effective_settings(settings, (folder / FILE_NAME).read_text(encoding="utf-8"))
    widths = [max(len(text) for text in column) for column in zip(*map(_cells, rows), strict=True)]
    for row in rows:
        cells = _cells(row)
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        )


@config.command(epilog=examples("atm-switch config example > switch.toml"))
def example() -> None:
    """Print a settings file with every key, its meaning and its default."""
    from atm_switch.settings.example import example_text

    sys.stdout.write(example_text())


def _cells(row: object) -> tuple[str, str, str]:
    from atm_switch.settings.effective import Effective

    if not isinstance(row, Effective):
        raise TypeError
    return row.key, row.value, row.origin


def _wrong_files(settings: "Settings", root: Path, text: str, name: str) -> "Iterator[str]":
    """Judge the files the settings name, each problem at the line that names the file."""
    from itertools import chain

    from atm_switch.folder import tls_doubts
    from atm_switch.settings.lines import find_lines, line_of
    from atm_switch.settings.problems import written

    lines = find_lines(text)
    doubts = chain(_wrong_profiles(settings, root), _wrong_rates(settings, root))
    for place, problem in doubts:
        yield f"{name}:{line_of(place, lines) or 1}: {problem}"
    for place, problem in tls_doubts(settings, root):
        yield f"{name}:{line_of(place, lines) or 1}: {written(place)}: {problem}"


def _of_date(settings: "Settings", root: Path) -> list[str]:
    """Say of each TLS file what a running switch would tell of its date."""
    from atm_switch.adapters.clock import utc_now
    from atm_switch.folder import DataFolder
    from atm_switch.upkeep import dates_of

    dates = dates_of(DataFolder(root, settings), utc_now())
    return [*dates.ended, *dates.ending]


def _wrong_profiles(settings: "Settings", root: Path) -> "Iterator[tuple[Place, str]]":
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import profile_of, unmaskable

    ways: list[tuple[Place, Listener | OutgoingLine]] = [
        *((("listeners", at, "profile"), one) for at, one in enumerate(settings.listeners)),
        *((("lines", at, "profile"), one) for at, one in enumerate(settings.lines)),
    ]
    for place, way in ways:
        try:
            profile = profile_of(way.profile, root)
        except Refused as error:
            yield from ((place, line) for line in str(error).splitlines())
            continue
        for bank in settings.acquirers:
            for code in sorted(set(bank.channels) - profile.channels.keys()):
                yield place, f"{way.profile} knows no channel {code} of bank {bank.id}"
        yield from ((place, line) for line in unmaskable(profile, way, settings.acquirers))


def _wrong_rates(settings: "Settings", root: Path) -> "Iterator[tuple[Place, str]]":
    from atm_switch.domain.errors import Refused
    from atm_switch.ledger.rates_file import read_rates

    if settings.ledger.rates:
        try:
            read_rates(root / settings.ledger.rates)
        except Refused as error:
            yield ("ledger", "rates"), f"ledger.rates: {error}"
