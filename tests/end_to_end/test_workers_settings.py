"""Settings of several workers: all run with the same, also one that came in a dead one's place."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles.machines import set_in
from tests.doubles.served import make_folder
from tests.doubles.talk import HungUp, Talk
from tests.doubles.workers import Workers, running, wait_for, with_workers


@pytest.fixture
def switch(tmp_path: Path) -> Iterator[Workers]:
    """A bank of two workers."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    with running(folder) as switch:
        switch.wait_until_all_answer()
        yield switch


def come_again(switch: Workers) -> None:
    """Have the first worker die, and wait for the one in its place."""
    switch.wait_until_all_answer(switch.kill("worker 1"))


def rewrite(switch: Workers, old: str, new: str) -> None:
    """Change the settings' file, and tell nobody."""
    path = switch.folder / "switch.toml"
    text = path.read_text()
    assert 1 == text.count(old)
    path.write_text(text.replace(old, new))


def test_worker_that_comes_again_runs_with_what_its_siblings_run_with(switch: Workers) -> None:
    """
    The file is made useless, and nobody was told to read it: the worker that died comes up all
    the same, and at SIGHUP all say that nothing was taken.
    """
    rewrite(switch, "workers = 2", "workers = nonsense")
    come_again(switch)
    assert [] == switch.said("settings reloaded")

    switch.served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(switch.said("settings not reloaded")) == 2)
    come_again(switch)

    assert [] == switch.said("settings reloaded")


def test_worker_that_comes_again_takes_what_sighup_changed(switch: Workers) -> None:
    """
    The limits of the last SIGHUP that its siblings took count for it, not those written since, nor
    those they refused, for a word or for a profile that is not there; what waits
    for a restart of the switch waits for it, too.
    """
    folder = switch.folder
    rewrite(switch, 'name = "BANK CONTOH"', 'name = "BANK LAIN"')
    set_in(folder, "limits", connections_per_peer_max=3)
    switch.served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(switch.said("settings reloaded")) == 2)
    rewrite(switch, "connections_per_peer_max = 3", "connections_per_peer_max = 0")
    switch.served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(switch.said("settings not reloaded")) == 2)
    rewrite(switch, "connections_per_peer_max = 0", "connections_per_peer_max = 1")
    rewrite(switch, 'profile = "bpjstk-jht-v1"', 'profile = "no-such-profile"')
    switch.served.process.send_signal(signal.SIGHUP)
    wait_for(lambda: len(switch.said("settings not reloaded")) == 4)

    come_again(switch)
    wait_for(lambda: len(switch.said("settings reloaded")) == 3)

    told = switch.said("settings reloaded")
    assert [["acquirers"]] * 3 == [one["need_a_restart"] for one in told]
    assert {1: 2, 2: 1} == {at: [one["worker"] for one in told].count(at) for at in (1, 2)}
    with switch.talk(), switch.talk(), switch.talk(), pytest.raises(HungUp):
        Talk.of(switch.served.port, folder)


def test_settings_longer_than_a_message_are_handed_down(tmp_path: Path) -> None:
    """Thousands of listed terminals: at the start, and at SIGHUP."""
    folder = make_folder(tmp_path)
    with_workers(folder, 2)
    path = folder / "switch.toml"
    listed = "".join(f'[[terminals]]\nid = "{at:08d}"\nacquirer = "009"\n\n' for at in range(2_000))
    path.write_text(path.read_text().replace("[[listeners]]", f"{listed}[[listeners]]", 1))
    with running(folder) as switch:
        switch.wait_until_all_answer()
        switch.served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: len(switch.said("settings reloaded")) == 2)
