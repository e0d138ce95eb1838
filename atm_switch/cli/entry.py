"""``atm-switch``: the list of commands, and the one place where errors become exit codes.

0 done; 1 refused or failed, in one sentence on stderr; 2 wrong usage; 76 of a process of another
release than its switch; 78 wrong settings; 130 interrupted.  Long numbers in an error are starred:
a PAN or key may stand in the wrong place of a command.
Why nothing else is imported here: ``--help`` answers as fast as a bare script.
"""

import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import click

from atm_switch.command_groups import (
    Lazy,
    LazyGroup,
    fill_closed_streams,
    let_go_of_output,
    misuse,
    why_refused,
)
from atm_switch.domain.errors import NeighbourUnavailable, Refused, SwitchError
from atm_switch.domain.mask import mask_long_numbers

DONE, FAILED, MISUSED, MISCONFIGURED, INTERRUPTED = 0, 1, 2, 78, 130
PROGRAM = "atm-switch"

_NOT_ALL_OR_NOTHING = frozenset({"serve", "demo", "acquirer"})


class AtmSwitch(LazyGroup):
    """All commands, in the order in which somebody new needs them."""

    places: ClassVar[Mapping[str, Lazy]] = {
        "demo": Lazy("atm_switch.cli.demo:demo", "Show one inquiry from end to end."),
        "init": Lazy("atm_switch.cli.init:init", "Make a data folder with fresh keys."),
        "serve": Lazy("atm_switch.cli.serve:serve", "Run the switch until SIGTERM."),
        "status": Lazy("atm_switch.cli.running:status", "Ask a running switch how it is."),
        "sessions": Lazy("atm_switch.cli.running:sessions", "List the links of a running switch."),
        "drain": Lazy("atm_switch.cli.running:drain", "Have a running switch finish and stop."),
        "trace": Lazy("atm_switch.cli.running:trace", "Follow one inquiry through the journal."),
        "ledger": Lazy("atm_switch.cli.ledger:ledger", "Import members; show a statement."),
        "cards": Lazy("atm_switch.cli.cards:cards", "Link cards; PVVs; unblock a card."),
        "journal": Lazy("atm_switch.cli.journal:journal", "Look through the transactions."),
        "audit": Lazy("atm_switch.cli.audit:audit", "Look through who did what; verify it."),
        "events": Lazy("atm_switch.cli.events:events", "What is told to the MQTT broker."),
        "keys": Lazy("atm_switch.cli.keys:keys", "Form, draw, exchange and list keys."),
        "acquirer": Lazy("atm_switch.cli.acquirer:acquirer", "Add a bank."),
        "config": Lazy("atm_switch.cli.config:config", "Check, show and explain settings."),
        "profile": Lazy("atm_switch.cli.profile:profile", "The dialects: list, interface sheet."),
        "backup": Lazy("atm_switch.cli.safekeeping:backup", "Write a data folder to one file."),
        "restore": Lazy("atm_switch.cli.safekeeping:restore", "Make a data folder of a backup."),
        "migrate": Lazy("atm_switch.cli.safekeeping:migrate", "Bring a folder up to date."),
        "completion": Lazy("atm_switch.cli.completion:completion", "For your shell."),
    }


@click.group(
    cls=AtmSwitch,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  atm-switch demo                     one inquiry, screen and receipt
  atm-switch init bank --sample       a data folder with sample members
  atm-switch serve bank               take connections
  atm-switch COMMAND --help           examples of each command""",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda context, _option, wanted: _print_version(context) if wanted else None,
    help="Show the versions of program, interpreter and SQLite, and the event loop.",
)
def cli() -> None:
    """ATM / ISO 8583 host switch for JHT balance inquiries."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; no expected error gets past here."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    fill_closed_streams()
    try:
        code = cli.main(words, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt, EOFError):
        is_safe = not words or words[0] not in _NOT_ALL_OR_NOTHING
        return _fail("interrupted, nothing was changed" if is_safe else "interrupted", INTERRUPTED)
    except BrokenPipeError:
        let_go_of_output()  # flushing it again at exit would complain
        return FAILED
    except Exception as error:
        failed = _explain(error)
        if failed is None:
            raise
        return failed
    return code if isinstance(code, int) else DONE


def _explain(error: Exception) -> int | None:
    """Tell the user and return the exit code; ``None`` for a mistake of the program's own."""
    if isinstance(error, click.ClickException):
        return _show_misuse(error)
    if isinstance(error, Refused | NeighbourUnavailable):
        return _fail(str(error), _code_of(error))
    if isinstance(error, SwitchError):
        return _fail_settings(error)
    if isinstance(error, OSError):
        return _fail(why_refused(error), FAILED)
    name = getattr(error, "sqlite_errorname", "")
    if name:
        # The name only: SQLite's texts may quote a row.
        return _fail(f"the store cannot be used now ({name}); is another program at it?", FAILED)
    return None


def _code_of(error: Exception) -> int:
    from atm_switch.process_place import OTHER_RELEASE, OfAnotherRelease
    from atm_switch.profile.load import ProfileWrong

    if isinstance(error, OfAnotherRelease):
        return OTHER_RELEASE
    return MISCONFIGURED if isinstance(error, ProfileWrong) else FAILED


def _fail(sentence: str, code: int) -> int:
    click.echo(f"{PROGRAM}: {mask_long_numbers(sentence)}", err=True)
    return code


def _fail_settings(error: SwitchError) -> int | None:
    from atm_switch.settings.load import SettingsWrong

    if not isinstance(error, SettingsWrong):
        return None
    click.echo(mask_long_numbers(str(error)), err=True)
    return MISCONFIGURED


def _show_misuse(error: click.ClickException) -> int:
    """Show what click has to say; what it quotes may be a PAN or a KPJ put in by mistake."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    misuse(error, mask_long_numbers).show()
    return error.exit_code


def _print_version(context: click.Context) -> None:
    import platform
    import sqlite3
    from importlib.metadata import PackageNotFoundError, version

    from atm_switch.server.event_loop import FAST, is_fast_there
    from atm_switch.wire import VARIANT

    try:
        own = version("atm-switch")
    except PackageNotFoundError:
        own = "(not installed)"
    python = f"{platform.python_implementation()} {platform.python_version()}"
    loop = FAST if is_fast_there() else "asyncio"
    click.echo(f"{PROGRAM} {own}, {python}, SQLite {sqlite3.sqlite_version}, {loop}, {VARIANT}")
    context.exit()
