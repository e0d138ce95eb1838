"""G4: every frame split at every byte, and up to 64 joined: the replies are the same bytes.

    python -m tests.chaos.split_and_joined [--long] [--seed S]

Plan: the real server on a loopback socket, in this process, so that one piece is known to
have been read before the next is sent.  What a frame gets when sent whole is what it must
get in two pieces, for every place to cut it, and among others in one write.  An inquiry
said again gets its stored answer, byte for byte, so one link serves for all cuts.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from atm_switch.switch.policy import PinPolicy
from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.attacks.test_decoder_garbage import honest
from tests.chaos.proof import Found, Goal, Trial, prove
from tests.doubles.bench import Bench, bank
from tests.doubles.open_house import Caller, OpenHouse, caller, open_house

PROFILES = ("bpjstk-jht-v1", "bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic")
JOINED_MAX = 64
SIGN_ON = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: "001"})


@dataclass
class Count:
    """What was tried."""

    cuts: int = 0
    joins: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Room:
    """A served bench and the one caller in it."""

    house: OpenHouse
    client: Caller

    async def pieces(self, *data: bytes) -> None:
        """Send each piece when the one before has been read."""
        (line,) = (one for one, _ in self.house.desk.links())
        for piece in data:
            before = self.client_bytes(line)
            self.client.writer.write(piece)
            while self.client_bytes(line) == before:
                await asyncio.sleep(0)

    @staticmethod
    def client_bytes(line: object) -> float:
        """Tell the moment the line last heard something: it changes with each piece."""
        return float(line._heard_at)  # type: ignore[attr-defined]

    async def replies(self, count: int) -> list[bytes]:
        """Wait for so many."""
        return [await self.client.hear_payload() for _ in range(count)]


def kinds(bench: Bench) -> Iterator[IsoMessage]:
    """Yield every kind of honest message that is answered; links stay signed on."""
    for message in honest():
        if message.mti != "0210":
            yield message
    yield bench.inquiry({52: None, 11: "000777", 37: "518107000777"})


async def cut_everywhere(room: Room, framed: bytes, whole: bytes, count: Count, step: int) -> None:
    """Cut one frame at every byte, or at every ``step``-th."""
    for at in range(1, len(framed), step):
        await room.pieces(framed[:at], framed[at:])
        (reply,) = await room.replies(1)
        count.cuts += 1
        if reply != whole:
            count.wrong.append(f"cut at {at} of {len(framed)}")


async def join(room: Room, framed: Sequence[bytes], wholes: Sequence[bytes], count: Count) -> None:
    """Send 1 to 64 frames in one write; then some joined ones, cut at every byte."""
    for many in range(1, JOINED_MAX + 1):
        chosen = [at % len(framed) for at in range(many)]
        await room.pieces(b"".join(framed[at] for at in chosen))
        replies = await room.replies(many)
        count.joins += 1
        if sorted(replies) != sorted(wholes[at] for at in chosen):
            count.wrong.append(f"{many} joined")


async def one_profile(name: str, count: Count, step: int) -> None:
    """Try all of it in one dialect."""
    bench = Bench(name, (bank(pin=PinPolicy.ACQUIRER),), bad_frames_per_minute=0)
    framing, pack = bench.dialect.profile.framing, bench.dialect.packager.pack
    async with open_house(bench) as house, caller(house) as client:
        room = Room(house, client)
        framed = [enclose(framing, pack(message)) for message in kinds(bench)]
        wholes = []
        for frame in framed:
            await room.pieces(frame)
            wholes += await room.replies(1)
        for frame, whole in zip(framed, wholes, strict=True):
            await cut_everywhere(room, frame, whole, count, step)
        await join(room, framed, wholes, count)
        three, expected = b"".join(framed[:3]), sorted(wholes[:3])
        for at in range(1, len(three), step):
            await room.pieces(three[:at], three[at:])
            count.joins += 1
            if sorted(await room.replies(3)) != expected:
                count.wrong.append(f"three joined, cut at {at}")


def measure(trial: Trial) -> Found:
    """Try all dialects; the short form cuts two of them at every fifth byte only."""
    count = Count()
    for name in PROFILES:
        step = 1 if trial.is_long or name == PROFILES[0] else 5
        asyncio.run(one_profile(name, count, step))
    got = (
        f"{len(PROFILES)} dialects, {count.cuts:,} cuts, {count.joins:,} joins: "
        f"{len(count.wrong)} replies differ"
    )
    return Found(got, is_held=not count.wrong, notes=tuple(count.wrong[:10]))


GOAL = Goal(
    "G4", "frames split and joined", "byte-identical replies at every byte, 1 to 64 joined", measure
)

if __name__ == "__main__":
    prove(GOAL)
