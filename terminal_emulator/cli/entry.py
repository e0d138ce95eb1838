"""``terminal-emulator``: the list of commands, and where errors become exit codes.

0 done; 1 refused or failed, in one sentence on stderr; 2 wrong usage; 130 interrupted.
Why nothing else is imported here: ``--help`` answers as fast as a bare script.
"""

import re
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
from atm_switch.domain.mask import mask_long_numbers

DONE, FAILED, INTERRUPTED = 0, 1, 130
TALKING = "terminal_emulator.cli.talking"


class TerminalEmulator(LazyGroup):
    """All commands, in the order in which somebody new needs them."""

    places: ClassVar[Mapping[str, Lazy]] = {
        "atm": Lazy(
            "terminal_emulator.cli.atm:atm", "Be an ATM: card, PIN, menu, screen and slip."
        ),
        "inquire": Lazy(f"{TALKING}:inquire", "Make one inquiry; exits 0 only if approved."),
        "sign-on": Lazy(f"{TALKING}:sign_on", "Sign a link on (0800, 001), and hang up."),
        "sign-off": Lazy(f"{TALKING}:sign_off", "Sign a link off (0800, 002), and hang up."),
        "echo": Lazy(f"{TALKING}:echo", "Ask the host whether it is there (0800, 301)."),
        "request-keys": Lazy(f"{TALKING}:request_keys", "Have the host deliver new keys."),
        "scenario": Lazy("terminal_emulator.cli.scenario:scenario", "Play and judge scenarios."),
        "load": Lazy("terminal_emulator.cli.load:load", "Put load on a host, open loop."),
        "slip": Lazy("terminal_emulator.cli.slip:slip", "A slip as text, SVG, PNG or ESC/POS."),
        "mock-host": Lazy("terminal_emulator.cli.mock_host:mock_host", "Play the host by rules."),
        "record": Lazy("terminal_emulator.cli.recording:record", "Write down what a line carries."),
        "replay": Lazy("terminal_emulator.cli.recording:replay", "Play a recording again."),
        "explain": Lazy("terminal_emulator.cli.explain:explain", "Bytes to annotated fields."),
        "completion": Lazy("terminal_emulator.cli.completion:completion", "For your shell."),
    }


@click.group(
    cls=TerminalEmulator,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Examples:
  terminal-emulator atm --kit bank/terminal-kit.json
  terminal-emulator inquire --kit bank/terminal-kit.json --pan PAN --json
  terminal-emulator COMMAND --help    options and examples of each command""",
)
@click.version_option(package_name="atm-switch", prog_name="terminal-emulator")
def cli() -> None:
    """Play the ATM: ask a switch for a JHT balance over ISO 8583."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    fill_closed_streams()
    try:
        code = cli.main(words, prog_name="terminal-emulator", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        return _show_usage(error, words)
    except (click.Abort, KeyboardInterrupt, EOFError):
        click.echo(err=True)
        return INTERRUPTED
    except BrokenPipeError:
        let_go_of_output()  # flushing it again at exit would complain
        return FAILED
    except OSError as error:
        click.echo(f"terminal-emulator: {mask_long_numbers(why_refused(error))}", err=True)
        return FAILED
    except Exception as error:
        if not _is_refusal(error) and not isinstance(error, ValueError):
            raise
        click.echo(f"terminal-emulator: {mask_long_numbers(str(error))}", err=True)
        return FAILED
    return code if isinstance(code, int) else DONE


def _show_usage(error: click.ClickException, words: Sequence[str]) -> int:
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
        return error.exit_code

    # click quotes what it did not expect, and that may be a PAN or a PIN; what nobody typed is
    # of our own sentence, such as the end of a range.
    def shown(digits: re.Match[str]) -> str:
        is_typed = any(digits[0] in word for word in words)
        return "*" * len(digits[0]) if is_typed else digits[0]

    misuse(error, lambda told: re.sub(r"[0-9]{4,}", shown, told)).show()
    return error.exit_code


def _is_refusal(error: Exception) -> bool:
    from atm_switch.domain.errors import Refused

    return isinstance(error, Refused)
