"""One link of the bench's load: requests put together from pieces, answers read in place.

Plan: a stencil of the emulator becomes the few pieces between what changes.  An answer is cut
off the stream and looked at where its MTI, DE11, DE37, DE39 and DE41 stand; where that is, is
learned from an answer decoded whole, and holds for answers of the same bitmap and of elements as
long.  Behind DE41 the lengths are followed to the end, which must be that of the payload, and
every byte must be printable.  Decoded whole by the strict packager, as the emulator's own load
does it, are every answer in the warm-up, every ``WHOLE_EVERY``-th later, and whatever does not
look like one seen before; each of them must have in it what is read in place.
Why: at the emulator's price an answer the load takes more of the machine than a host worth
measuring.
Limits: text dialects whose frames are a length and the payload; no MACs.  What printable text says
behind DE41 is looked at in the sample alone.
"""

from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING, NamedTuple

from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from atm_switch.wire.part import Part, parts_of
from terminal_emulator.explain.dissection import dissect
from terminal_emulator.keys import TerminalKeys
from terminal_emulator.load.callers import Caller
from terminal_emulator.load.line import Asked, LoadLine
from terminal_emulator.load.stencil import CHANGING, Moment, Stencil
from terminal_emulator.load.tally import WRONG_ANSWER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WHOLE_EVERY = 50
ANSWER = "0210"
LENGTH_BYTES = 2
SEEN_BY = 22
"""Answers alike in so many bytes - MTI, bitmap, the length of DE2 - may be of one layout."""
READ = (11, 37, 39, 41)
PRINTABLE = bytes(range(0x20, 0x7F))


def require_lean(profile: Profile) -> None:
    """Raise ``LookupError`` for a profile that cannot be read in place here."""
    framing, encoding = profile.framing, profile.encoding
    is_bare = not (framing.header_bytes or framing.trailer or framing.counts_itself)
    is_text = (encoding.text, encoding.mti, encoding.numbers, encoding.lengths, encoding.bitmap)
    if framing.length != "binary-big-endian" or framing.length_bytes != LENGTH_BYTES or not is_bare:
        raise LookupError(f"{profile.name}: frames are more than a length and the payload")
    if is_text != ("ascii", "text", "text", "text", "hex"):
        raise LookupError(f"{profile.name}: not of plain text")


class Stamp(NamedTuple):
    """What all requests of one second and zone have in common."""

    sent: bytes
    local: bytes
    reference: bytes

    @classmethod
    def of(cls, moment: Moment) -> "Stamp":
        """Spell a moment."""
        texts = (moment.stamps[7], moment.stamps[12] + moment.stamps[13], moment.reference)
        return cls(*(text.encode("ascii") for text in texts))


@dataclass(frozen=True, slots=True)
class Form:
    """A request in pieces: what is before DE7, between DE13 and DE37, and behind."""

    head: bytes = field(repr=False)
    middle: bytes = field(repr=False)
    tail: bytes = field(repr=False)

    @classmethod
    def of(cls, stencil: Stencil) -> "Form":
        """Cut a stencil's frame.  Raises ``LookupError`` where it is of another build."""
        head, *between, middle, tail = stencil.constants
        if tuple(stencil.holes) != CHANGING or any(between) or stencil.keys.mac:
            raise LookupError("the bench's load has a request of another build")
        moment = Moment({7: "0102030405", 12: "060708", 13: "0910"}, "111213")
        frame = stencil.frame("141516", moment)
        made = cls(frame[: frame.index(head)] + head, middle, tail)
        if made.frame(b"141516", Stamp.of(moment)) != frame:
            raise LookupError("the bench's load does not write what the stencil writes")
        return made

    def frame(self, stan: bytes, stamp: Stamp) -> bytes:
        """Write the request as it goes out."""
        sent, local, reference = stamp
        pieces = (self.head, sent, stan, local, self.middle, reference, stan, self.tail)
        return b"".join(pieces)


@dataclass(slots=True)
class Asker:
    """A terminal and its requests, in turn for ever."""

    terminal: str
    keys: TerminalKeys = field(repr=False)
    forms: "cycle[Form]" = field(repr=False)

    @classmethod
    def of(cls, caller: Caller) -> "Asker":
        """Cut the requests of a caller."""
        forms = [Form.of(stencil) for stencil in caller.stencils]
        return cls(caller.name, caller.keys, cycle(forms))


@dataclass(slots=True)
class LeanAsked(Asked):
    """A request under way, and the DE37 that must come back."""

    reference: str


class Places(NamedTuple):
    """Where things are in answers of one layout."""

    prefixes: tuple[tuple[slice, bytes], ...]
    """The lengths of elements before DE41 that vary in it; with others it is another layout."""
    behind: tuple[tuple[int, int, dict[bytes, int]], ...]
    """Of each element behind DE41 whose length varies: the bytes from the end of the one before to
    its length, those of its length, and how many follow by how it is spelled."""
    rest: int
    """Bytes behind the last of them."""
    read: tuple[slice, ...]
    """Where the elements ``READ`` are, one by one."""

    @classmethod
    def of(cls, payload: bytes, profile: Profile, parts: dict[int, Part]) -> "Places":
        """Look them up in an answer that was decoded.  Raises ``KeyError`` where one lacks."""
        pieces = dissect(payload, profile, parts).elements()
        prefixes = []
        for number, piece in pieces.items():
            width = parts[number].prefix_octets
            if number < max(READ) and width:
                place = slice(piece.offset, piece.offset + width)
                prefixes.append((place, payload[place]))
        behind, skipped = [], 0
        for number in (one for one in pieces if one > max(READ)):
            part = parts[number]
            if part.prefix_octets:
                follow = {spelled: part.octets(count) for spelled, count in part.lengths.items()}
                behind.append((skipped, part.prefix_octets, follow))
                skipped = 0
            else:
                skipped += part.octets(part.element.longest)
        found = (pieces[number] for number in READ)
        return cls(
            tuple(prefixes),
            tuple(behind),
            skipped,
            tuple(slice(one.offset, one.offset + len(one.octets)) for one in found),
        )

    def end(self, payload: bytes) -> int:
        """Return where an answer ends by its lengths; -1 where one is none."""
        at: int = self.read[-1].stop
        for skipped, width, follow in self.behind:
            at += skipped + width
            octets = follow.get(payload[at - width : at])
            if octets is None:
                return -1
            at += octets
        return at + self.rest


