"""Claims about ``terminal-emulator inquire`` and the 0800 commands, by subprocess.

The host is a few lines of a test double; the switch itself is met in other tests.
"""

import json
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from atm_switch.wire.framing import enclose
from atm_switch.wire.message import IsoMessage
from tests.unit.terminal_emulator.emulator import PROGRAM, SECONDS, environment, run, write_kit
from tests.unit.terminal_emulator.host import (
    HANG_UP,
    PAN,
    PIN,
    PROFILE,
    Behaviour,
    Sent,
    TinyHost,
    approving,
    declining,
    on_inquiry,
    reply,
    silent,
)

GARBAGE = enclose(PROFILE.framing, b"0210" + b"0000000000000001" + b"not hex!not hex!")


def test_approval_prints_screen_and_slip() -> None:
    """An approved inquiry prints the screen and the torn slip, and exits 0."""
    with TinyHost(approving) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN)

    assert (0, "") == (done.returncode, done.stderr)
    assert "INFORMASI SALDO JHT" in done.stdout
    assert "19.409.470,47" in done.stdout


def test_json_is_one_object_in_sen() -> None:
    """``--json`` prints one object with amounts as rupiah text and as whole sen."""
    with TinyHost(approving) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN, "--stan", "77", "--json")
    told = json.loads(done.stdout)

    assert ("0210", "00", "000077", "999009******0012") == (
        told["mti"],
        told["response_code"],
        told["stan"],
        told["pan"],
    )
    assert ("21629644.73", 2_162_964_473) == (
        told["balance"]["closing"],
        told["balance"]["closing_sen"],
    )
    assert (2, 2, True) == (len(told["screen"]), len(told["receipt"]), told["milliseconds"] > 0)


def test_decline_exits_one_with_sentence() -> None:
    """A decline shows the host's words and exits 1 with one sentence on stderr."""
    with TinyHost(declining("56", "Kartu belum terdaftar")) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN)

    assert 1 == done.returncode
    assert "Kartu belum terdaftar" in done.stdout
    assert done.stderr.startswith("terminal-emulator: refused: 56 Kartu belum terdaftar")
    assert 1 == done.stderr.count("\n")


def test_format_error_names_its_element() -> None:
    """The element a 30 complains of is in the sentence and in the JSON."""
    with TinyHost(declining("30", fault="DE048")) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN, "--json")

    assert "DE048" == json.loads(done.stdout)["fault"]
    assert "at fault: DE048" in done.stderr


def test_missing_pin_names_its_remedy() -> None:
    """A host that misses the PIN block is told of with the options that send one."""
    with TinyHost(declining("30", fault="DE052")) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN)

    assert done.stderr.endswith(
        "the host wants a PIN: pass --kit DIR/terminal-kit.json and --pin\n"
    )


def test_wrong_check_digit_is_still_sent() -> None:
    """Testers may send a card number that fails its Luhn digit, even a short one."""
    with TinyHost(declining("14")) as host:
        done = run("inquire", "--connect", host.address, "--pan", "4111")

    assert (1, "4111") == (done.returncode, host.requests[1][2])


def test_absent_host_is_one_sentence() -> None:
    """Where nobody listens the sentence says how to start the switch."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        done = run("inquire", "--connect", address, "--pan", PAN)

    assert (1, "") == (done.returncode, done.stdout)
    assert (
        f"terminal-emulator: nobody listens at {address}; "
        "start the switch with: atm-switch serve DIR\n" == done.stderr
    )


@pytest.mark.parametrize(
    ("behaviour", "sentence"),
    [
        (silent, "did not answer STAN"),
        (lambda _request, _host: [GARBAGE], "answered nonsense: DE064"),
        (lambda _request, _host: [b"\xff\xffHTTP/1.1 400 Bad Request"], "answered nonsense"),
        (lambda _request, _host: [HANG_UP], "closed the link before it answered"),
    ],
    ids=["silent", "unreadable", "no frame", "closes"],
)
def test_bad_host_is_one_sentence(behaviour: Behaviour, sentence: str) -> None:
    """A host that is silent, unreadable or gone gives exit 1 and one sentence, in JSON too."""
    wait = ("--timeout", "1" if behaviour is silent else "20")  # for the sign-on's answer, too
    with TinyHost(on_inquiry(behaviour)) as host:
        done = run("inquire", "--connect", host.address, "--pan", PAN, *wait, "--json")

    assert 1 == done.returncode
    assert sentence in done.stderr
    assert sentence in json.loads(done.stdout)["error"]
    assert 1 == done.stderr.count("\n")


def test_no_sign_on_sends_only_the_inquiry() -> None:
    """``--no-sign-on`` sends the 0200 alone, with the STAN asked for."""
    with TinyHost(approving) as host:
        run("inquire", "--connect", host.address, "--pan", PAN, "--no-sign-on", "--stan", "5")

    assert (["0200"], "000005") == (host.mtis, host.requests[0][11])


def test_options_reach_the_message() -> None:
    """Language, width, KPJ, terminal, acquirer and channel all arrive where they belong."""
    with TinyHost(approving) as host:
        run(
            *("inquire", "--connect", host.address, "--pan", PAN, "--language", "en"),
            *("--width", "32", "--kpj", "12345678901", "--terminal", "ATM00042"),
            *("--acquirer", "8", "--channel", "6010"),
        )
        sent = host.requests[1]

    assert ("ATM00042", "8", "6010") == (sent[41], sent[32], sent[18])
    assert "JHTBAL123456789011" + "0" * 16 + "EN0032" == sent[48]


def test_pin_travels_enciphered_with_a_kit(tmp_path: Path) -> None:
    """With a kit the PIN goes out as DE52, and nothing printed or sent holds it clear."""
    with TinyHost(approving) as host:
        done = run(
            *("inquire", "--connect", host.address, "--kit", write_kit(tmp_path)),
            *("--pan", PAN, "--pin", PIN, "--json"),
        )
        sent = host.requests[1]

    assert (0, 16) == (done.returncode, len(sent[52]))
    assert not any(PIN in text for text in sent.elements.values())
    assert not any(canary in done.stdout + done.stderr for canary in (PAN, PIN, sent[52]))


def test_pin_without_key_is_usage() -> None:
    """A PIN without the terminal's key is a usage error that says where to get one."""
    done = run("inquire", "--pan", PAN, "--pin", PIN)

    assert 2 == done.returncode
    assert "pass --kit DIR/terminal-kit.json" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("inquire", PAN),
        ("inquire", "--pan", PAN, PIN),
        ("inquire", "--pan", PAN + "0000"),
        ("inquire", "--pan", PAN, "--pin", PIN + "x"),
        ("inquire", "--pan", PAN, "--width", "33"),
        ("inquire", "--pan", PAN, "--kpj", PIN),
        ("inquire", "--pan", PAN, "--terminal", PIN),
        ("inquire", "--pan", PAN, "--stan", PAN),
        ("inquire", "--connect", PIN, "--pan", PAN),
        ("atm", PAN),
        (PAN,),
    ],
)
def test_wrong_usage_quotes_no_secret(arguments: Sequence[str]) -> None:
    """Wrong usage exits 2, and no message repeats a card number or a PIN."""
    done = run(*arguments)

    assert 2 == done.returncode
    assert not any(canary in done.stdout + done.stderr for canary in (PAN, PIN))


