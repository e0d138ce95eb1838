"""What a host says today beside what it said when it was recorded.

Plan: values are compared of what a recording has and what no clock, terminal or reference
makes different; presence of what the host adds by itself, masked elements too.
Limits: a balance, a screen or a slip is compared by being there, not by what it says.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from terminal_emulator.recording.tape import is_kept

_OF_THE_DAY = (7, 11, 12, 13, 15, 37, 38)
_OF_THE_TERMINAL = (32, 33, 41, 64, 128)
"""A recording may be played by another terminal, with a MAC or without one."""
_OF_THE_HOST = (39, 44, 48, 54, 62, 63)
"""What an answer has, or has not, whatever its request had."""


def differences(
    recorded: Mapping[str, Any], got: IsoMessage, asked: IsoMessage, profile: Profile
) -> Iterator[str]:
    """Name each element that is not as recorded, without DE39: that is told by itself."""
    before: Mapping[str, str] = recorded["elements"]
    passed_over = {39, *_OF_THE_DAY, *_OF_THE_TERMINAL}
    for number in sorted({int(key) for key in before} & set(got.elements) - passed_over):
        element = profile.elements.get(number)
        if element is not None and is_kept(element) and before[str(number)] != got[number]:
            yield f"DE{number:03d}: recorded {before[str(number)]}, got {got[number]}"
    had = {*map(int, before), *recorded.get("left_out", ())}
    has = set(got.elements)
    # What either request had, the host may have handed back.
    added = (had ^ has) - set(asked.elements) - set(recorded.get("asked", ())) | (
        (had ^ has) & set(_OF_THE_HOST)
    )
    for number in sorted(added - passed_over):
        yield f"DE{number:03d}: " + ("not recorded, now there" if number in has else "missing now")
