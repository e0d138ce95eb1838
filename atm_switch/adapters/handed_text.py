"""A text that one process hands to another behind a descriptor.

Why: settings may be longer than a message between processes; a descriptor is inherited, or rides
on one, and whoever has it has the whole text or none.
Limits: memory of this machine (memfd_create(2)), no file; the text is as it was handed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def handed(text: str) -> Iterator[int]:
    """Have the text behind a descriptor for a block.  Raises ``OSError`` where there is none."""
    descriptor = os.memfd_create("text", os.MFD_CLOEXEC)
    with os.fdopen(descriptor, "wb") as file:
        file.write(text.encode())
        file.flush()
        yield descriptor


def taken(descriptor: int) -> str:
    """Return the text behind a descriptor that was handed here, and close it."""
    with os.fdopen(descriptor, "rb") as file:
        file.seek(0)  # whoever wrote it stands at its end, and so does this
        return file.read().decode()
