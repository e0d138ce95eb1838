"""What a worker that dies has under way to the process that writes the journal."""

import asyncio
import random

from tests.simulation.pipe import Pipe

ASKED = b"two questions", b" and a third"


class Heard(asyncio.Protocol):
    """Whoever listens."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.data, self.is_over = b"", asyncio.Event()
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.WriteTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Hear."""
        assert not self.is_over.is_set()
        self.data += data

    def connection_lost(self, _error: Exception | None) -> None:
        """Hear that it was all."""
        self.is_over.set()


async def heard_of(seed: int) -> bytes:
    """Have a worker ask twice and die; return what the other side hears of it."""
    worker, writer = Heard(), Heard()
    pipe = Pipe(asyncio.get_running_loop(), random.Random(seed), worker, writer)  # noqa: S311
    for part in ASKED:
        worker.transport.write(part)
    pipe.die()
    await asyncio.wait_for(writer.is_over.wait(), 60)
    return writer.data


async def test_dead_worker_was_heard_as_far_as_the_kernel_had_it() -> None:
    """By chance of the seed nothing of it arrives, all of it, or it ends amid a question."""
    whole = b"".join(ASKED)
    heard = {await heard_of(seed) for seed in range(40)}

    assert {b"", whole} <= heard
    assert len(heard) > 5
    assert all(whole.startswith(one) for one in heard)
