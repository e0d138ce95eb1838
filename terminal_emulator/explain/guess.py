"""Find the profile and the framing that bytes fit best.

Plan: every profile takes the bytes apart as a bare payload and, where a length header of its
kind could stand before it, as frames; what has the most bytes in their place wins, a clean
one before all.  Equal ones are told apart by their order: the one asked for first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from atm_switch.domain.errors import FramingError
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import FrameBuffer
from terminal_emulator.explain.dissection import Dissection, dissect


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes as one profile reads them: what stood before the first payload, and the payloads."""

    profile: Profile
    is_framed: bool
    dissections: tuple[Dissection, ...]
    left_over: bytes = field(default=b"", repr=False)
    """The beginning of a frame that is not whole."""

    @property
    def score(self) -> tuple[bool, float, int]:
        """Order readings: clean ones first, then by the part of all bytes in its place."""
        placed = sum(one.stopped_at for one in self.dissections)
        faults = sum(len(one.faults) for one in self.dissections)
        whole = sum(len(one.payload) for one in self.dissections) + len(self.left_over)
        is_clean = all(one.is_clean for one in self.dissections) and not self.left_over
        return is_clean, placed / max(whole, 1), -faults


def readings(octets: bytes, profiles: Sequence[Profile]) -> list[Reading]:
    """Return every reading of the bytes, the best first; there is at least one."""
    found = [reading for profile in profiles for reading in _of_profile(octets, profile)]
    return sorted(found, key=lambda reading: reading.score, reverse=True)


def _of_profile(octets: bytes, profile: Profile) -> Iterator[Reading]:
    yield Reading(profile, is_framed=False, dissections=(dissect(octets, profile),))
    buffer = FrameBuffer(profile.framing)
    buffer.receive(octets)
    payloads = []
    try:
        payloads += [frame.payload for frame in buffer.frames()]
    except FramingError:
        return
    if payloads:
        pending = octets[len(octets) - buffer.pending :] if buffer.pending else b""
        dissections = tuple(dissect(payload, profile) for payload in payloads)
        yield Reading(profile, is_framed=True, dissections=dissections, left_over=pending)
