"""``inquire``, ``sign-on``, ``sign-off``, ``echo`` and ``request-keys``: options and help.

The work is in ``commands``, imported when a command runs.
"""

from pathlib import Path
from typing import Any

import click

from terminal_emulator.cli.given import digits, json_option, terminal_options
from terminal_emulator.options import InquiryOptions, TerminalOptions


def _examples(*lines: str) -> str:
    """Write the examples below a command's help: each begins with the program and a kit."""
    called = (f"  terminal-emulator {line}" for line in lines)
    return "\b\nExamples:\n" + "\n".join(called)


@click.command(
    epilog=_examples(
        "inquire --kit bank/terminal-kit.json --pan PAN --pin PIN",
        "inquire --kit bank/terminal-kit.json --pan PAN --slip slip.svg",
        "inquire --connect 10.1.2.3:8583 --kit kit.json --pan PAN --json",
    )
)
@terminal_options
@json_option
@click.option(
    "--pan",
    callback=digits(1, 19),
    metavar="DIGITS",
    required=True,
    help="Card number; also a wrong one is sent.",
)
@click.option(
    "--pin",
    callback=digits(4, 12),
    metavar="DIGITS",
    help="PIN. Asked for if left out on a terminal with a kit.",
)
@click.option(
    "--kpj",
    callback=digits(11, 11),
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
@click.option(
    "--slip", type=click.Path(path_type=Path), metavar="FILE",
    help="Write the slip: .txt, .svg, .png, or .bin for a receipt printer.",
)  # fmt: skip
def inquire(**given: Any) -> int:
    """Make one inquiry; exits 0 only if it is approved (DE39 00).

    Signs on before it and off after it, unless --no-sign-on.
    """
    names = InquiryOptions.__dataclass_fields__.keys()
    asked = InquiryOptions(**{name: given.pop(name) for name in names})
    from terminal_emulator import commands

    return commands.inquire(TerminalOptions(**given), asked)


@click.command(
    "sign-on", epilog=_examples("sign-on --connect 127.0.0.1:8583 --kit bank/terminal-kit.json")
)
@terminal_options
@json_option
def sign_on(**given: Any) -> int:
    """Sign a link on (0800, 001), and hang up."""
    return _network("SIGN_ON", given)


@click.command(
    "sign-off", epilog=_examples("sign-off --connect 127.0.0.1:8583 --kit bank/terminal-kit.json")
)
@terminal_options
@json_option
def sign_off(**given: Any) -> int:
    """Sign a link off (0800, 002), and hang up."""
    return _network("SIGN_OFF", given)


@click.command(epilog=_examples("echo --connect 127.0.0.1:8583 --kit bank/terminal-kit.json"))
@terminal_options
@json_option
def echo(**given: Any) -> int:
    """Ask the host whether it is there (0800, 301)."""
    return _network("ECHO", given)


@click.command(
    "request-keys",
    epilog=_examples("request-keys --connect 127.0.0.1:8583 --kit bank/terminal-kit.json"),
)
@terminal_options
@json_option
def request_keys(**given: Any) -> int:
    """Ask the host for new keys (0800, 161), and write what it delivers into the kit."""
    from terminal_emulator import commands

    return commands.request_keys(TerminalOptions(**given))


def _network(verb: str, given: dict[str, Any]) -> int:
    from terminal_emulator import commands
    from terminal_emulator.terminal import Verb

    return commands.network(TerminalOptions(**given), Verb[verb])
