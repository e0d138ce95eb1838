"""The memory image of a running process, searched region by region.

Limits: what lies in registers or was swapped out is not seen.  An undumpable process, as
the switch is, opens its memory to root alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

_PREFIX_BYTES = 3
_NOT_MEMORY = ("[vvar]", "[vvar_vclock]", "[vsyscall]")


def regions(pid: int) -> Iterator[bytes]:
    """Yield every readable region.  Raises ``PermissionError`` where others may not look."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights = line.split()[:2]
            if "r" not in rights or line.endswith(_NOT_MEMORY):
                continue
            begin, end = (int(part, 16) for part in place.split("-"))
            memory.seek(begin)
            try:
                yield memory.read(end - begin)
            except OSError:
                continue  # a mapping without pages behind it


def found_in_memory(pid: int, patterns: Iterable[bytes]) -> set[bytes]:
    """Return which of ``patterns`` lie in the process's memory.

    Many patterns that begin alike cost one search.
    """
    by_prefix: defaultdict[bytes, set[bytes]] = defaultdict(set)
    for pattern in patterns:
        by_prefix[pattern[:_PREFIX_BYTES]].add(pattern)
    return {
        pattern
        for region in regions(pid)
        for prefix, alike in by_prefix.items()
        for pattern in _beginning_with(prefix, alike, region)
    }


def _beginning_with(prefix: bytes, alike: set[bytes], region: bytes) -> Iterator[bytes]:
    lengths = {len(pattern) for pattern in alike}
    at = region.find(prefix)
    while at >= 0:
        yield from alike & {region[at : at + length] for length in lengths}
        at = region.find(prefix, at + 1)
