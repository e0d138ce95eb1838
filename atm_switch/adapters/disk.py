"""What is on disk: texts, what has to be there before it is relied on, how much room there is."""

import os
from math import nan
from pathlib import Path


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk.  Raises ``OSError``."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def text_of(path: Path) -> str:
    """Return the text of a file.  Raises ``OSError`` in plain words, which begin with its place."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise OSError(message) from None


def free_bytes(path: Path) -> float:
    """Return how many bytes this user may still write on the file system of a path.

    Not a number where the system does not say.
    """
    try:
        found = os.statvfs(path)
    except OSError:
        return nan
    return float(found.f_bavail * found.f_frsize)
