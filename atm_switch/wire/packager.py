"""Payload to message and back: by a plan where there is one, else by the reference codec.

Plan: a payload whose MTI and bitmaps were seen before is read by the plan of its bitmap
(``plan.py``).  All others, and whatever a plan does not take, go to ``reference.py``, which
alone refuses and says why.  A plan is made only for bitmaps that the reference has accepted,
so nothing is remembered of garbage.
Limits: ``HEADS_MAX`` heads and as many sets of elements; the oldest gives way.
"""

from atm_switch.profile.model import Profile
from atm_switch.wire.bitmap import BITMAP_BYTES, mti_bytes
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.part import bitmaps_of, parts_of
from atm_switch.wire.plan import Plan
from atm_switch.wire.reference import ReferenceCodec

HEADS_MAX = 256


class Packager:
    """Packs and unpacks payloads of one profile."""

    def __init__(self, profile: Profile) -> None:
        """Look at the profile's elements once."""
        self.profile = profile
        self.reference = ReferenceCodec(profile)
        encoding = profile.encoding
        self._parts = parts_of(profile.elements, encoding)
        self._plans: dict[tuple[int, ...], Plan] = {}
        self._heads: dict[bytes, tuple[str, Plan]] = {}
        """MTI and plan by the bytes of MTI and bitmaps."""
        self._written: dict[tuple[str, tuple[int, ...]], tuple[bytes, Plan]] = {}
        """Head and plan by MTI and element numbers, in the order of the message."""
        width = BITMAP_BYTES * (2 if encoding.bitmap == "hex" else 1)
        self._short = mti_bytes(encoding) + width
        self._long = self._short + width

    def unpack(self, payload: bytes) -> IsoMessage:
        """Read one payload.  Raises ``FormatError`` and nothing else."""
        message = self.unpack_by_plan(payload)
        if message is not None:
            return message
        message = self.reference.unpack(payload)
        if message.elements:
            self._learn(payload, message)
        return message

    def unpack_by_plan(self, payload: bytes) -> IsoMessage | None:
        """Read a payload of known MTI and bitmaps, or return ``None``: it may still be one."""
        known = self._heads.get(payload[: self._short]) or self._heads.get(payload[: self._long])
        if known is None:
            return None
        mti, plan = known
        elements = plan.read(payload)
        return None if elements is None else IsoMessage.owning(mti, elements)

    def pack(self, message: IsoMessage) -> bytes:
        """Write one message.  Raises ``ValueError`` for what the profile does not allow.

        The text names the element, never its content.
        """
        elements = message.elements
        key = (message.mti, tuple(elements))
        known = self._written.get(key)
        if known is not None:
            head, plan = known
            payload = plan.write(elements, head)
            if payload is not None:
                return payload
        payload = self.reference.pack(message)
        if elements:
            self._learn(payload, message)
        return payload

    def _learn(self, payload: bytes, message: IsoMessage) -> None:
        """Remember the head of a payload that the reference codec has read or written."""
        encoding = self.profile.encoding
        numbers = tuple(sorted(message.elements))
        head = payload[: mti_bytes(encoding)] + bitmaps_of(numbers, encoding)
        if head in self._heads and (message.mti, tuple(message.elements)) in self._written:
            return  # known, and left by the plan for a reason of its own
        plan = self._plans.get(numbers)
        if plan is None:
            plan = Plan(numbers, self._parts, encoding)
            _put(self._plans, numbers, plan)
        _put(self._heads, head, (message.mti, plan))
        _put(self._written, (message.mti, tuple(message.elements)), (head, plan))


def _put(memory: dict, key: object, value: object) -> None:  # type: ignore[type-arg]
    if len(memory) >= HEADS_MAX:
        del memory[next(iter(memory))]
    memory[key] = value
