"""Find the profile and the framing that bytes fit best.

Plan: every profile takes the bytes apart as a bare payload; as frames of its own kind and of
every other profile's; and behind a length header that does not fit.  What has the most bytes
in their place wins, a clean one before all.  Equal ones are told apart by their order: the
one asked for first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from atm_switch.domain.errors import FramingError
from atm_switch.profile.model import Framing, Profile
from atm_switch.wire.framing import FrameBuffer
from atm_switch.wire.part import Part, parts_of
from terminal_emulator.explain.dissection import Dissection, dissect


@dataclass(frozen=True, slots=True)
class Reading:
    """Bytes as one profile reads them: what stood before the first payload, and the payloads."""

    profile: Profile
    dissections: tuple[Dissection, ...]
    framed_as: str = ""
    """The profile whose length header stands before the payloads; empty for none."""
    header_fault: str = ""
    """Why that header is not right."""
    left_over: bytes = field(default=b"", repr=False)
    """The beginning of a frame that is not whole, or what is no frame."""

    @property
    def is_framed(self) -> bool:
        """Whether there is a length header."""
        return self.framed_as != ""

    @property
    def is_clean(self) -> bool:
        """Whether a host of this profile would read every byte of it."""
        is_whole = not self.left_over and not self.header_fault
        is_own = self.framed_as in ("", self.profile.name)
        return is_whole and is_own and all(one.is_clean for one in self.dissections)

    @property
    def score(self) -> tuple[bool, bool, float, int, bool]:
        """Order readings: clean ones, messages of the profile, the part of bytes in its place."""
        placed = sum(one.stopped_at for one in self.dissections)
        faults = sum(len(one.faults) for one in self.dissections)
        whole = sum(len(one.payload) for one in self.dissections) + len(self.left_over)
        is_plausible = any(one.is_plausible for one in self.dissections)
        is_own = self.framed_as == self.profile.name
        return self.is_clean, is_plausible, placed / max(whole, 1), -faults, is_own

    @property
    def share(self) -> float:
        """The part of all bytes that has a place, from 0 to 1."""
        return self.score[2]


PartsByProfile = Mapping[str, Mapping[int, Part]]


def parts_by_profile(profiles: Sequence[Profile]) -> PartsByProfile:
    """Look up once what ``readings`` needs of each profile, for those who read many."""
    return {one.name: parts_of(one.elements, one.encoding) for one in profiles}


def readings(
    octets: bytes, profiles: Sequence[Profile], parts: PartsByProfile | None = None
) -> list[Reading]:
    """Return every reading of the bytes, the best first; there is at least one."""
    known = parts or parts_by_profile(profiles)
    framings: dict[Framing, str] = {}
    for profile in profiles:
        framings.setdefault(profile.framing, profile.name)
    found = [
        reading
        for one in profiles
        for reading in _of_profile(octets, one, known[one.name], framings)
    ]
    return sorted(found, key=lambda reading: reading.score, reverse=True)


def _of_profile(
    octets: bytes, profile: Profile, parts: Mapping[int, Part], framings: Mapping[Framing, str]
) -> Iterator[Reading]:
    yield Reading(profile, (dissect(octets, profile, parts),))
    for framing, owner in framings.items():
        name = profile.name if framing == profile.framing else owner
        payloads, fault = _cut(octets, framing)
        ends = len(octets) - sum(map(len, payloads)) - _around(framing) * len(payloads)
        if payloads:
            yield Reading(
                profile,
                tuple(dissect(payload, profile, parts) for payload in payloads),
                framed_as=name,
                left_over=octets[len(octets) - ends :] if ends else b"",
            )
        behind = octets[framing.length_bytes + framing.header_bytes :]
        dissection = dissect(behind, profile, parts)
        if dissection.mti and dissection.pieces[1:] and name == profile.name:
            said = fault or f"its length header does not fit: {len(behind)} bytes follow it"
            yield Reading(profile, (dissection,), framed_as=name, header_fault=said)


def _cut(octets: bytes, framing: Framing) -> tuple[list[bytes], str]:
    """Return the payloads of the whole frames, and what is wrong with what follows them."""
    buffer, payloads = FrameBuffer(framing), []
    buffer.receive(octets)
    try:
        for frame in buffer.frames():
            payloads.append(frame.payload)  # noqa: PERF401 - those before a fault count
    except FramingError as fault:
        return payloads, str(fault)
    return payloads, ""


def _around(framing: Framing) -> int:
    return framing.length_bytes + framing.header_bytes + len(framing.trailer)
