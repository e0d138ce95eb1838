"""What the coverage-guided fuzzer runs: one input, read as a frame's payload or a stream.

    python -m tests.chaos.fuzz_target CORPUS -runs=100000

The first byte chooses the dialect and whether the rest is a payload or a stream in two
pieces.  A payload is refused with ``FormatError``, or is the one spelling of its message; a
stream is cut into frames or refused with ``FramingError``.  Anything else ends the fuzzer.
Needs ``atheris``, the extra ``fuzz``.
"""

import sys

import atheris

with atheris.instrument_imports(include=["atm_switch.wire"]):
    from atm_switch.domain.errors import FormatError, FramingError
    from atm_switch.profile.load import load_profile
    from atm_switch.wire.framing import FrameBuffer
    from atm_switch.wire.packager import Packager

NAMES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
STREAM = 0x80
PROFILES = [load_profile(name) for name in NAMES]
PACKAGERS = [Packager(profile) for profile in PROFILES]


class Lenient(AssertionError):
    """A payload was read that is not the one spelling of its message."""


def one_input(data: bytes) -> None:
    """Try one input."""
    if not data:
        return
    which = (data[0] & ~STREAM) % len(NAMES)
    if data[0] & STREAM:
        cut_stream(which, data[1:])
        return
    try:
        message = PACKAGERS[which].unpack(data[1:])
    except FormatError:
        return
    if PACKAGERS[which].pack(message) != data[1:]:
        raise Lenient


def cut_stream(which: int, data: bytes) -> None:
    """Feed a stream in two pieces and take the frames out."""
    buffer = FrameBuffer(PROFILES[which].framing)
    half = len(data) // 2
    try:
        for piece in (data[:half], data[half:]):
            buffer.receive(piece)
            for _ in buffer.frames():
                pass
    except FramingError:
        return


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
