"""``atm-switch keys``: the officer's desk.  Only key check values and key blocks are shown."""

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from atm_switch.cli.options import data_folder, examples
from atm_switch.command_groups import Group

if TYPE_CHECKING:
    from atm_switch.security.key_ring import KeyName

RELOAD = "a running switch takes it up with SIGHUP (kill -HUP), or at its next start"

_acquirer = click.option("--acquirer", metavar="ID", required=True, help="DE32 of the bank.")
_terminal = click.option(
    "--terminal", metavar="DE41", help="Of this one terminal; without it, of all the bank's."
)
_usage = click.option(
    "--usage", type=click.Choice(["pin", "mac", "exchange"]), required=True, help="What for."
)
_yes = click.option("--yes", is_flag=True, help="Answer yes to what is asked at a terminal.")
_replace = click.option(
    "--replace", is_flag=True, help="Replace a key that is there; asks nothing about it."
)
_line_usage = click.option(
    "--usage", type=click.Choice(["pin", "mac"]), required=True, help="What for."
)


@click.group(
    cls=Group,
    epilog=examples(
        "atm-switch keys list bank",
        "atm-switch keys ceremony bank --acquirer 009",
        "atm-switch keys generate bank --acquirer 009 --usage mac",
        "atm-switch keys export bank --acquirer 009 --usage mac",
        "atm-switch keys import bank --acquirer 009 --usage pin < block.txt",
    ),
)
def keys() -> None:
    """Form, draw, exchange and list the keys of the lines.

    No command prints a key: what is shown is check values and key blocks.
    """
    from atm_switch.adapters.process_hygiene import forbid_core_dumps

    forbid_core_dumps()


@keys.command(
    "list",
    short_help="List them: check value, state, custody.",
    epilog=examples("atm-switch keys list bank"),
)
@data_folder
def list_(folder: Path) -> None:
    """List the keys of the lines with check value and state."""
    from atm_switch.folder import open_folder
    from atm_switch.key_office import list_keys

    rows = [("key", "algorithm", "check", "state", "custody")]
    listed = list_keys(open_folder(folder).vault())
    rows += [(one.name, one.algorithm, one.check, one.state, one.custody) for one in listed]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(wide) for cell, wide in zip(row, widths, strict=True)).rstrip())


