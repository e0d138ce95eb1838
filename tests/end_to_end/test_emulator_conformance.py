"""The suite that ships finds out a host that is wrong in one thing, and speaks every dialect."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from atm_switch.wire.message import IsoMessage
from tests.doubles.served import Served, make_folder, run, serve
from tests.doubles.spoiling_relay import Spoil, relayed


@dataclass(frozen=True)
class Bank:
    """A data folder and the switch that serves it."""

    folder: Path
    served: Served


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A switch with the sample members."""
    folder = make_folder(tmp_path_factory.mktemp("conformance"))
    with serve(folder) as served:
        yield Bank(folder, served)


def play(bank: Bank, address: str, out: Path, *words: str | Path) -> tuple[int, str]:
    """Play cases of the suite; the exit code and what was printed."""
    done = run(
        "scenario", "run", "--suite", "conformance", "--connect", address,
        "--kit", bank.folder / "terminal-kit.json", "--json-file", out, *words,
        module="terminal_emulator",
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def failed_of(out: Path) -> list[dict[str, object]]:
    """The cases that were played and not passed."""
    cases = json.loads(out.read_text())["cases"]
    return [one for one in cases if not one["passed"] and not one["skipped"]]


def changed(**elements: str | None) -> Spoil:
    """Answers with elements changed, or left out where ``None``; keys are ``de48``."""

    def spoil(answer: IsoMessage) -> tuple[list[IsoMessage], float]:
        made = dict(answer.elements)
        for name, text in elements.items():
            number = int(name.removeprefix("de"))
            if number not in made:
                continue
            if text is None:
                del made[number]
            else:
                made[number] = text
        return [IsoMessage(answer.mti, made)], 0.0

    return spoil


def richer(answer: IsoMessage) -> tuple[list[IsoMessage], float]:
    """A sen more than the sum."""
    if 48 not in answer:
        return [answer], 0.0
    text = answer[48]
    closing = f"{int(text[113:127]) + 1:014d}"
    return [answer.with_element(48, text[:113] + closing + text[127:])], 0.0


def kept_back(_answer: IsoMessage) -> tuple[list[IsoMessage], float]:
    """Silence."""
    return [], 0.0


def late(answer: IsoMessage) -> tuple[list[IsoMessage], float]:
    """Seconds more than the terminal waits."""
    return [answer], 5.0


def as_it_is(answer: IsoMessage) -> tuple[list[IsoMessage], float]:
    """Nothing is spoilt."""
    return [answer], 0.0


def test_suite_passes_through_a_relay_that_spoils_nothing(bank: Bank, tmp_path: Path) -> None:
    """What is found out below is the spoiling, not the relay."""
    with relayed(bank.served.address, as_it_is) as address:
        code, told = play(bank, address, tmp_path / "out", "--tag", "cards", "--timeout", "20")

    assert 0 == code, told


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (changed(de39="05"), "DE039: expected 00 (approved), got 05"),
        (changed(de54=None), "DE054: expected there, got absent"),
        (changed(de37="999999999999"), "DE037: expected"),
        (changed(de11="999999"), "DE011: expected"),
        (changed(de49="840"), "DE049: expected 360, got 840"),
        (changed(de63=None), "DE063: expected there, got absent"),
        (changed(de62="E4001" + " " * 40), "DE062: expected like"),
        (richer, "DE048: expected a balance that adds up, got the closing balance is not the sum"),
        (kept_back, "answers: expected 1 answer, got 0, silence"),
        (late, "answers: expected 1 answer, got 0, silence"),
    ],
)
def test_host_wrong_in_one_thing_is_found_out(
    bank: Bank, tmp_path: Path, spoil: Spoil, told: str
) -> None:
    """Code, missing element, foreign reference, wrong sum, silence, lateness: each is named."""
    patience = "1" if spoil in (kept_back, late) else "20"
    with relayed(bank.served.address, spoil) as address:
        code, printed = play(
            bank, address, tmp_path / "out", "--name", "card approved is", "--name", "slip speak",
            "--timeout", patience,
        )  # fmt: skip

    assert 1 == code
    assert told in printed
    assert failed_of(tmp_path / "out")


def test_failure_shows_masked_hex_and_no_secret(bank: Bank, tmp_path: Path) -> None:
    """Bytes of plain elements, the masked card, what the host did; no PAN, KPJ or PIN."""
    pan, pin, kpj = "9990090000000012", "123402718281", "12345678901"
    (tmp_path / "target.toml").write_text(
        f'[cards.approved]\npan = "{pan}"\npin = "{pin}"\nkpj = "{kpj}"\n'
    )
    with relayed(bank.served.address, changed(de39="05")) as address:
        _, printed = play(
            bank, address, tmp_path / "out", "--name", "card approved is",
            "--target", tmp_path / "target.toml",
        )  # fmt: skip

    assert "999009******0012" in printed
    assert "the host answered 0210 05 after" in printed
    assert "333130303030" in printed
    everything = printed + (tmp_path / "out").read_text()
    assert not any(secret in everything for secret in (pan, pin, kpj))


@pytest.mark.parametrize("dialect", ["bpjstk-jht-v1-bcd", "bpjstk-jht-v1-ebcdic"])
def test_suite_passes_in_every_dialect(tmp_path: Path, dialect: str) -> None:
    """Cases that only another dialect can spell are left out by themselves."""
    folder = make_folder(tmp_path)
    settings = folder / "switch.toml"
    settings.write_text(
        re.sub("(?m)^profile = .*$", f'profile = "{dialect}"', settings.read_text())
    )

    with serve(folder) as served:
        code, told = play(
            Bank(folder, served), served.address, tmp_path / "out", "--profile", dialect,
            "--parallel", "4", "--skip", "slow", "--quiet",
        )  # fmt: skip

    assert 0 == code, told
    cases = json.loads((tmp_path / "out").read_text())["cases"]
    assert 200 <= sum(one["passed"] for one in cases)
