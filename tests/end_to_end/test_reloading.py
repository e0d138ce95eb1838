"""Claims about SIGHUP: settings read anew under links that stay up."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from atm_switch.profile.shipped import profile_text
from terminal_emulator.kit import read_kit
from tests.doubles.served import Served, make_folder, serve
from tests.doubles.talk import HungUp, Talk, inquiry
from tests.doubles.workers import with_workers

PAN = "9990090000000012"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bank with a profile file of its own."""
    made = make_folder(tmp_path, "--pin", "acquirer")
    (made / "own.toml").write_text(profile_text("bpjstk-jht-v1"))
    rewrite(made, 'profile = "bpjstk-jht-v1"', 'profile = "own.toml"')
    return made


@pytest.fixture
def switch(folder: Path) -> Iterator[Served]:
    """The switch of that bank."""
    with serve(folder) as served:
        yield served


def rewrite(folder: Path, old: str, new: str, file: str = "switch.toml") -> None:
    """Change one place of a file of the folder."""
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new, 1))


def told(served: Served, words: str) -> None:
    """Send SIGHUP and wait until the log says how it ended."""
    served.process.send_signal(signal.SIGHUP)
    served.wait_for(words)


def test_limits_count_at_once_and_links_stay(folder: Path, switch: Served) -> None:
    """With one connection allowed from now on the link that is up serves, a second is closed."""
    with Talk.of(switch.port, folder) as link:
        with (folder / "switch.toml").open("a") as settings:
            settings.write("\n[limits]\nconnections_max = 1\n")
        told(switch, "settings reloaded")

        assert "00" == link.ask(inquiry(1, {2: PAN}))[39]
        with pytest.raises(HungUp):
            Talk.of(switch.port, folder)


def test_level_of_the_log_is_changed(folder: Path) -> None:
    """From error to info: what was not logged is logged, without a restart."""
    with (folder / "switch.toml").open("a") as settings:
        settings.write('\n[log]\nlevel = "error"\n')
    with serve(folder) as served:
        with Talk.of(served.port, folder):
            assert "link opened" not in served.log.read_text()
        rewrite(folder, 'level = "error"', 'level = "info"')
        told(served, "settings reloaded")

        with Talk.of(served.port, folder):
            served.wait_for("link opened")


@pytest.mark.parametrize("workers", [1, 2])
def test_process_that_writes_logs_from_the_same_level(folder: Path, workers: int) -> None:
    """It reads no settings: whoever started it tells it what has changed."""
    with (folder / "switch.toml").open("a") as settings:
        settings.write('\n[log]\nlevel = "error"\n[journal]\nwriter = "process"\n')
    with_workers(folder, workers)
    with serve(folder) as served:
        rewrite(folder, 'level = "error"', 'level = "info"')
        told(served, "log level changed")

        (said,) = [line for line in served.log.read_text().splitlines() if "level changed" in line]
    assert ("journal writer", "info") == (json.loads(said)["process"], json.loads(said)["least"])


def test_profile_counts_for_new_links(folder: Path, switch: Served) -> None:
    """A code that is changed is said on a link made afterwards; the old link keeps its word."""
    kit = read_kit(folder / "terminal-kit.json")
    with Talk(switch.port, kit) as before:
        assert "58" == before.ask(inquiry(1, {2: PAN}))[39]
        rewrite(folder, 'code = "58"', 'code = "05"', "own.toml")
        told(switch, "settings reloaded")

        assert "58" == before.ask(inquiry(2, {2: PAN}))[39]
        with Talk(switch.port, kit) as after:
            assert "05" == after.ask(inquiry(3, {2: PAN}))[39]


def test_wrong_settings_change_nothing(folder: Path, switch: Served) -> None:
    """What cannot be used is named in the log, and the switch goes on as it was."""
    with Talk.of(switch.port, folder) as link:
        with (folder / "switch.toml").open("a") as settings:
            settings.write("\n[limits]\nconnections_max = 0\n")
        told(switch, "settings not reloaded")

        assert "limits.connections_max" in switch.log.read_text()
        assert "00" == link.ask(inquiry(1, {2: PAN}))[39]
        with Talk.of(switch.port, folder) as second:
            assert "00" == second.ask(inquiry(2, {2: PAN}))[39]


def test_what_needs_a_restart_is_named(folder: Path, switch: Served) -> None:
    """A bank that is renamed and another form of the log wait for the next start, in words."""
    rewrite(folder, 'name = "BANK CONTOH"', 'name = "BANK LAIN"')
    with (folder / "switch.toml").open("a") as settings:
        settings.write('\n[log]\nformat = "text"\n')

    told(switch, "settings reloaded")

    (line,) = [one for one in switch.log.read_text().splitlines() if "settings reloaded" in one]
    assert '"need_a_restart": ["acquirers", "log.format"]' in line
