"""Which STANs the cases of a run have: a terminal counts on from one to the next."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from terminal_emulator.address import Address
from terminal_emulator.cli.entry import main
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.scenario.play import Host, lanes_of
from terminal_emulator.scenario.target import Target
from terminal_emulator.terminal import STAN_MAX
from tests.unit.terminal_emulator.host import PROFILE, TinyHost, approving

CASES = "".join(
    f'[[case]]\nname = "{name}"\n[[case.step]]\ndo = "echo"\nrepeat = {count}\n'
    for name, count in (("one", 1), ("two", 2), ("three", 3))
)
MESSAGES = 12
"""Of the cases: a sign-on and a sign-off of each, and their echoes."""


def stans_of(folder: Path, *words: str) -> list[int]:
    """Play the cases at a host that approves; return the STANs it heard."""
    (folder / "mine.toml").write_text(CASES)
    with TinyHost(approving) as host:
        code = main(
            ["scenario", "run", str(folder / "mine.toml"), "--connect", host.address, *words]
        )
        heard = [int(request[11]) for request in host.requests]
    assert 0 == code
    return heard


def lanes(count: int, seed: str, *, own_keys: bool = False) -> list[tuple[str, int]]:
    """Return terminal and first STAN of each lane."""
    kit = replace(BARE_KIT, owns_keys=own_keys)
    host = Host(Address("127.0.0.1", 1), kit, PROFILE, Target())
    return [
        (one.host.kit.station.terminal.text, one.next_stan) for one in lanes_of(host, count, seed)
    ]


def test_cases_of_a_terminal_have_no_stan_twice(tmp_path: Path) -> None:
    """Each message has the STAN after the last one's, over cases and repeats of them all."""
    heard = stans_of(tmp_path, "--repeat", "3")

    assert 3 * MESSAGES == len(heard)
    assert all(after == before % STAN_MAX + 1 for before, after in pairwise(heard))


def test_same_seed_has_the_same_stans(tmp_path: Path) -> None:
    """A run can be had again, as it is printed; another seed begins elsewhere."""
    first, again, other = (stans_of(tmp_path, "--seed", seed) for seed in ("7", "7", "8"))

    assert first == again
    assert first != other


@pytest.mark.parametrize("own_keys", [False, True])
@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_lanes_begin_far_apart(count: int, own_keys: bool) -> None:  # noqa: FBT001
    """Anywhere from 1 to 999999, and as far from each other as they can, were they one terminal."""
    for seed in map(str, range(20)):
        found = lanes(count, seed, own_keys=own_keys)
        stans = sorted(stan for _, stan in found)
        terminals = {terminal for terminal, _ in found}

        assert (1 if own_keys else count) == len(terminals)
        assert 1 <= stans[0] <= stans[-1] <= STAN_MAX
        around = [*stans, stans[0] + STAN_MAX]
        assert STAN_MAX // count <= min(b - a for a, b in pairwise(around))
