"""PIN keys brought faster than what is asked under them comes through make no PIN a wrong one."""

import os
from pathlib import Path

from atm_switch.domain.secret import Key
from atm_switch.security.components import key_check_value
from atm_switch.security.key_block import KeyBlock, wrap
from atm_switch.security.key_ring import TDES
from atm_switch.security.tdes import with_odd_parity
from atm_switch.wire.message import IsoMessage
from tests.doubles.served import make_folder, serve
from tests.doubles.talk import Talk
from tests.doubles.workers import CARD, PIN, asked

AT_ONCE = 5


def delivery(talk: Talk, number: int, pin_key: Key) -> IsoMessage:
    """Make the bank's 162 that brings a PIN key."""
    assert talk.keys.exchange is not None
    form = KeyBlock("P0", "T", "B", "00", "E", pin_key)
    block = wrap(talk.keys.exchange, form, os.urandom, kbpk_algorithm=TDES)
    sent = key_check_value(pin_key, TDES) + block
    return talk.network("162", {11: f"{number:06d}", 48: sent})


def brought(talk: Talk, number: int, pin_key: Key) -> str:
    """Bring a PIN key and hear the answer; return DE39."""
    return talk.ask(delivery(talk, number, pin_key))[39]


def under(talk: Talk, number: int, pin_key: Key) -> str:
    """Ask with the right PIN under a key; return DE39."""
    talk.keys.pin = pin_key
    return asked(talk, 10 + number, PIN, CARD)


def test_requests_behind_a_burst_of_keys_are_under_any_of_them(tmp_path: Path) -> None:
    """Each of five is good with all of them there, also after a start; one more gets 96."""
    folder = make_folder(tmp_path, "--mac", "required", "--pin", "issuer")
    burst = [with_odd_parity(Key(os.urandom(16))) for _ in range(AT_ONCE + 1)]
    with serve(folder) as running, Talk.of(running.port, folder) as talk:
        said = [brought(talk, 100 + at, key) for at, key in enumerate(burst)]
        codes = [under(talk, at, key) for at, key in enumerate([*burst[:1] * 3, *burst[:AT_ONCE]])]
    with serve(folder) as running, Talk.of(running.port, folder) as talk:
        again = under(talk, 90, burst[0])

    assert [*["00"] * AT_ONCE, "96"] == said
    assert ["00"] * (3 + AT_ONCE) == codes
    assert "00" == again
