"""A line recorded through the proxy, without secrets, shown by tshark, and played again."""

import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from atm_switch.profile.load import load_profile
from atm_switch.wire.framing import enclose
from terminal_emulator.explain.pcap import streams
from tests.doubles.served import make_folder, run, serve

ROOT = Path(__file__).parents[2]
PROFILE = load_profile("bpjstk-jht-v1")
CARDS = (("9990090000000012", "123402718281", 0), ("9990090000000061", "678902718281", 1))
"""Of each PIN four digits count; all twelve are found nowhere by chance."""
SECRETS = (*(word for pan, pin, _ in CARDS for word in (pan, pin)), "BUDI")


@dataclass
class Proxy:
    """A running recorder."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> str:
        """End it and return what it printed last."""
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=90)
        assert 0 == self.process.returncode
        return out


@contextmanager
def recorder(host: str, out: Path, *words: str | Path) -> Iterator[Proxy]:
    """Record for a block."""
    program = [
        sys.executable, "-m", "terminal_emulator", "record", "--listen", "127.0.0.1:0",
        "--connect", host, "-o", str(out), *map(str, words),
    ]  # fmt: skip
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield Proxy(process, line.removeprefix("listening on ").split(",")[0])
        finally:
            process.terminate()


def inquire_all(address: str, folder: Path) -> None:
    """One approved and one declined inquiry."""
    for pan, pin, code in CARDS:
        done = run(
            "inquire", "--connect", address, "--kit", folder / "terminal-kit.json",
            "--pan", pan, "--pin", pin, module="terminal_emulator",
        )  # fmt: skip
        assert code == done.returncode, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the sample members."""
    return make_folder(tmp_path_factory.mktemp("recording"))


