"""A software HSM that verifies PINs from standard input, for others to look at its memory.

A line is a JSON object: ``format``, ``method``, ``block``, ``value`` and the two ``keys``;
the answer is ``1`` or ``0``.  No PIN ever comes in but inside a block.  With the argument
``keeps`` it commits the very fault the others look for, and keeps each PIN.
"""

import json
import os
import sys

from atm_switch.adapters.software_hsm import PinMatcher, SoftwareHsm, pin_matcher
from atm_switch.domain.card import Pan
from atm_switch.domain.secret import Key, Pin, PinBlock
from atm_switch.security.key_ring import LineKey
from atm_switch.switch.hsm_port import VerifyPin

TABLE = "0123456789012345"
KEPT: list[bytes] = []


def faulty(matches: PinMatcher) -> PinMatcher:
    """Return a matcher that keeps what it should forget."""

    def keeping(pin: Pin, pan: Pan, index: str, pvk: Key, value: str) -> bool:
        KEPT.append(pin.reveal())
        return matches(pin, pan, index, pvk, value)

    return keeping


def verify(line: str) -> bool:
    """Answer one line."""
    told = json.loads(line)
    key, pvk = (Key.from_hex(text) for text in told["keys"])
    matches = pin_matcher(told["method"], TABLE)
    engine = SoftwareHsm(os.urandom, faulty(matches) if "keeps" in sys.argv else matches)
    question = VerifyPin(
        PinBlock.from_hex(told["block"]), Pan(told["pan"]), told["value"], "1",
        LineKey.clear(pvk), (LineKey.clear(key),), frozenset({told["format"]}),
        is_of_terminal=False,
    )  # fmt: skip
    return engine.verify_pin(question).is_right


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(f"{int(verify(line))}\n")
        sys.stdout.flush()
