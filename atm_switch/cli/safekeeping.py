"""``atm-switch backup``, ``restore`` and ``migrate``: a data folder kept safe."""

import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.options import data_folder, examples

if TYPE_CHECKING:
    from atm_switch.folder import DataFolder

_KIBIBYTE = 1 << 10


@click.command(
    epilog=examples(
        "atm-switch backup bank bank-2026-01-31.tar",
        "atm-switch backup bank bank-2026-01-31.tar.gz       smaller, and slower",
        "",
        "The switch may run meanwhile. Journal and ledger are each as of one moment, the journal's",
        "first: a change of the ledger made in between is in the backup without its record in the",
        "audit. Keep the backup away from the master file: who has both has everything. While it",
        "is made, its size is needed twice.",
    )
)
@data_folder
@click.argument("out", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
def backup(folder: Path, out: Path) -> None:
    """Write everything of the data folder DIR to the new file FILE.

    Settings, sealed keys, journal, ledger and what the settings name in the folder:
    certificates, profiles with those they extend, rates. Never the master file, a private TLS
    key or a password, nor what lies outside or has an absolute path, nor a database on
    PostgreSQL: each that is not in it is named.
    """
    from atm_switch.adapters.clock import utc_now
    from atm_switch.backup import back_up
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import bring_up_to_date, open_as_it_is
    from atm_switch.key_office import record_command
    from atm_switch.named_files import databases_elsewhere, left_out

    opened = open_as_it_is(folder)
    with _progress() as report:
        manifest = back_up(opened, out, utc_now(), report)
    try:
        bring_up_to_date(opened)  # only now, to tell the audit: a copy may take its time
    except Refused as no:
        raise Refused(f"{out} is made and whole, but no record of it: {no}") from None
    record_command(opened, "backup", f"{len(manifest.parts)} files, made {manifest.made_at}")
    size = out.stat().st_size / _KIBIBYTE
    print(f"made {out}: {len(manifest.parts)} files, {size:,.0f} KiB")
    for one in left_out(opened, manifest.names):
        print(f"not in it: {one}")
    if databases_elsewhere(opened):
        print("back PostgreSQL up right behind this: pg_dump, or the bank's own way")


@click.command(
    epilog=examples(
        "atm-switch restore bank-2026-01-31.tar bank",
        "atm-switch restore bank-2026-01-31.tar bank --master safe/bank.master",
    )
)
@click.argument(
    "file", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@data_folder
@click.option(
    "--master", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
    help="Where the master file is now; the restored settings will say so.",
)  # fmt: skip
def restore(file: Path, folder: Path, master: Path | None) -> None:
    """Make the data folder DIR of a backup, checked down to every row.

    DIR must not exist yet. The folder is made whole or not at all. Journal, audit and ledger
    are checked each by itself; a database on PostgreSQL is taken as it is there.
    """
    from atm_switch.adapters.clock import utc_now
    from atm_switch.named_files import left_out
    from atm_switch.restoration import Wish, restore

    made = restore(Wish(file, folder, master), utc_now, _tell)
    print(f"made {folder} from a backup made {made.manifest.made_at}")
    if made.folder.settings.journal.url:
        name = shlex.quote(str(folder))
        print(f"the journal on PostgreSQL was not looked at: atm-switch journal verify {name}")
    else:
        print(f"journal and audit are sound; in doubt: {made.in_doubt}")
    for one in left_out(made.folder, made.manifest.names)[1:]:
        print(f"see that it is there: {one}")
    print(
        "PIN tries, stored answers and line keys are as they were then: change the keys with\n"
        "each bank if any were changed since (atm-switch keys list shows their check values)"
    )
    print(f"next: atm-switch serve {shlex.quote(str(folder))}")


@click.command(
    epilog=examples(
        "atm-switch migrate bank",
        "atm-switch migrate bank --check       say what would be done; exit 1 if anything",
        "",
        "A switch that starts does the same by itself, and a command that writes. Make a backup",
        "first: an older release does not open what a later one has brought up to date.",
    )
)
@data_folder
@click.option("--check", is_flag=True, help="Only look; exit 1 if something is not up to date.")
def migrate(folder: Path, check: bool) -> None:  # noqa: FBT001 - click hands flags in so
    """Bring the files of the data folder DIR to this release's schema."""
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_folder
    from atm_switch.restoration import migrate, outdated

    opened = open_folder(folder)
    if check:
        behind = [f"{name}: schema {now}, wanted {new}" for name, now, new in outdated(opened)]
        if behind:
            raise Refused(f"{'; '.join(behind)}; bring them up to date with atm-switch migrate DIR")
        if opened.databases:
            names = " and ".join(path.name for path, _ in opened.databases)
            print(f"{names}: of this release's schema")
        if opened.settings.ledger.url:
            print("the ledger on PostgreSQL was not looked at: migrate DIR brings it up to date")
        _tell_of_journal_elsewhere(opened)
        return
    for name, before, now in migrate(opened):
        print(f"{name}: schema {now}" + (f", was {before}" if before != now else ""))
    if opened.settings.ledger.url:
        print("the ledger on PostgreSQL is of this release's schema")
    _tell_of_journal_elsewhere(opened)


def _tell_of_journal_elsewhere(folder: "DataFolder") -> None:
    if folder.settings.journal.url:  # other machines may be at work with it
        print("the journal on PostgreSQL was not looked at: a start brings it up to date")


def _tell(what: str) -> None:
    print(f"{what} ...", file=sys.stderr)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Lend what shows how far a copy is: a bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("copying")
        yield lambda done, total: bar.update(task, completed=done, total=max(total, 1))