@pytest.fixture(scope="module")
def recorded(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A recording and a capture of both inquiries."""
    place = tmp_path_factory.mktemp("tape")
    tape, capture = place / "line.jsonl", place / "line.pcap"
    with serve(folder) as served, recorder(served.address, tape, "--pcap", capture) as proxy:
        inquire_all(proxy.address, folder)
        told = proxy.stop()
    assert "12 frames recorded" in told
    return tape, capture


def test_recording_has_every_frame_and_no_secret(recorded: tuple[Path, Path]) -> None:
    """Sign-on, inquiry, sign-off and their answers of each link; cards by number."""
    lines = [json.loads(line) for line in recorded[0].read_text().splitlines()][1:]

    assert ["0800", "0810", "0200", "0210", "0800", "0810"] * 2 == [one["mti"] for one in lines]
    assert [1, 1, 2, 2] == [one["card"] for one in lines if "card" in one]
    assert ["00", "62"] == [one["elements"]["39"] for one in lines if one["mti"] == "0210"]
    text, packets = recorded[0].read_text(), recorded[1].read_bytes()
    for secret in SECRETS:
        assert secret not in text
        assert secret.encode() not in packets


def test_capture_is_read_by_our_own_explain(recorded: tuple[Path, Path]) -> None:
    """Every message in it decodes, with the lab's card numbers."""
    done = run("explain", recorded[1], module="terminal_emulator")

    assert 0 == done.returncode, done.stderr
    assert 4 == len(streams(recorded[1].read_bytes()))
    assert "999009******00" in done.stdout


@pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")
def test_capture_opens_in_tshark_without_a_complaint(recorded: tuple[Path, Path]) -> None:
    """Twelve TCP segments with right checksums, none malformed or lost."""
    done = subprocess.run(
        [
            "tshark", "-r", str(recorded[1]), "-o", "tcp.check_checksum:TRUE",
            "-o", "ip.check_checksum:TRUE", "-T", "fields", "-e", "tcp.checksum.status",
            "-e", "ip.checksum.status", "-e", "_ws.malformed", "-e", "tcp.analysis.flags",
        ],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip

    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert 12 == len(rows)
    assert all(row[:2] == ["1", "1"] for row in rows)
    assert not any("".join(row[2:]) for row in rows)


def test_recording_is_answered_as_before(folder: Path, recorded: tuple[Path, Path]) -> None:
    """With the same cards in the same order every code is the recorded one."""
    cards = folder / "replay.txt"
    cards.write_text("\n".join(f"{pan} {pin}" for pan, pin, _ in CARDS))
    with serve(folder) as served:
        done = run(
            "replay", recorded[0], "--connect", served.address, "--cards", cards,
            "--kit", folder / "terminal-kit.json", module="terminal_emulator",
        )  # fmt: skip

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "6 of 6 answered as recorded" in done.stdout


def test_other_cards_are_answered_otherwise(folder: Path, recorded: tuple[Path, Path]) -> None:
    """Exit 1, and each difference with what was recorded and what came."""
    cards = folder / "swapped.txt"
    cards.write_text("\n".join(f"{pan} {pin}" for pan, pin, _ in reversed(CARDS)))
    with serve(folder) as served:
        done = run(
            "replay", recorded[0], "--connect", served.address, "--cards", cards, "--json",
            "--kit", folder / "terminal-kit.json", module="terminal_emulator",
        )  # fmt: skip

    told = json.loads(done.stdout)
    assert 1 == done.returncode
    assert (6, [("00", "62"), ("62", "00")]) == (
        told["played"], sorted((one["recorded"], one["got"]) for one in told["other"])
    )  # fmt: skip


def test_bytes_pass_unchanged_whatever_they_are(tmp_path: Path) -> None:
    """What is no frame is passed on as well, and so is how a side ends."""
    received = b""
    with socket.create_server(("127.0.0.1", 0)) as host:
        address = "{}:{}".format(*host.getsockname())
        with recorder(address, tmp_path / "noise.jsonl") as proxy:
            name, _, port = proxy.address.rpartition(":")
            with socket.create_connection((name, int(port))) as terminal:
                there, _ = host.accept()
                terminal.sendall(b"\xff\xff no frame at all")
                terminal.shutdown(socket.SHUT_WR)
                while part := there.recv(100):
                    received += part
                there.sendall(b"answer")
                there.close()
                assert b"answer" == terminal.recv(100)
                assert b"" == terminal.recv(100)
            proxy.stop()

    assert b"\xff\xff no frame at all" == received
    told = [json.loads(line) for line in (tmp_path / "noise.jsonl").read_text().splitlines()][1:]
    assert ["unframed from terminal", "unframed from host"] == [one["way"] for one in told]


def test_recording_that_cannot_go_on_leaves_the_line_alone(tmp_path: Path) -> None:
    """Where the file may not grow, every byte still passes; the end says what is missing."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300)); "
    frames = [enclose(PROFILE.framing, b"unreadable %d" % number) for number in range(9)]
    with socket.create_server(("127.0.0.1", 0)) as host:
        address = "{}:{}".format(*host.getsockname())
        program = f"{limited}from terminal_emulator.cli.entry import main; raise SystemExit(main())"
        with subprocess.Popen(
            [sys.executable, "-c", program, "record", "--listen", "127.0.0.1:0", "--connect",
             address, "-o", str(tmp_path / "short.jsonl")],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            line = process.stdout.readline()
            name, _, port = line.removeprefix("listening on ").split(",")[0].rpartition(":")
            with socket.create_connection((name, int(port)), timeout=90) as terminal:
                there, _ = host.accept()
                received = b""
                for frame in frames:
                    terminal.sendall(frame)
                    while not received.endswith(frame):
                        received += there.recv(100)
                there.close()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=90)

    assert b"".join(frames) == received
    assert 1 == process.returncode
    assert "ends early" in said
    assert "the line went on" in said


def test_reset_is_passed_on_as_a_reset(tmp_path: Path) -> None:
    """What the host breaks off is broken off for the terminal, not ended politely."""
    with socket.create_server(("127.0.0.1", 0)) as host:
        address = "{}:{}".format(*host.getsockname())
        with recorder(address, tmp_path / "reset.jsonl") as proxy:
            name, _, port = proxy.address.rpartition(":")
            with socket.create_connection((name, int(port)), timeout=90) as terminal:
                there, _ = host.accept()
                there.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                there.close()
                with pytest.raises(ConnectionResetError):
                    terminal.recv(100)
            proxy.stop()


def test_recording_is_for_its_owner_only(recorded: tuple[Path, Path]) -> None:
    """Nobody else reads who was where at which time."""
    assert [0o600, 0o600] == [path.stat().st_mode & 0o777 for path in recorded]


def test_answer_with_other_elements_is_told(
    folder: Path, recorded: tuple[Path, Path], tmp_path: Path
) -> None:
    """With the same code: each element that is otherwise, missing or new; exit 1."""
    lines = [json.loads(line) for line in recorded[0].read_text().splitlines()]
    approved = next(one for one in lines if one.get("mti") == "0210")
    approved["elements"]["49"] = "840"
    approved["left_out"].remove(63)
    (tmp_path / "other.jsonl").write_text("\n".join(map(json.dumps, lines)))
    cards = tmp_path / "cards.txt"
    cards.write_text("\n".join(f"{pan} {pin}" for pan, pin, _ in CARDS))
    with serve(folder) as served:
        done = run(
            "replay", tmp_path / "other.jsonl", "--connect", served.address, "--cards", cards,
            "--kit", folder / "terminal-kit.json", module="terminal_emulator",
        )  # fmt: skip

    assert 1 == done.returncode
    assert "DE049: recorded 840, got 360; DE063: not recorded, now there" in done.stdout
    assert "1 of 6 requests" in done.stderr


@pytest.mark.parametrize("line", ["[]", "{}", '{"at": 0, "link": 1, "way": "request"}', "nonsense"])
def test_spoilt_recording_is_refused_by_its_line(tmp_path: Path, line: str) -> None:
    """One sentence with the number of the line."""
    (tmp_path / "spoilt.jsonl").write_text(f'{{"recording": 1}}\n{line}\n')

    done = run("replay", tmp_path / "spoilt.jsonl", module="terminal_emulator")

    assert 1 == done.returncode
    assert "spoilt.jsonl: line 2" in done.stderr


def test_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    """A recording is taken once; the sentence says to name a new file."""
    (tmp_path / "old.jsonl").write_text("{}")

    done = run(
        "record", "--listen", "127.0.0.1:0", "-o", tmp_path / "old.jsonl",
        module="terminal_emulator",
    )  # fmt: skip
    played = run("replay", tmp_path / "old.jsonl", module="terminal_emulator")

    assert (1, 1) == (done.returncode, played.returncode)
    assert "name a new file" in done.stderr
    assert "no recording of schema 1" in played.stderr