@keys.command(
    short_help="Form an exchange key from components.",
    epilog=examples(
        "atm-switch keys ceremony bank --acquirer 009                  two custodians",
        "atm-switch keys ceremony bank --acquirer 009 --components 3",
        "Each custodian types a component, unseen; compare the check values with the letter.",
    ),
)
@data_folder
@_acquirer
@_terminal
@click.option(
    "--components", "count", type=click.IntRange(2, 9), default=2, show_default=True,
    help="How many custodians there are.",
)  # fmt: skip
@click.option(
    "--algorithm", type=click.Choice(["tdes", "aes"]), default="tdes", show_default=True,
    help="Of the exchange key.",
)  # fmt: skip
@_yes
@_replace
def ceremony(
    folder: Path, acquirer: str, terminal: str | None, count: int, algorithm: str,
    yes: bool, replace: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Form the exchange key (ZMK, TMK) of a line from components, XORed.

    Shows the check value of each component and of the key, and nothing else.  A key that is
    there is replaced after a question, or with --replace where nobody can be asked.
    """
    from atm_switch.cli.custodians import ask_components, formed_key, require_agreed
    from atm_switch.domain.errors import Refused
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import bank_named, form_exchange_key, require_software

    opened, name = open_to_write(folder), _name("exchange", acquirer, terminal)
    bank_named(opened, name)
    require_software(opened, "form the key at the HSM")
    require_agreed(opened, name, yes=yes, replace=replace)
    letter = algorithm[0].upper()
    parts = ask_components(opened, count, letter)
    key = formed_key(opened, name, parts, letter)
    print(f"the key has the check value {key.check}")
    if not yes and sys.stdin.isatty() and not click.confirm("Keep it?"):
        raise Refused("not kept; nothing was changed")
    form_exchange_key(opened, name, parts, letter)
    print(f"kept as {name}; {RELOAD}")


@keys.command(
    short_help="Draw a fresh key.",
    epilog=examples(
        "atm-switch keys generate bank --acquirer 009 --usage mac",
        "atm-switch keys generate bank --acquirer 009 --usage pin --terminal S1ABC124",
        "atm-switch keys generate bank --acquirer 009 --usage mac --replace     in a script",
    ),
)
@data_folder
@_usage
@_acquirer
@_terminal
@_yes
@_replace
def generate(
    folder: Path, usage: str, acquirer: str, terminal: str | None,
    yes: bool, replace: bool,  # noqa: FBT001
) -> None:  # fmt: skip
    """Draw a fresh key at once in place of the old one, and show its check value.

    A key that is there is replaced after a question, or with --replace where nobody can be
    asked.  For a change without a break let the line exchange keys instead (0800, DE70 161).
    In lab mode the terminal kit is written anew.
    """
    import os

    from atm_switch.cli.custodians import require_agreed
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import bank_named, draw_key, require_software
    from atm_switch.line_keys import write_kit

    opened, name = open_to_write(folder), _name(usage, acquirer, terminal)
    require_software(opened, "make the key at the HSM")
    require_agreed(opened, name, yes=yes, replace=replace)
    key = draw_key(opened, name, os.urandom)
    print(f"{name}: check value {key.check}; {RELOAD}")
    if opened.is_lab:
        kit = write_kit(opened, bank_named(opened, name), opened.vault(), terminal)
        print(f"a terminal's kit: {kit}")


@keys.command(
    short_help="Print a key's key block.",
    epilog=examples("atm-switch keys export bank --acquirer 009 --usage mac"),
)
@data_folder
@_line_usage
@_acquirer
@_terminal
def export(folder: Path, usage: str, acquirer: str, terminal: str | None) -> None:
    """Print a key's check value and its key block under the line's exchange key."""
    import os

    from atm_switch.folder import open_to_write
    from atm_switch.key_office import export_key

    check, block = export_key(open_to_write(folder), _name(usage, acquirer, terminal), os.urandom)
    print(f"{check} {block}")


@keys.command(
    "import",
    short_help="Take a key from a key block.",
    epilog=examples(
        "atm-switch keys import bank --acquirer 009 --usage pin < block.txt",
        "atm-switch keys import bank --acquirer 009 --usage mac --check 1A2B3C < block.txt",
    ),
)
@data_folder
@_line_usage
@_acquirer
@_terminal
@click.option("--check", default="", help="The check value that came with it.")
def import_(folder: Path, usage: str, acquirer: str, terminal: str | None, check: str) -> None:
    """Take a key from the key block on standard input (X9.143, versions B and D).

    Before it its check value may stand, as keys export prints it.
    """
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import import_key

    if sys.stdin.isatty():
        print("key block:", file=sys.stderr)
    check, block = _stated(sys.stdin.readline().strip(), check.strip())
    if not block:
        raise click.UsageError("there is no key block on standard input")
    name = _name(usage, acquirer, terminal)
    key = import_key(open_to_write(folder), name, block, check)
    print(f"{name}: check value {key.check}; {RELOAD}")


@keys.command(
    short_help="Take a key from a hardware HSM.",
    epilog=examples(
        "atm-switch keys install bank --acquirer 009 --usage pin --check 1A2B3C < token.txt",
        "atm-switch keys install bank --usage pvk --index 1 --check 1A2B3C < token.txt",
    ),
)
@data_folder
@click.option(
    "--usage", type=click.Choice(["pin", "mac", "exchange", "pvk"]), required=True, help="What for."
)
@click.option("--check", required=True, help="The key's check value, as the HSM shows it.")
@click.option("--acquirer", metavar="ID", help="DE32 of the bank; not for a PVK.")
@_terminal
@click.option("--index", default="", metavar="0-9", help="The PVKI; for a PVK.")
@click.option(
    "--algorithm", type=click.Choice(["tdes", "aes"]), default="tdes", show_default=True,
    help="Of the key.",
)  # fmt: skip
def install(
    folder: Path, usage: str, check: str, acquirer: str | None, terminal: str | None,
    index: str, algorithm: str,
) -> None:  # fmt: skip
    """Take a key as a hardware HSM gives it out: under its master key, from standard input."""
    from atm_switch.domain.secret import Key
    from atm_switch.folder import open_to_write
    from atm_switch.key_office import install_key
    from atm_switch.security.key_ring import LineKey

    if not re.fullmatch(r"[0-9A-Fa-f]{6}", check):
        raise click.UsageError("--check is six hexadecimal digits")
    if sys.stdin.isatty():
        print("key under the master key:", file=sys.stderr)
    token = sys.stdin.readline().strip()
    if not re.fullmatch(r"(?:[0-9A-F]{3}:)?[UTS][!-~]{16,512}", token):
        raise click.UsageError(
            "a key under a master key is letters and digits, as the HSM shows it"
        )
    name = _name(usage, acquirer, terminal, index)
    line_key = LineKey(Key(token.encode()), check.upper(), algorithm[0].upper(), is_clear=False)
    if not install_key(open_to_write(folder), name, line_key):
        print("the HSM did not answer: it is asked of this key at the next start", file=sys.stderr)
    print(f"{name}: check value {line_key.check}; {RELOAD}")


def _stated(line: str, check: str) -> tuple[str, str]:
    """Return the check value that was stated, if any was, and the key block."""
    if (found := re.fullmatch(r"([0-9A-Fa-f]{6})\s+(\S+)", line)) is None:
        return check, line
    if check and check.upper() != found[1].upper():
        raise click.UsageError(f"--check is not the check value before the block, {found[1]}")
    return found[1], found[2]


def _name(usage: str, acquirer: str | None, terminal: str | None, index: str = "") -> "KeyName":
    from atm_switch.domain.identifiers import AcquirerId, TerminalId
    from atm_switch.security.key_ring import KeyName, KeyUsage

    if usage == "pvk":
        if not re.fullmatch("[0-9]", index) or acquirer or terminal:
            raise click.UsageError("a PVK has an --index from 0 to 9 and no owner")
        return KeyName(KeyUsage.PVK, index=index)
    if acquirer is None or index:
        raise click.UsageError("name the bank with --acquirer; --index is for a PVK")
    try:
        owner = TerminalId(terminal) if terminal else None
        return KeyName(KeyUsage(usage), AcquirerId(acquirer), owner)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
