"""The work of ``terminal-emulator explain``, behind its light options."""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from atm_switch.domain.errors import Refused
from atm_switch.profile.load import load_profile
from atm_switch.profile.model import Profile
from atm_switch.profile.shipped import shipped_profiles
from terminal_emulator.explain.capture import Captured, NothingFound, captured
from terminal_emulator.explain.dissection import Dissection
from terminal_emulator.explain.guess import Reading, parts_by_profile, readings
from terminal_emulator.explain.show import document_of, side_by_side, text_of
from terminal_emulator.kit import find_profile
from terminal_emulator.wanted import look_of_stdout

NOT_CLEAN = "not every byte has its place and its proper content"


def explain(place: str, kind: str, profile: str | None, *, as_json: bool) -> None:
    """Explain what is in a file or on standard input.

    Raises ``Refused`` where nothing is found in it, or a message is not clean.
    """
    asked = _profiles(profile)
    others = _profiles(None) if profile else []
    found = list(_read(_captured(place, kind), asked, others))
    if as_json:
        click.echo(json.dumps([document_of(each, one.where) for one, each in found]))
    else:
        text = "\n".join(text_of(each, one.where) for one, each in found)
        click.echo(_coloured(text) if look_of_stdout().colour else text, nl=False)
    if not all(each[0].is_clean for _, each in found):
        raise Refused(NOT_CLEAN)


def _read(
    found: Sequence[Captured], asked: Sequence[Profile], others: Sequence[Profile]
) -> Iterator[tuple[Captured, list[Reading]]]:
    """Read each by the profiles asked for, and where none fits by the others behind them."""
    parts = parts_by_profile(asked)
    names = {one.name for one in asked}
    unasked = [one for one in others if one.name not in names]
    for each in found:
        one = _meant(each, [*asked, *unasked])
        own = readings(one.octets, asked, parts)
        if not own[0].is_clean and unasked:
            own += readings(one.octets, unasked)
        yield one, own


def _meant(one: Captured, profiles: Sequence[Profile]) -> Captured:
    """Choose what a text means that can mean two things: what can be read better."""
    if one.otherwise is None:
        return one
    own, other = (readings(each.octets, profiles)[0].score for each in (one, one.otherwise))
    return one.otherwise if other > own else one


def compare(places: tuple[str, str], kind: str, profile: str | None) -> None:
    """Show what two files do not have alike.  Raises ``Refused`` where they differ."""
    profiles = _profiles(profile)
    one, other = (_messages(place, kind, profiles) for place in places)
    lines = side_by_side(one, other)
    for line in lines:
        click.echo(line)
    if lines:
        raise Refused(f"{len(lines)} difference{'s' if len(lines) != 1 else ''}")
    click.echo("no difference")


def _coloured(text: str) -> str:
    """Set what is wrong in red, and headlines in bold, for a terminal."""
    lines = []
    for line in text.split("\n"):
        if re.match(r" +[0-9]* *! |the error |or before it|the switch would", line):
            lines.append(click.style(line, fg="red"))
        elif re.match(r"[0-9?]{4}  \w|.*: [0-9]+ messages?, profile ", line):
            lines.append(click.style(line, bold=True))
        else:
            lines.append(line)
    return "\n".join(lines)


def _messages(place: str, kind: str, profiles: Sequence[Profile]) -> list[Dissection]:
    found = [each[0] for _, each in _read(_captured(place, kind), profiles, ())]
    return [dissection for reading in found for dissection in reading.dissections]


def _captured(place: str, kind: str) -> list[Captured]:
    try:
        given = sys.stdin.buffer.read() if place == "-" else Path(place).read_bytes()
    except OSError as error:
        raise Refused(f"{place}: {error.strerror}; name a file, or - for standard input") from None
    try:
        return captured(given, kind)
    except NothingFound as nothing:
        raise Refused(f"{'standard input' if place == '-' else place}: {nothing}") from None


def _profiles(wanted: str | None) -> list[Profile]:
    if wanted is not None:
        return [find_profile(wanted)]
    # The golden one has the default's bytes; it differs in what time it is believed.
    return [load_profile(name) for name in shipped_profiles() if not name.endswith("-golden")]
