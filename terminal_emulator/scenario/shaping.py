"""Bytes as a step wants them: edited, with garbage, behind a length header that may lie."""

import random
from dataclasses import replace

from atm_switch.domain.errors import Refused
from atm_switch.profile.model import Framing, Profile
from atm_switch.wire.framing import enclose
from terminal_emulator.scenario.model import Step

LENGTH_MAX = 1 << 20
"""The greatest length that a header may be made to say."""


def raw_octets(step: Step, profile: Profile, chance: random.Random) -> bytes:
    """Return the bytes of a ``raw`` step, its garbage drawn.  Raises as ``framed`` does."""
    octets = edited(step.octets + chance.randbytes(step.garbage), step)
    if step.framed or step.says is not None or step.length:
        return framed(profile, octets, step)
    return octets


def edited(payload: bytes, step: Step) -> bytes:
    """Change packed bytes as the step says.  Raises ``Refused`` where they are not there."""
    for old, new in step.replace:
        if old not in payload:
            raise Refused(
                f"{step.at}: {old[:20]!r} is not in the message, so it cannot be replaced"
            )
        payload = payload.replace(old, new, 1)
    return payload[: len(payload) - step.cut] + step.append


def framed(profile: Profile, payload: bytes, step: Step) -> bytes:
    """Put the length header before a payload, true or as the step wants it.

    Raises ``ValueError`` for a length that the profile's header cannot say.
    """
    framing = profile.framing
    if step.says is None and not step.length:
        return enclose(framing, payload)
    body = framing.header_own + payload + framing.trailer
    says = _true_length(framing, body) + step.length if step.says is None else step.says
    return _header(framing, says) + body


def _true_length(framing: Framing, body: bytes) -> int:
    itself = framing.length_bytes if framing.counts_itself else 0
    return len(body) + itself - (0 if framing.counts_trailer else len(framing.trailer))


def _header(framing: Framing, says: int) -> bytes:
    if not 0 <= says <= LENGTH_MAX:
        message = f"a length header can be made to say 0 to {LENGTH_MAX}"
        raise ValueError(message)
    size = framing.length_bytes
    if says == 0:
        return (b"0" if framing.length.startswith("ascii") else b"\0") * size
    # What encloses a payload of that many bytes knows every kind of header.
    bare = replace(
        framing, payload_bytes_max=LENGTH_MAX, counts_itself=False, header_own=b"", trailer=b""
    )
    return enclose(bare, bytes(says))[:size]
