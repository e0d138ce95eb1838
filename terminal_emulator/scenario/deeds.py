"""What the host did in a step, in words: answered what and when, kept silent, hung up."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from atm_switch.profile.model import Profile
from terminal_emulator.explain.meaning import without_numbers
from terminal_emulator.scenario.judge import Heard


@dataclass(frozen=True, slots=True)
class Watched:
    """The end of a step: for how long the host was watched, and how the link then was."""

    seconds: float = 0.0
    how_ended: str = ""
    """Empty: the link was up."""
    ended_after: float = 0.0
    """Seconds from the beginning of the step."""


def deeds(heard: list[Heard], watched: Watched | None, profile: Profile) -> Iterator[str]:
    """Yield what the host did, a line each, in the order in which it did so."""
    if watched is None:
        return
    for said, group in groupby(heard, lambda one: _answer(one, profile)):
        times = [f"{one.seconds * 1000:.1f}" for one in group]
        if len(times) == 1:
            yield f"{said} after {times[0]} ms"
        else:
            yield f"{said}, {len(times)} times, after {times[0]} to {times[-1]} ms"
    if not heard and not watched.how_ended:
        yield f"was silent for {watched.seconds * 1000:.0f} ms"
    if watched.how_ended:
        when = f"after {watched.ended_after * 1000:.1f} ms" if watched.ended_after > 0 else "before"
        yield f"has its link {watched.how_ended} {when}"
    else:
        yield "kept the link"


def _answer(heard: Heard, profile: Profile) -> str:
    message = heard.message
    if message is None:
        return f"answered nonsense ({heard.why_unreadable})"
    code = message.get(39)
    names = [one.value for one in profile.outcomes if code and profile.code_of(one) == code]
    parts = [f"answered {message.mti}", code or "no code"]
    parts += [f"({' or '.join(names)})"] if names else []
    parts += [f"naming {without_numbers(message[44])}"] if 44 in message else []
    return " ".join(parts)


@dataclass(slots=True)
class Owed:
    """Answers that no step waits for any more, by DE11: one that comes late is not mistaken."""

    stans: set[str] = field(default_factory=set)
    overheard: int = 0

    def is_late(self, heard: Heard, asked: str) -> bool:
        """Tell whether an answer is to another request than the one with DE11 ``asked``."""
        stan = heard.message.get(11) if heard.message else ""
        is_other = bool(asked) and stan != asked and stan in self.stans
        self.stans.discard(stan)
        self.overheard += is_other
        return is_other
