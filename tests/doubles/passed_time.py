"""Time that has passed for the loop of a test, and was not waited for."""

import asyncio


def pass_time(seconds: float) -> None:
    """Let the running loop believe it: what is due by then is done in its next turns.

    For loops of asyncio itself.  Whoever waits for something of this world meanwhile has
    waited as long, too.
    """
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]
