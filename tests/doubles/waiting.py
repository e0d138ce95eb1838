"""Waiting in a loop for what is to become so."""

import asyncio
from collections.abc import Callable

SECONDS_MAX = 30.0


async def becomes(is_so: Callable[[], bool]) -> None:
    """Wait until it is so; fail after ``SECONDS_MAX``."""
    async with asyncio.timeout(SECONDS_MAX):
        while not is_so():
            await asyncio.sleep(0.005)
