"""Golden slips, from the ledger to the paper: what a customer takes away of every outcome.

Each is made by the real core over the bench's ledger, read by the emulator and put on
paper, then compared with the file in ``slips/``, character by character.

To renew them after a wanted change of wording: ``RENEW_SLIPS=1 .venv/bin/pytest
tests/vectors/test_slip_goldens.py``, then read the difference before it is committed.
"""

import os
from pathlib import Path

import pytest

from atm_switch.domain.identifiers import TerminalId
from atm_switch.domain.instant import Zone
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.policy import MacPolicy, TerminalPolicy
from terminal_emulator.answers import read_inquiry_answer
from terminal_emulator.kit import BARE_KIT
from terminal_emulator.slips.export import Form, rendered
from terminal_emulator.slips.paper import Paper, paper_of_block, paper_of_result
from tests.doubles.bench import GOLDEN_INSTANT, bank
from tests.doubles.inquiries import de48
from tests.unit.switch.test_outcomes import SCENES, Scene, staged

GOLDENS = Path(__file__).parent / "slips"
STRICT = TerminalPolicy(zone=Zone.WIB, mac=MacPolicy.REQUIRED)
UNSIGNED = Scene(
    Outcome.MAC_WRONG, "63", how={"banks": (bank(terminals={TerminalId("S1ABC123"): STRICT}),)}
)
ALL = (*SCENES, UNSIGNED)
LANGUAGES = ("ID", "EN")
PRINTED = ("19.409.470,47", "1.710.000,00", "510.174,26", "0,00", "21.629.644,73")
"""Opening, contributions, development, claims and closing of the published simulation."""


def slip_of(scene: Scene, language: str, width: int = 40) -> Paper:
    """Play a scene and take the slip."""
    bench = staged(scene)
    changes = {48: de48(language=language, width=width), **scene.changes}
    question = bench.inquiry(changes)
    answer = bench.ask(question)
    result = read_inquiry_answer(question, answer, bench.dialect.profile, language)
    return paper_of_result(result, width, language, BARE_KIT.station, GOLDEN_INSTANT)


def golden(name: str, made: bytes) -> bytes:
    """Return a committed slip; write it first where goldens are being renewed."""
    path = GOLDENS / name
    if os.environ.get("RENEW_SLIPS"):
        path.write_bytes(made)
    return path.read_bytes()


def scene_of(outcome: Outcome) -> Scene:
    """Find the scene of an outcome."""
    return next(scene for scene in ALL if scene.outcome is outcome)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("scene", ALL, ids=lambda scene: scene.outcome.value)
def test_slip_is_the_committed_one(scene: Scene, language: str) -> None:
    """From the ledger to the paper, each outcome's slip is character by character the golden."""
    made = rendered(slip_of(scene, language), Form.TEXT)

    name = f"{scene.outcome.value}.{language.lower()}.txt"
    assert golden(name, made).decode() == made.decode()


@pytest.mark.parametrize("width", [32, 38])
def test_narrower_papers_have_their_goldens(width: int) -> None:
    """The approval's slip on 32 and 38 columns is the committed one, and no line is wider."""
    made = slip_of(scene_of(Outcome.APPROVED), "ID", width)

    text = rendered(made, Form.TEXT)
    assert golden(f"approved.id.{width}.txt", text).decode() == text.decode()
    assert width >= max(len(line) for line in made.lines)


@pytest.mark.parametrize(("form", "suffix"), [(Form.SVG, "svg"), (Form.ESCPOS, "bin")])
def test_other_forms_have_their_goldens(form: Form, suffix: str) -> None:
    """SVG and the printer's bytes of the approval are the committed ones."""
    made = rendered(slip_of(scene_of(Outcome.APPROVED), "ID"), form)

    assert golden(f"approved.id.{suffix}", made) == made


@pytest.mark.parametrize("width", [32, 38, 40])
@pytest.mark.parametrize("language", LANGUAGES)
def test_published_simulation_reaches_the_paper(language: str, width: int) -> None:
    """The golden numbers of the published simulation stand on every paper, right-aligned."""
    lines = slip_of(scene_of(Outcome.APPROVED), language, width).lines

    ends = [line.rsplit(" ", 1)[-1] for line in lines]
    assert list(PRINTED) == [end for end in ends if end in PRINTED]


@pytest.mark.parametrize("scene", ALL, ids=lambda scene: scene.outcome.value)
def test_paper_holds_no_whole_number(scene: Scene) -> None:
    """No slip has a PAN, a KPJ or a PIN block on it."""
    text = "\n".join(slip_of(scene, "ID").lines)

    canaries = ("9990090000000012", "9990090000000013", "12345678901", "123456")
    assert not any(canary in text for canary in canaries)


def test_block_and_answer_give_one_paper() -> None:
    """DE63 as text and the answer it came in make the same paper."""
    bench = staged(scene_of(Outcome.APPROVED))
    question = bench.inquiry()
    answer = bench.ask(question)

    result = read_inquiry_answer(question, answer, bench.dialect.profile, "ID")
    made = paper_of_result(result, 40, "ID", BARE_KIT.station, GOLDEN_INSTANT)

    assert made == paper_of_block(answer[63])


def test_every_outcome_has_its_golden_slips() -> None:
    """No outcome is without a slip in both languages, and no slip without an outcome."""
    named = {f"{outcome.value}.{language.lower()}" for outcome in Outcome for language in LANGUAGES}

    assert named == {path.name.removesuffix(".txt") for path in GOLDENS.glob("*.[ie][dn].txt")}
