"""A key delivered or used while a worker hangs or cannot read: 00 once all work with it."""

import itertools
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from atm_switch.adapters.remote_journal import HEARD_SECONDS_MAX
from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from atm_switch.security.key_ring import TDES
from atm_switch.security.tdes import with_odd_parity
from tests.doubles.served import make_folder
from tests.doubles.talk import Talk
from tests.doubles.workers import PIN, Workers, asked, running, wait_for, with_workers


def deliver(talk: Talk, number: int, mac_key: Key) -> str:
    """Send a MAC key as the bank does (162); return DE39."""
    form = KeyBlock("M3", "T", "C", "00", "E", mac_key)
    assert talk.keys.exchange is not None
    block = wrap(talk.keys.exchange, form, os.urandom, kbpk_algorithm=TDES)
    sent = key_check_value(mac_key, TDES) + block
    return talk.ask(talk.network("162", {11: f"{number:06d}", 48: sent}))[39]


def stands(process: int) -> bool:
    """Tell whether a process is stopped."""
    state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    return state == "T"


def pid_of(switch: Workers, talk: Talk) -> int:
    """Return the process a link fell at."""
    pid: int = switch.told()["processes"][f"worker {switch.worker_of(talk)}"]
    return pid


@pytest.mark.parametrize("times", [1, 3])
def test_key_that_was_not_confirmed_is_good_at_every_worker(tmp_path: Path, times: int) -> None:
    """96 while the other hangs; said again until it is 00, and then no worker refuses the key."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_workers(folder, 2)
    with running(folder) as switch:
        one, two = switch.talks_apart()
        with one, two:
            key = with_odd_parity(Key(os.urandom(16)))
            other = pid_of(switch, two)
            os.kill(other, signal.SIGSTOP)
            try:
                wait_for(lambda: stands(other))
                while_it_hangs = [deliver(one, number, key) for number in range(1, 1 + times)]
            finally:
                os.kill(other, signal.SIGCONT)
            numbers = itertools.count(12)
            wait_for(lambda: deliver(two, next(numbers), key) == "00")
            one.keys.mac = two.keys.mac = (key,)
            codes = [asked(talk, 20 + at, PIN) for at, talk in enumerate((one, two, one))]

    assert ["96"] * times == while_it_hangs
    assert ["00", "00", "00"] == codes


def test_message_under_a_new_key_waits_for_no_worker_that_hangs(tmp_path: Path) -> None:
    """It dates the key before, which the other hears of when it goes on: nobody waits for that."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_workers(folder, 2)
    with running(folder) as switch:
        one, two = switch.talks_apart()
        with one, two:
            key = with_odd_parity(Key(os.urandom(16)))
            delivered = deliver(one, 1, key)
            one.keys.mac = (key,)
            other = pid_of(switch, two)
            os.kill(other, signal.SIGSTOP)
            try:
                wait_for(lambda: stands(other))
                began = time.monotonic()
                codes = [asked(one, 20 + at, PIN) for at in range(2)]
                took = time.monotonic() - began
            finally:
                os.kill(other, signal.SIGCONT)

    assert ("00", ["00", "00"]) == (delivered, codes)
    assert took < HEARD_SECONDS_MAX  # each of the two would take as long


def test_key_a_worker_cannot_read_is_not_confirmed_and_taken_up_later(tmp_path: Path) -> None:
    """The other has no descriptor left: 96, and a log line; with some again it takes the key."""
    folder = make_folder(tmp_path, "--mac", "required")
    with_workers(folder, 2)
    with running(folder) as switch:
        one, two = switch.talks_apart()
        with one, two:
            key = with_odd_parity(Key(os.urandom(16)))
            other = pid_of(switch, two)
            limits = resource.prlimit(other, resource.RLIMIT_NOFILE)
            resource.prlimit(other, resource.RLIMIT_NOFILE, (4, limits[1]))
            try:
                without = deliver(one, 1, key)
                goes_on = asked(two, 2, PIN)
            finally:
                resource.prlimit(other, resource.RLIMIT_NOFILE, limits)
            one.keys.mac = two.keys.mac = (key,)
            # asking until it is 00 could be sixty wrong MACs, for which a link is closed
            switch.served.wait_for(
                f'{{"worker": {switch.worker_of(two)}, "why": "changed by another process", '
                '"event": "keys reloaded"'
            )
            codes = [asked(talk, 10 + at, PIN) for at, talk in enumerate((one, two))]
        said = switch.served.log.read_text()

    assert ("96", "00") == (without, goes_on)
    assert ["00", "00"] == codes
    assert '"keys not reloaded"' in said
