"""Payload to message and back: by a plan where there is one, else by the reference codec.

Plan: a payload whose MTI and bitmaps were seen before is read by the plan of its head
(``plan.py``), most often by the very layout that the last payload of its size had.  All
others, and whatever a plan does not take, go to ``reference.py``, which alone refuses and
says why.  A plan is made only for heads that the reference has accepted, so nothing is
remembered of garbage.
Limits: ``HEADS_MAX`` heads, ``LAYOUTS_MAX`` layouts of theirs and as many sizes at hand,
``WRITINGS_MAX`` kinds of answers, ``SHAPES_MAX`` combinations of lengths in them; of each the
oldest gives way.  All of it is bounded for the packager, for a peer chooses what it sends.
"""

from typing import TYPE_CHECKING, Any

from atm_switch.profile.model import Profile
from atm_switch.wire.bitmap import BITMAP_BYTES, mti_bytes
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.plan import Plan
from atm_switch.wire.reading import AnsweringMessage, ReadMessage
from atm_switch.wire.reference import ReferenceCodec
from atm_switch.wire.spelling import LAYOUTS_MAX, Spelling
from atm_switch.wire.writing import Writing

if TYPE_CHECKING:
    from atm_switch.wire.layout import Layout

HEADS_MAX = 256


class Packager:
    """Packs and unpacks payloads of one profile."""

    __slots__ = (
        "_heads", "_layouts", "_long", "_plans", "_short", "_spelling", "profile", "reference",
    )  # fmt: skip

    def __init__(self, profile: Profile) -> None:
        """Look at the profile's elements once."""
        self.profile = profile
        self.reference = ReferenceCodec(profile)
        self._spelling = Spelling.of(profile)
        self._heads: dict[bytes, Plan] = {}
        """By the bytes of MTI and bitmaps."""
        self._plans: dict[tuple[str, tuple[int, ...]], Plan] = {}
        """By MTI and element numbers, in the order of the message."""
        self._layouts: dict[int, Layout] = {}
        """The latest layout of payloads of so many bytes."""
        width = BITMAP_BYTES * (2 if profile.encoding.bitmap == "hex" else 1)
        self._short = mti_bytes(profile.encoding) + width
        self._long = self._short + width

    def unpack(self, payload: bytes) -> IsoMessage:
        """Read one payload.  Raises ``FormatError`` and nothing else."""
        layout = self._layouts.get(len(payload))
        if layout is not None and layout.holds(payload):
            return ReadMessage(layout, payload)
        message = self.unpack_by_plan(payload)
        if message is not None:
            return message
        message = self.reference.unpack(payload)
        if message.elements:
            self._learn(message)
        return message

    def unpack_by_plan(self, payload: bytes) -> IsoMessage | None:
        """Read a payload of known MTI and bitmaps, or return ``None``: it may still be one."""
        plan = self._heads.get(payload[: self._short]) or self._heads.get(payload[: self._long])
        layout = None if plan is None else plan.layout_of(payload)
        if layout is None or not layout.holds(payload):
            return None
        _put(self._layouts, len(payload), layout, LAYOUTS_MAX)
        return ReadMessage(layout, payload)

    def pack(self, message: IsoMessage) -> bytes:
        """Write one message.  Raises ``ValueError`` for what the profile does not allow.

        The text names the element, never its content.
        """
        payload = self.pack_by_plan(message)
        if payload is None:
            payload = self.reference.pack(message)
            if message.elements:
                self._learn(message)
        return payload

    def pack_with_rest(self, message: IsoMessage, first: int) -> tuple[bytes, bytes]:
        """Write a message, and what is left of it without its element ``first``.

        Raises ``ValueError`` for what the profile does not allow.
        """
        payload = self.pack_by_plan(message)
        rest = None if payload is None else self._rest_of(message, first, payload)
        if payload is None or rest is None:
            return self.pack(message), self.pack(message.without(first))
        return payload, rest

    def _rest_of(self, message: IsoMessage, first: int, payload: bytes) -> bytes | None:
        """Cut the first element out of what was written; ``None`` where that is not known yet."""
        if not isinstance(message, AnsweringMessage):
            return None
        answer = message
        layout = answer.request.layout
        writing = layout.writings.get((answer._mti, answer.echo, answer.given))  # noqa: SLF001
        if layout.spelling is not self._spelling or writing is None:
            return None
        if writing.numbers[0] != first or first in answer.given:
            return None
        if writing.rest_head is None:
            plan = self._plans.get((answer._mti, tuple(answer.without(first).elements)))  # noqa: SLF001
            if plan is None:
                return None
            writing.rest_head = plan.head
        begins, ends = layout.spans[first]
        rest: bytes = writing.rest_head + payload[len(writing.head) + ends - begins :]
        return rest

    def pack_by_plan(self, message: IsoMessage) -> bytes | None:
        """Write a message of known MTI and elements, or return ``None``: it may still be one."""
        if isinstance(message, AnsweringMessage):
            answer = message
            request = answer.request
            layout = request.layout
            if layout.spelling is self._spelling:
                key = (answer._mti, answer.echo, answer.given)  # noqa: SLF001 - one of our own
                writing = layout.writings.get(key) or self._writing_of(answer, key)
                if writing is not None:
                    return writing.write(request.payload, answer.values)
        elements = message.elements
        plan = self._plans.get((message.mti, tuple(elements)))
        return None if plan is None else plan.write(elements)

    def _writing_of(self, message: AnsweringMessage, key: Any) -> Writing | None:
        """Find out how such answers are written, once their head is known, and remember it."""
        plan = self._plans.get((message.mti, tuple(message.elements)))
        if plan is None:
            return None
        layout = message.request.layout
        writing = Writing(plan.head, plan.numbers, message.given, layout, self._spelling)
        self._spelling.writings.put(layout.writings, key, writing)
        return writing

    def _learn(self, message: IsoMessage) -> None:
        """Remember the head of a message that the reference codec has read or written."""
        key = (message.mti, tuple(message.elements))
        if key in self._plans and self._plans[key].head in self._heads:  # pragma: no branch
            # No payload is known that the plan leaves and the reference takes (test_packager.py
            # looks for one); should there be, a new plan would leave it again.
            return  # pragma: no cover
        plan = Plan(message.mti, tuple(sorted(message.elements)), self._spelling)
        _put(self._heads, plan.head, plan, HEADS_MAX)
        _put(self._plans, key, plan, HEADS_MAX)


def _put(memory: dict, key: object, value: object, most: int) -> None:  # type: ignore[type-arg]
    if len(memory) >= most and key not in memory:
        del memory[next(iter(memory))]
    memory[key] = value
