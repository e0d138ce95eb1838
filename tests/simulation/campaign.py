"""Many seeds, one after the other, each in a folder of its own."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from tests.chaos.crashing_disk import quick_folder
from tests.simulation.plants import NONE, Plant
from tests.simulation.world import Run, simulate

SEEDS_A_FILE = 50
"""Of the two hundred that every run of the tests goes through, in files that run side by side."""
BUSY = 50
"""Seeds between two words on how far it is."""


def replay(seed: int, plant: Plant = NONE, watch: Callable[[str], None] | None = None) -> Run:
    """Run one seed; ``watch`` hears every step as it happens."""
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=quick_folder()) as folder:
        return simulate(seed, Path(folder), plant, watch)


def run_seeds(seeds: Iterable[int], plant: Plant = NONE) -> Iterator[Run]:
    """Run them in order."""
    return (replay(seed, plant) for seed in seeds)
