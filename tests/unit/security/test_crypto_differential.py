"""Claims about the figure of our cryptography against psec: it runs, and it would notice."""

import pytest
from click.testing import CliRunner

from tests.figures.crypto_cases import CASES
from tests.figures.crypto_differential import (
    PORTION,
    Portion,
    differential,
    main,
    portions,
    run_portion,
)


@pytest.mark.parametrize("name", CASES)
def test_fifty_cases_agree_with_psec(name: str) -> None:
    """Every algorithm gives what psec gives, with warnings as errors for our calls."""
    tally = run_portion(Portion(name, "test", 0, 50))

    assert (50, 0) == (tally.cases, tally.mismatches)


def test_a_mismatch_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A case that differs and one that raises are both mismatches."""

    def differs(_chance: object) -> bool:
        return False

    def raises(_chance: object) -> bool:
        raise ValueError

    monkeypatch.setitem(CASES, "TDES ECB", differs)
    monkeypatch.setitem(CASES, "Visa PVV", raises)

    assert 3 == run_portion(Portion("TDES ECB", "test", 0, 3)).mismatches
    assert 3 == run_portion(Portion("Visa PVV", "test", 0, 3)).mismatches


def test_portions_add_up_to_the_cases() -> None:
    """No case is lost or run twice where the count is no multiple of a portion."""
    cut = portions(2 * PORTION + 1, "1")

    assert len({(one.name, one.number) for one in cut}) == len(cut)
    for name in CASES:
        assert 2 * PORTION + 1 == sum(one.cases for one in cut if one.name == name)


def test_same_seed_gives_the_same_cases() -> None:
    """The tallies of two runs differ in their seconds alone."""
    first, second = (differential(1, "seed") for _ in range(2))

    assert list(CASES) == list(first)
    assert [tally.mismatches for tally in first.values()] == [
        tally.mismatches for tally in second.values()
    ]


def test_command_prints_its_table() -> None:
    """The command names machine, commit, seed and every algorithm, and exits with 0."""
    result = CliRunner().invoke(main, ["--cases", "1", "--seed", "7", "--processes", "0"])

    assert 0 == result.exit_code
    for word in ("machine", "python", "commit", "seed     7", *CASES, "0 mismatches"):
        assert word in result.output


def test_command_exits_with_1_on_a_mismatch(monkeypatch: pytest.MonkeyPatch) -> None:
    """One mismatch is enough to fail a build."""
    monkeypatch.setitem(CASES, "AES-CMAC", lambda _chance: False)

    result = CliRunner().invoke(main, ["--cases", "1", "--processes", "0"])

    assert 1 == result.exit_code
    assert "1 mismatches" in result.output
