"""Claims about TLS as its users meet it: settings, serve, the emulator, a change of files."""

import json
import signal
import socket
import ssl
import time
from pathlib import Path

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import FrameBuffer, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from tests.doubles.certificates import LOOPBACK, LabCa, Pair
from tests.doubles.served import SECONDS, Served, make_folder, run, serve

BANK = "switch.bank.example"
PROFILE = load_profile("bpjstk-jht-v1")
CARD = ("--pan", "9990090000000012", "--pin", "123456")


@pytest.fixture
def ca(tmp_path: Path) -> LabCa:
    """The CA of both sides."""
    return LabCa(tmp_path)


@pytest.fixture
def folder(tmp_path: Path, ca: LabCa) -> Path:
    """A data folder whose one listener speaks TLS, to the bank's certificate only."""
    made = make_folder(tmp_path)
    files = ca.server()
    settings = made / "switch.toml"
    tls = (
        f'tls_certificate = "../{files.certificate.name}"\n'
        f'tls_key = "../{files.key.name}"\n'
        f'tls_client_ca = "../{files.client_ca.name}"\n'
    )
    text = settings.read_text().replace("[[listeners]]\n", f"[[listeners]]\n{tls}")
    name = 'name = "BANK CONTOH"\n'
    settings.write_text(text.replace(name, f'{name}certificate_names = ["{BANK}"]\n'))
    return made


def called_by(served: Served, folder: Path, ca: LabCa, shown: Pair | None) -> tuple[str, ...]:
    """Write the emulator's options for a call with a certificate."""
    pair = () if shown is None else ("--tls-cert", shown.certificate, "--tls-key", shown.key)
    kit = folder / "terminal-kit.json"
    options = ("--connect", served.address, "--kit", kit, "--tls-ca", ca.file, *pair)
    return tuple(map(str, options))


def test_emulator_inquires_by_tls(folder: Path, ca: LabCa) -> None:
    """With the bank's certificate the sample card's inquiry is approved over TLS."""
    with serve(folder) as served:
        call = called_by(served, folder, ca, ca.issue(BANK))

        done = run("inquire", *call, *CARD, "--json", module="terminal_emulator")

    assert (0, "") == (done.returncode, done.stderr)
    assert json.loads(done.stdout)["approved"]


def test_emulator_names_what_is_wrong(folder: Path, ca: LabCa, tmp_path: Path) -> None:
    """No certificate, a foreign CA, another bank's name and no TLS: a sentence each."""
    foreign = LabCa(tmp_path, "FOREIGN CA")
    with serve(folder) as served:
        calls = {
            "wants a certificate of ours": called_by(served, folder, ca, None),
            "does not know the CA of our": called_by(served, folder, ca, foreign.issue(BANK)),
            "refused the sign-on: 31": called_by(served, folder, ca, ca.issue("other.example")),
            "is not of the CA in --tls-ca": called_by(served, folder, foreign, ca.issue(BANK)),
            "if it speaks TLS, pass --tls-ca": ("--connect", served.address),
        }
        for sentence, call in calls.items():
            done = run("inquire", *call, "--pan", "9990090000000012", module="terminal_emulator")

            assert (1, "") == (done.returncode, done.stdout)
            assert sentence in done.stderr
            assert 1 == done.stderr.count("\n")


def test_hang_up_signal_swaps_certificates(folder: Path, ca: LabCa) -> None:
    """After SIGHUP new links see the new certificate, and one opened before goes on."""
    context = ca.client(ca.issue(BANK))
    with serve(folder) as served, _link(served, context) as before:
        assert "00" == _asked(before, "001")
        old = before.getpeercert(binary_form=True)
        fresh = ca.server()

        served.process.send_signal(signal.SIGHUP)
        _wait_for(served, "certificates reloaded")

        with _link(served, context) as after:
            new = after.getpeercert(binary_form=True)
            assert ("00", "00") == (_asked(before, "301"), _asked(after, "001"))
    assert old != new
    assert ssl.PEM_cert_to_DER_cert(fresh.certificate.read_text()) == new


def test_hang_up_signal_with_bad_files_changes_nothing(folder: Path, ca: LabCa) -> None:
    """Files that cannot be used are named in the log, and the old certificate stays."""
    context = ca.client(ca.issue(BANK))
    with serve(folder) as served, _link(served, context) as before:
        (folder.parent / "switch.crt").write_text("nothing")

        served.process.send_signal(signal.SIGHUP)
        _wait_for(served, "certificates not reloaded")

        with _link(served, context) as after:
            assert before.getpeercert() == after.getpeercert()
    assert "switch.crt holds no certificate" in served.log.read_text()


def test_wrong_files_are_named_at_their_lines(folder: Path, ca: LabCa) -> None:
    """The check names each file at the line of its key; serve refuses them all with 78."""
    ca.file.unlink()
    (folder.parent / "switch.key").chmod(0o644)
    lines = (folder / "switch.toml").read_text().splitlines()
    ca_line = next(at for at, line in enumerate(lines, 1) if line.startswith("tls_client_ca"))
    key_line = next(at for at, line in enumerate(lines, 1) if line.startswith("tls_key"))

    checked, served = run("config", "check", folder), run("serve", folder)

    assert (78, 78) == (checked.returncode, served.returncode)
    assert f"switch.toml:{ca_line}: listeners[1].tls_client_ca: " in checked.stderr
    assert f"switch.toml:{key_line}: listeners[1].tls_key: " in checked.stderr
    assert "switch.toml: listeners[1].tls_client_ca: " in served.stderr
    assert "chmod go= " in served.stderr


def test_open_lab_is_made_with_a_warning(tmp_path: Path) -> None:
    """``init`` on all addresses works, allows plaintext by name, and says so in a line."""
    folder = tmp_path / "bank"

    done = run("init", folder, "--listen", "0.0.0.0:0")

    assert (0, 1) == (done.returncode, done.stderr.count("\n"))
    assert "warning: 0.0.0.0:0: connections without TLS are allowed" in done.stderr
    assert "\nplaintext = true\n" in (folder / "switch.toml").read_text()
    assert 0 == run("config", "check", folder).returncode


def _link(served: Served, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((LOOPBACK, served.port), timeout=SECONDS)
    return context.wrap_socket(plain, server_hostname=LOOPBACK)


def _asked(link: ssl.SSLSocket, code: str) -> str:
    packager, buffer = Packager(PROFILE), FrameBuffer(PROFILE.framing)
    request = IsoMessage("0800", {7: "0630072507", 11: "000001", 70: code})
    link.sendall(enclose(PROFILE.framing, packager.pack(request)))
    while True:
        data = link.recv(4096)
        assert data
        buffer.receive(data)
        for frame in buffer.frames():
            return packager.unpack(frame.payload)[39]


def _wait_for(served: Served, words: str) -> None:
    deadline = time.monotonic() + SECONDS
    while words not in served.log.read_text():
        assert time.monotonic() < deadline, served.log.read_text()
        time.sleep(0.01)