def test_wrong_address_says_how_one_is_written() -> None:
    """What nobody typed is shown whole, also where it is digits; what was typed is not."""
    done = run("inquire", "--pan", PAN, "--connect", "switch:99999")

    assert "HOST:PORT or [IPV6]:PORT, its port from 1 to 65535\n" in done.stderr
    assert "99999" not in done.stderr


def test_unusable_kit_is_one_sentence(tmp_path: Path) -> None:
    """A kit that is not there ends the command before anything is sent."""
    with TinyHost(approving) as host:
        kit = str(tmp_path / "absent.json")
        done = run("echo", "--connect", host.address, "--kit", kit)

    assert (1, []) == (done.returncode, host.requests)
    assert "absent.json cannot be read" in done.stderr


def test_unknown_profile_names_those_there_are() -> None:
    """An unknown profile is refused with the names of those that ship."""
    done = run("echo", "--profile", "nobody")

    assert 1 == done.returncode
    assert "bpjstk-jht-v1-bcd" in done.stderr


@pytest.mark.parametrize(
    ("command", "code"), [("sign-on", "001"), ("echo", "301"), ("sign-off", "002")]
)
def test_network_command_sends_one_message(command: str, code: str) -> None:
    """Each 0800 command sends its one message and prints the answer."""
    with TinyHost(approving) as host:
        done = run(command, "--connect", host.address)

    assert (0, [code]) == (done.returncode, host.network_codes)
    assert done.stdout.startswith(f"{command}: 00 Approved, ")


def test_refused_echo_exits_one() -> None:
    """A refused 0800 exits 1, with the code in JSON and in the sentence."""
    with TinyHost(lambda request, _host: [reply(request, "96")]) as host:
        done = run("echo", "--connect", host.address, "--json")

    assert (1, "96") == (done.returncode, json.loads(done.stdout)["response_code"])
    assert "echo refused: 96 System malfunction" in done.stderr


def test_interrupted_inquiry_signs_off() -> None:
    """Ctrl-C while waiting exits 130 and still signs off."""
    processes: list[subprocess.Popen[str]] = []

    def interrupt(request: IsoMessage, _host: TinyHost) -> Sequence[Sent]:
        if request.mti == "0200":
            processes[0].send_signal(signal.SIGINT)
            return []
        return [reply(request)]

    with TinyHost(interrupt) as host:
        command = [*PROGRAM, "inquire", "--connect", host.address, "--pan", PAN]
        processes.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=environment(),
            )
        )
        out, err = processes[0].communicate(timeout=SECONDS)

    assert (130, "", "") == (processes[0].returncode, out, err.strip())
    assert ["001", "002"] == host.network_codes


def test_help_imports_nothing_heavy() -> None:
    """Help is shown without the libraries that take time to import."""
    heavy = ("cryptography", "asyncio", "iso8583", "pydantic", "rich")
    script = (
        "import sys; from terminal_emulator.cli import main; main(['inquire', '--help']); "
        f"sys.exit(any(name in sys.modules for name in {heavy!r}))"
    )

    done = subprocess.run(
        [PROGRAM[0], "-c", script],
        capture_output=True,
        timeout=SECONDS,
        check=False,
        env=environment(PYTHONPATH="."),
    )

    assert 0 == done.returncode
