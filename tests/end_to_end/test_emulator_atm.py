"""Claims about ``terminal-emulator atm``, scripted through a pipe."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from atm_switch.wire.message import IsoMessage
from tests.unit.terminal_emulator.emulator import keys, run, write_kit
from tests.unit.terminal_emulator.host import (
    APPROVAL,
    HANG_UP,
    PAN,
    PIN,
    SEVERAL,
    Sent,
    TinyHost,
    approving,
    declining,
    on_inquiry,
    reply,
)

ONE_INQUIRY = ("1", PAN, PIN, "1", "y", "0", "0")
"""Indonesian, card, PIN, balance, a slip please, no more, switch off."""


def test_scripted_customer_gets_the_slip(tmp_path: Path) -> None:
    """Over a pipe one customer gets screen, slip and card, and the ATM signs off."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*ONE_INQUIRY)
        )

    assert (0, "") == (done.returncode, done.stderr)
    assert "SALDO AWAL THN  Rp         19.409.470,47" in done.stdout
    assert "Silakan ambil kartu Anda" in done.stdout
    assert ["001", "002"] == host.network_codes


def test_output_holds_no_canary(tmp_path: Path) -> None:
    """Neither card number nor PIN nor PIN block is in anything the ATM prints."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*ONE_INQUIRY)
        )
        block = host.requests[1][52]

    assert not any(canary in done.stdout + done.stderr for canary in (PAN, PIN, block))


def test_english_customer_without_slip(tmp_path: Path) -> None:
    """In English, without a slip, the request says both."""
    with TinyHost(approving) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("2", PAN, PIN, "1", "n", "0", "0"),
        )
        sent = host.requests[1][48]

    assert sent.endswith("EN0000")
    assert "Please take your card" in done.stdout
    assert "STRUK" not in done.stdout.split("Please wait")[1]


def test_several_kpj_may_be_chosen(tmp_path: Path) -> None:
    """A card with several KPJ offers the others, and the choice goes out as its index."""
    several = on_inquiry(lambda request, _host: [reply(request, added={**APPROVAL, 48: SEVERAL})])
    with TinyHost(several) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "y", "9", "2", "", "0", "0"),
        )
        indices = [sent[48][36:38] for sent in host.requests if sent.mti == "0200"]

    assert (0, ["00", "02"]) == (done.returncode, indices)
    assert "Anda memiliki 3 nomor KPJ" in done.stdout
    assert "Pilihan tidak ada" in done.stdout


def test_wrong_pin_is_explained_and_asked_again(tmp_path: Path) -> None:
    """After a 55 the customer reads what to do and may type another PIN."""
    with TinyHost(declining("55", "PIN salah")) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "n", "1", "97531", "1", "n", "0", "0"),
        )
        blocks = {sent[52] for sent in host.requests if sent.mti == "0200"}

    assert (0, 2) == (done.returncode, len(blocks))
    assert "Ulangi dengan PIN yang benar" in done.stdout


def test_impossible_entries_are_asked_again(tmp_path: Path) -> None:
    """Letters for a card number and a PIN of three digits are asked for again."""
    with TinyHost(approving) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("7", "1", "card", PAN, "123", PIN, "x", "0", "0"),
        )

    assert (0, ["0800", "0800"]) == (done.returncode, host.mtis)
    assert "Nomor kartu terdiri dari" in done.stdout
    assert "PIN terdiri dari" in done.stdout


def test_without_key_no_pin_is_asked() -> None:
    """Without a kit the ATM asks for no PIN, sends none, and says why on stderr."""
    with TinyHost(approving) as host:
        done = run("atm", "--connect", host.address, keys=keys("1", PAN, "1", "y", "0", "0"))

    assert (0, False) == (done.returncode, 52 in host.requests[1])
    assert "no PIN will be asked" in done.stderr


def test_lost_line_is_called_again(tmp_path: Path) -> None:
    """After the host dropped the line, the next inquiry connects and signs on anew."""
    drops = [[HANG_UP]]

    def once(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        return drops.pop() if drops else approving(request, _host)

    with TinyHost(on_inquiry(once)) as host:
        done = run(
            *("atm", "--connect", host.address, "--kit", write_kit(tmp_path)),
            keys=keys("1", PAN, PIN, "1", "n", "1", "1", "y", "0", "0"),
        )

    assert (0, ["001", "001", "002"]) == (done.returncode, host.network_codes)
    assert "Mesin tidak dapat menghubungi host" in done.stdout
    assert "19.409.470,47" in done.stdout


def test_absent_host_ends_the_atm() -> None:
    """Without a host the ATM does not open: one sentence, exit 1."""
    done = run("atm", "--connect", "127.0.0.1:1")

    assert 1 == done.returncode
    assert "nobody listens at 127.0.0.1:1" in done.stderr


@pytest.mark.parametrize("pressed", [(), ("1",), ("1", PAN), ("1", PAN, PIN, "1")])
def test_end_of_input_leaves_politely(tmp_path: Path, pressed: Sequence[str]) -> None:
    """Whenever the input ends, the ATM signs off and exits 130."""
    with TinyHost(approving) as host:
        done = run(
            "atm", "--connect", host.address, "--kit", write_kit(tmp_path), keys=keys(*pressed)
        )

    assert (130, ["001", "002"]) == (done.returncode, host.network_codes)
    assert "Traceback" not in done.stderr