class Layouts:
    """The layouts seen so far, of all links."""

    def __init__(self, profile: Profile) -> None:
        """Have seen none.  Raises ``LookupError`` for a profile that cannot be read in place."""
        require_lean(profile)
        self._profile = profile
        self._parts = parts_of(profile.elements, profile.encoding)
        self._known: dict[bytes, Places] = {}

    def find(self, payload: bytes) -> Places | None:
        """Return the places of an answer; ``None`` for a layout not seen yet, or no message."""
        places = self._known.get(payload[:SEEN_BY])
        if places is not None:
            for place, prefix in places.prefixes:
                if payload[place] != prefix:
                    return None
            if places.end(payload) != len(payload) or payload.translate(None, PRINTABLE):
                return None
        return places

    def learn(self, payload: bytes, message: IsoMessage) -> bool:
        """Remember the layout of an answer that was decoded.

        False where what is read in place would not be what was decoded.
        """
        places = self.find(payload)
        if places is None:
            try:
                places = Places.of(payload, self._profile, self._parts)
            except KeyError:  # it lacks one of them: every such answer is decoded
                return True
            self._known[payload[:SEEN_BY]] = places
        read = (payload[place].decode("latin-1") for place in places.read)
        return [message.get(number) for number in READ] == list(read)


class LeanLine(LoadLine):
    """One connection."""

    def __init__(self, packager: Packager, first_stan: int, layouts: Layouts) -> None:
        """Wait for the connection."""
        super().__init__(packager, first_stan)
        self.askers: Sequence[Asker] = ()
        """Who asks on this link, in turn."""
        self.turn = 0
        self.is_all_whole = False
        self.whole = 0
        """Answers decoded whole."""
        self.settled = 0
        """Requests that ended, rightly or not, since whoever counts them looked."""
        self.on_read: Callable[[LeanLine], None] | None = None
        """Told after each read that all in it was taken."""
        self._layouts = layouts
        self._pending = b""
        self._until_whole = WHOLE_EVERY
        self._longest = packager.profile.framing.payload_bytes_max

    def ask(self, asker: Asker, due: float, stamp: Stamp) -> bool:
        """Queue a request; ``flush`` sends what is queued.  True for the first of them."""
        stan = self.take_stan()
        spelled = stan.encode("ascii")
        reference = stamp.reference.decode("ascii") + stan
        self.asked[stan] = LeanAsked(due, asker.terminal, asker.keys, reference)
        return self.put(next(asker.forms).frame(spelled, stamp))

    def data_received(self, data: bytes) -> None:
        """Take answers."""
        if self._pending:
            data = self._pending + data
        start, held, now = 0, len(data), self.clock()
        while held - start >= LENGTH_BYTES:
            length = data[start] << 8 | data[start + 1]
            if not 0 < length <= self._longest:
                self.tally.take_fault("stream broken")
                self.hang_up()
                return
            end = start + LENGTH_BYTES + length
            if end > held:
                break
            self._look(data[start + LENGTH_BYTES : end], now)
            start = end
        self._pending = data[start:]
        if self.on_read is not None:
            self.on_read(self)

    def _look(self, payload: bytes, now: float) -> None:
        """Read an answer in place, or decode it where that is due."""
        places = self._layouts.find(payload)
        self._until_whole -= 1
        if places is None or self.is_all_whole or self._until_whole <= 0:
            self._until_whole = WHOLE_EVERY
            self._take(payload, b"")
            return
        stan, reference, code, terminal = places.read
        self._match(
            payload[stan].decode("latin-1"),
            payload[reference].decode("latin-1"),
            payload[code].decode("latin-1"),
            payload[terminal].decode("latin-1"),
            now,
        )

    def _settle(self, message: IsoMessage, payload: bytes) -> None:
        self.whole += 1
        stan, reference, code, terminal = (message.get(number) for number in READ)
        if message.mti != ANSWER:
            reference = ""  # an answer, but not to what was asked
        elif not self._layouts.learn(payload, message):
            self.tally.take_fault("answer misread in place")
        self._match(stan, reference, code, terminal, self.clock())

    def _match(self, stan: str, reference: str, code: str, terminal: str, now: float) -> None:
        asked = self.asked.pop(stan, None)
        if asked is None:
            self.tally.take_fault(self._what_of_unasked(stan))
            return
        self.settled += 1
        assert isinstance(asked, LeanAsked)
        if reference == asked.reference and terminal == asked.terminal:
            self.tally.take_answer(code, asked.due, now)
        else:
            self.tally.take_fault(WRONG_ANSWER)
