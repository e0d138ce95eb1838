"""Claims about slips from the command line, over a real switch: ``inquire --slip`` and ``slip``."""

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from terminal_emulator.cli.entry import main
from tests.doubles.served import make_folder, serve
from tests.unit.terminal_emulator.emulator import run
from tests.unit.terminal_emulator.host import RECEIPT

GOLDEN = ("--pan", "9990090000000012", "--pin", "123456")
BLOCKED = ("--pan", "9990090000000061", "--pin", "678901")
MAGIC = {".svg": b"<svg ", ".png": b"\x89PNG", ".bin": b"\x1b@"}


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, ...]]:
    """Hold a switch with the sample members; the options that call it."""
    folder = make_folder(tmp_path_factory.mktemp("slips"))
    with serve(folder) as running:
        yield ("--connect", running.address, "--kit", str(folder / "terminal-kit.json"))


def test_inquiry_leaves_its_slip_as_text(line: tuple[str, ...], tmp_path: Path) -> None:
    """The golden opening balance goes from the ledger file to a slip file, masked."""
    out = tmp_path / "slip.txt"

    done = run("inquire", *line, *GOLDEN, "--slip", str(out))

    text = out.read_text()
    assert (0, "") == (done.returncode, done.stderr)
    assert "SALDO AWAL THN  Rp         19.409.470,47\n" in text
    assert "9990090000000012" not in text
    assert all(one.rstrip() in done.stdout for one in text.splitlines())


def test_decline_leaves_a_slip_too(line: tuple[str, ...], tmp_path: Path) -> None:
    """A decline exits 1 and has the ATM's own slip, in the language and width asked for."""
    out = tmp_path / "slip.txt"

    done = run("inquire", *line, *BLOCKED, "--slip", str(out), "--language", "en", "--width", "32")

    assert 1 == done.returncode
    assert "TRANSACTION FAILED (62)" in out.read_text()
    assert 32 >= max(len(one) for one in out.read_text().splitlines())


@pytest.mark.parametrize("suffix", sorted(MAGIC))
def test_answer_in_json_becomes_a_slip(line: tuple[str, ...], tmp_path: Path, suffix: str) -> None:
    """What ``--json`` prints is all that ``slip`` needs, for each form a file can have."""
    answer, out = tmp_path / "answer.json", tmp_path / f"slip{suffix}"
    answer.write_text(run("inquire", *line, *GOLDEN, "--json").stdout)

    done = run("slip", str(answer), "-o", str(out))

    assert (0, "") == (done.returncode, done.stderr)
    assert out.read_bytes().startswith(MAGIC[suffix])


def test_pipe_takes_json_and_gives_text(line: tuple[str, ...]) -> None:
    """Through a pipe the slip of a decline is text on standard output."""
    answer = run("inquire", *line, *BLOCKED, "--json").stdout

    done = run("slip", "-", keys=answer)

    assert 0 == done.returncode
    assert "TRANSAKSI GAGAL (62)" in done.stdout
    assert json.loads(answer)["rrn"] in done.stdout


def test_block_of_the_line_is_a_slip(tmp_path: Path) -> None:
    """The text of DE63, as it came over the line, is printed as it is."""
    place = tmp_path / "de63.txt"
    place.write_text(RECEIPT + "\n")

    done = run("slip", str(place))

    assert (0, "") == (done.returncode, done.stderr)
    assert "SALDO AWAL THN  Rp         19.409.470,47" in done.stdout


@pytest.mark.parametrize("away", ["PIL", "escpos"])
def test_slip_that_cannot_be_written_is_asked_for_in_vain(
    away: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """What a slip needs is looked for before the inquiry, which would be made for nothing."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "terminal_emulator.slips.export.find_spec",
        lambda name: None if name == away else find(name),
    )
    suffix = {"PIL": "png", "escpos": "bin"}[away]
    nobody = ("inquire", *GOLDEN[:2], "--connect", "127.0.0.1:1")

    codes = [main([*nobody, "--slip", str(tmp_path / f"slip.{suffix}")])]
    codes.append(main([*nobody, "--slip", str(tmp_path / "absent" / "slip.txt")]))

    told = capsys.readouterr().err.splitlines()
    assert [1, 1] == codes
    assert "pip install 'atm-switch[" in told[0]
    assert "there is no folder" in told[1]
    assert 2 == len(told)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("slip", "absent.json"), 1, "cannot be read"),
        (("slip", "-", "-o", "slip.pdf"), 2, "ends in .txt"),
        (("slip", "-"), 1, "no slip can be made"),
        (("inquire", "--pan", "9990090000000012", "--slip", "slip.pdf"), 2, "ends in .txt"),
    ],
)
def test_what_cannot_be_done_is_said(words: tuple[str, ...], code: int, said: str) -> None:
    """Each mistake is one sentence that says what to do, before any line is opened."""
    done = run(*words)

    assert code == done.returncode
    assert said in done.stderr
    assert "Traceback" not in done.stderr
