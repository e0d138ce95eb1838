"""The event loop the switch runs in: uvloop where it is installed, else asyncio's own.

Why an extra: uvloop has wheels for Linux and macOS only, and nothing here needs a compiler.
Both are asyncio loops, and all else is the same on either.
"""

import asyncio
from importlib.util import find_spec
from typing import Final

FAST: Final = "uvloop"


def is_fast_there() -> bool:
    """Tell whether uvloop is installed; it is not imported for that."""
    return find_spec(FAST) is not None


def new_loop() -> asyncio.AbstractEventLoop:
    """Make the fastest loop there is, for ``asyncio.Runner``."""
    if is_fast_there():
        import uvloop  # noqa: PLC0415 - an extra

        return uvloop.new_event_loop()
    return asyncio.new_event_loop()


def loop_name(loop: asyncio.AbstractEventLoop) -> str:
    """Say whose loop it is, for those who look at a running switch."""
    return type(loop).__module__.partition(".")[0]
