"""What has to be on disk before it is relied on, and how much room there is for more."""

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


def free_bytes(path: Path) -> float:
    """Return how many bytes this user may still write on the file system of a path.

    Not a number where the system does not say.
    """
    try:
        found = os.statvfs(path)
    except OSError:
        return nan
    return float(found.f_bavail * found.f_frsize)
