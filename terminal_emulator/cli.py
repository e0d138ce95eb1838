"""``terminal-emulator``: options and help, and nothing that takes time to import.

The work is in ``commands``, imported when a command runs.  Exit codes: 0 done, 1 refused
or failed (one sentence on stderr), 2 wrong usage, 130 interrupted.
"""

import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from atm_switch.domain.mask import mask_long_numbers
from terminal_emulator.address import DEFAULT, Address
from terminal_emulator.options import DEFAULT_SECONDS, InquiryOptions, TerminalOptions

F = TypeVar("F", bound=Callable[..., Any])

DONE, FAILED, INTERRUPTED = 0, 1, 130
SECONDS_MAX = 3600


def _address(_context: click.Context, _option: click.Parameter, text: str) -> Address:
    try:
        return Address.read(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _digits(least: int, most: int) -> Callable[..., str | None]:
    """Make a check for digits that no error may quote: a PAN, a PIN, a KPJ."""

    def check(_context: click.Context, _option: click.Parameter, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(f"[0-9]{{{least},{most}}}", text, re.ASCII):
            raise click.BadParameter(f"must be {least} to {most} digits")
        return text

    return check


def _terminal_options(command: F) -> F:
    options = [
        click.option(
            "--connect", callback=_address, metavar="HOST:PORT", default=DEFAULT, show_default=True,
            help="Where the switch listens.",
        ),
        click.option(
            "--kit", type=click.Path(path_type=Path), metavar="FILE",
            help="DIR/terminal-kit.json of atm-switch init: terminal, profile, PIN key.",
        ),
        click.option("--profile", metavar="NAME|FILE", help="Dialect, in place of the kit's."),
        click.option("--terminal", metavar="ID", help="DE41, in place of the kit's."),
        click.option("--acquirer", metavar="ID", help="DE32, in place of the kit's."),
        click.option("--channel", metavar="CODE", help="DE18, in place of the kit's."),
        click.option(
            "--timeout", type=click.FloatRange(0, SECONDS_MAX, min_open=True),
            default=DEFAULT_SECONDS, show_default=True, metavar="SECONDS",
            help="How long to wait for an answer.",
        ),
        click.option(
            "--tls-ca", type=click.Path(path_type=Path), metavar="FILE",
            help="Call by TLS; PEM of the CA the host's certificate must be of.",
        ),
        click.option(
            "--tls-cert", type=click.Path(path_type=Path), metavar="FILE",
            help="PEM of the certificate to show the host.",
        ),
        click.option(
            "--tls-key", type=click.Path(path_type=Path), metavar="FILE",
            help="PEM of that certificate's key, not enciphered.",
        ),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


_json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="atm-switch", prog_name="terminal-emulator")
def cli() -> None:
    """Play the ATM: ask a switch for a JHT balance over ISO 8583.

    \b
    terminal-emulator atm --kit DIR/terminal-kit.json
    terminal-emulator inquire --kit DIR/terminal-kit.json --pan PAN --json
    """  # noqa: D301  the backspace is click's mark for lines to keep


@cli.command()
@_terminal_options
@_json_option
@click.option(
    "--pan",
    callback=_digits(1, 19),
    metavar="DIGITS",
    required=True,
    help="Card number; also a wrong one is sent.",
)
@click.option(
    "--pin",
    callback=_digits(4, 12),
    metavar="DIGITS",
    help="PIN. Asked for if left out on a terminal with a kit.",
)
@click.option(
    "--kpj",
    callback=_digits(11, 11),
    metavar="DIGITS",
    help="Ask for this KPJ of the card's owner.",
)
@click.option(
    "--index", type=click.IntRange(0, 99), default=0, show_default=True,
    help="Which KPJ of the list; 0 is the card's own.",
)  # fmt: skip
@click.option(
    "--language", type=click.Choice(["id", "en"], case_sensitive=False), default="id",
    show_default=True, help="Of screen and slip.",
)  # fmt: skip
@click.option(
    "--width", type=int, default=40, show_default=True, metavar="40|38|32|0",
    help="Columns of the slip; 0 for none.",
)  # fmt: skip
@click.option("--no-sign-on", is_flag=True, help="Inquire on a link that is not signed on.")
@click.option("--stan", type=click.IntRange(1, 999_999), help="DE11 of the inquiry.")
def inquire(**given: Any) -> int:
    """Make one inquiry; exits 0 only if it is approved (DE39 00).

    Signs on before it and off after it, unless --no-sign-on.
    """
    names = InquiryOptions.__dataclass_fields__.keys()
    asked = InquiryOptions(**{name: given.pop(name) for name in names})
    from terminal_emulator import commands

    return commands.inquire(TerminalOptions(**given), asked)


@cli.command("sign-on")
@_terminal_options
@_json_option
def sign_on(**given: Any) -> int:
    """Sign a link on (0800, 001), and hang up."""
    return _network("SIGN_ON", given)


@cli.command("sign-off")
@_terminal_options
@_json_option
def sign_off(**given: Any) -> int:
    """Sign a link off (0800, 002), and hang up."""
    return _network("SIGN_OFF", given)


@cli.command()
@_terminal_options
@_json_option
def echo(**given: Any) -> int:
    """Ask the host whether it is there (0800, 301)."""
    return _network("ECHO", given)


@cli.command("request-keys")
@_terminal_options
@_json_option
def request_keys(**given: Any) -> int:
    """Ask the host for new keys (0800, 161), and write what it delivers into the kit."""
    from terminal_emulator import commands

    return commands.request_keys(TerminalOptions(**given))


@cli.command()
@_terminal_options
def atm(**given: Any) -> int:
    """Be an ATM: card, PIN, menu, screen and slip, in Indonesian or English.

    Ctrl-C or Ctrl-D leaves; the terminal is put back and the link signed off.
    """
    from terminal_emulator import commands

    return commands.atm(TerminalOptions(**given))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = cli.main(
            None if arguments is None else list(arguments),
            prog_name="terminal-emulator",
            standalone_mode=False,
        )
    except click.ClickException as error:
        return _show_usage(error)
    except (click.Abort, KeyboardInterrupt, EOFError):
        click.echo(err=True)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; flushing it again at exit would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if not _is_refusal(error) and not isinstance(error, ValueError):
            raise
        click.echo(f"terminal-emulator: {mask_long_numbers(str(error))}", err=True)
        return FAILED
    return code if isinstance(code, int) else DONE


def _network(verb: str, given: dict[str, Any]) -> int:
    from terminal_emulator import commands
    from terminal_emulator.terminal import Verb

    return commands.network(TerminalOptions(**given), Verb[verb])


def _show_usage(error: click.ClickException) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code
    # click quotes what it did not expect, and that may be a PAN or a PIN.
    told = re.sub(r"[0-9]{4,}", lambda found: "*" * len(found[0]), error.format_message())
    click.UsageError(told, getattr(error, "ctx", None)).show()
    return error.exit_code


def _is_refusal(error: Exception) -> bool:
    from atm_switch.domain.errors import Refused

    return isinstance(error, Refused)
