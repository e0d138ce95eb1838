"""What both command lines share: groups that cost nothing until a command runs, and streams.

Plan: ``LazyGroup`` knows each command by the module it is in and its short help, so the
help of the whole program imports none of them; ``Group`` says what a mistyped command may
have meant.
"""

import difflib
import io
import os
import select
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import click


def no_such_command(name: str, known: Iterable[str]) -> str:
    """Say that there is no such command, and which may have been meant."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names)}."
    return f"No such command {name!r}. {advice}"


class Group(click.Group):
    """A group that helps with a mistyped command."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named first.  Raises ``click.UsageError`` with advice."""
        name = args[0]
        is_option = name.startswith("-")
        if not is_option and not ctx.resilient_parsing and name not in self.list_commands(ctx):
            raise click.UsageError(no_such_command(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)


@dataclass(frozen=True, slots=True)
class Lazy:
    """Where a command is, as ``module:attribute``, and the line the help shows of it."""

    place: str
    short_help: str


class LazyGroup(Group):
    """A group that imports a command when it is asked for."""

    places: ClassVar[Mapping[str, Lazy]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands in the order given, which is the order of use."""
        del ctx
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command, or ``None``."""
        del ctx
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name].place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            message = f"{self.places[cmd_name].place} is no command"
            raise TypeError(message)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List all commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.short_help) for name, lazy in self.places.items()])


def print_completion(program: click.Group, name: str, shell: str) -> None:
    """Print click's completion script of a program for ``shell``."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - only for this

    found = get_completion_class(shell)
    if found is None:
        message = f"no completion for {shell}"
        raise click.UsageError(message)
    variable = f"_{name.upper().replace('-', '_')}_COMPLETE"
    click.echo(found(program, {}, name, variable).source())


def fill_closed_streams() -> None:
    """Open nothing in the place of a standard stream that was closed, as by ``>&-``.

    Before any other file is opened: that would be given its number, and what a process
    prints would go into it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            os.set_inheritable(descriptor, True)  # noqa: FBT003  processes of ours need it, too
            setattr(sys, name, os.fdopen(descriptor, mode, encoding="utf-8"))
    if isinstance(sys.stdin, io.TextIOWrapper):
        # Bytes that are no text are refused by whoever reads a value of them, in its words.
        sys.stdin.reconfigure(errors="surrogateescape")


def let_go_of_output() -> None:
    """Send what is left to be printed nowhere: whoever read it has gone, or there is no room."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def why_refused(error: OSError) -> str:
    """Say in one sentence what the system refused, and what helps where that is known."""
    where = f"{error.filename}: " if error.filename else ""
    remedy = "; run this as a user who may" if isinstance(error, PermissionError) else ""
    return f"{where}{error.strerror or type(error).__name__}{remedy}"


def pause(seconds: float) -> None:
    """Wait before there is more to print.  Raises ``BrokenPipeError`` once its reader is gone.

    A write alone would find that out, and there may be nothing to write for hours.
    """
    if is_reader_gone(seconds):
        raise BrokenPipeError


def is_reader_gone(seconds: float = 0.0) -> bool:
    """Tell whether nobody can read what is printed any more; wait so long for that."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return bool(poll.poll(seconds * 1000))


_PLAIN = {
    " is not a valid integer range": " is no whole number",
    " is not a valid integer": " is no whole number",
    " is not a valid float range": " is no number",
    " does not match the format ": " is no date as in ",
    " does not match the formats ": " is no date as in ",
    "%Y-%m-%d": "YYYY-MM-DD",
    "%H:%M": "hh:mm",
    ":%S": ":ss",
}
"""What click says of its own types, in words of everybody."""


def misuse(error: click.ClickException, masked: Callable[[str], str]) -> click.UsageError:
    """Say what was wrong with a call: of what is missing all, not the first, and an example."""
    context: click.Context | None = getattr(error, "ctx", None)
    told, example = error.format_message(), ""
    if isinstance(error, click.MissingParameter) and context is not None:
        told, example = _all_missing(context) or told, _example(context)
    elif isinstance(error, click.BadParameter):
        for words, plain in _PLAIN.items():
            told = told.replace(words, plain)
    return click.UsageError(f"{masked(told)}{example}", context)


def _all_missing(context: click.Context) -> str:
    lacking = [
        f"{one.param_type_name} {_names(one, context)}"
        for one in context.command.get_params(context)
        if one.required and one.name not in context.params
    ]
    return f"Missing {', '.join(lacking)}." if len(lacking) > 1 else ""


def _names(one: click.Parameter, context: click.Context) -> str:
    """Give all names of an option, the opposite of a flag too, which click leaves out."""
    both = " / ".join(f"'{name}'" for name in (*one.opts, *one.secondary_opts))
    return both if one.secondary_opts else one.get_error_hint(context)


def _example(context: click.Context) -> str:
    """Return the first example in the help that is whole, without what it is good for."""
    lines = (line.strip() for line in (context.command.epilog or "").splitlines())
    called = f"{context.command_path} "
    whole = (line for line in lines if line.startswith(called) and not line.endswith("\\"))
    return next((f" For example: {line.partition('  ')[0]}" for line in whole), "")
