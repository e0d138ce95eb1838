"""What an error of the journal's medium means to whoever asked, and what it is tried with."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from atm_switch.adapters.journal_batch import JournalQuestion
from atm_switch.adapters.journal_drafts import check_draft, drafted
from atm_switch.adapters.journal_judgement import Judgement, told_apart
from atm_switch.adapters.journal_sample import sound_question
from atm_switch.domain.errors import (
    JournalFull,
    JournalRefusesRow,
    JournalSilent,
    JournalUnavailable,
)
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.member import CardRef
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.ports import (
    AuditRecord,
    Commit,
    Ending,
    JournalEntry,
    KeepBusinessDate,
    KeepCommand,
    KeepRecord,
    RepeatKey,
    Reserve,
    TakeNumbers,
)
from tests.doubles.journal_bench import JournalBench, ending_of, entry_of

NOW = datetime(2026, 6, 30, 7, 25, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "judgement"),
    [
        (JournalUnavailable, Judgement("X")),
        (JournalFull, Judgement("X", is_full=True)),
        (JournalRefusesRow, Judgement("X", blames_a_question=True)),
        (JournalSilent, Judgement("X", is_silence=True)),
        (JournalFull, Judgement("X", is_full=True, blames_a_question=True, is_silence=True)),
    ],
)
def test_what_is_judged_is_what_is_told(
    kind: type[JournalUnavailable], judgement: Judgement
) -> None:
    """Want of room before whose fault it is, and that before silence; by its name alone."""
    failure = judgement.failure()

    assert kind is type(failure)
    assert "the journal could not write: X" == str(failure)


@pytest.mark.parametrize("kind", [KeepRecord, KeepBusinessDate, KeepCommand, Reserve, Commit])
def test_sound_question_is_one_of_its_kind(kind: type[object]) -> None:
    """A medium is tried with what it would be asked."""
    assert kind is type(sound_question(kind, NOW))


NOBODY = JournalEntry(
    received_at=NOW,
    key=RepeatKey("0", "SAMPLE", "0101000000", "000000", "000000000000"),
    fingerprint=bytes(32),
    mti="0200",
    processing_code="310000",
    channel="6011",
    business_date=NOW.date(),
    peer="127.0.0.1:1",
    pan_masked="",
    card=CardRef("sample", bytes(32)),
)
SOUND: list[JournalQuestion] = [
    KeepRecord(AuditRecord("command", "switch", "journal", "sample")),
    KeepBusinessDate(AcquirerId("0"), NOW.date()),
    KeepCommand(AcquirerId("0"), "sample", NOW),
    Reserve(NOBODY, 1, unless_since=NOW, begun_since=NOW),
    Commit(
        NOBODY,
        Ending(
            outcome=Outcome.APPROVED,
            response_code="00",
            reason="",
            kpj_masked="",
            host_reference="J00001000000",
            elapsed_us=0,
            payload=b"sample",
            resets_tries=True,
        ),
        None,
        NOW,
    ),
]


@pytest.mark.parametrize("sound", SOUND, ids=lambda sound: type(sound).__name__)
def test_sound_question_is_nobodys_and_is_taken(sound: JournalQuestion, tmp_path: Path) -> None:
    """
    Of bank 0 and a card that is none, with every column filled that such a row can have, and
    asking what a journal that several share is asked; one that is well takes it.
    """
    assert sound == sound_question(type(sound), NOW)
    with JournalBench(tmp_path / "journal.db") as bench:
        assert not isinstance(bench.ask(sound), JournalUnavailable)


def test_other_kinds_have_no_sound_question() -> None:
    """A draft is tried as the commit it was; what takes no row is not tried at all."""
    assert Commit is type(sound_question(tuple, NOW))
    assert sound_question(TakeNumbers, NOW) is None


REFUSED = JournalRefusesRow("refused")
NO_ROOM = Judgement("X", is_full=True, blames_a_question=True)
TORN = Judgement("X", is_fatal=True, blames_a_question=True)


@pytest.mark.parametrize(
    ("faults", "kinds", "go_on", "tried"),
    [
        ({}, [JournalRefusesRow, JournalRefusesRow], True, [int, str]),
        ({str: NO_ROOM}, [JournalRefusesRow, JournalFull], True, [int, str]),
        ({int: TORN}, [JournalUnavailable, JournalRefusesRow], False, [int, str]),
        ({int: TORN, str: NO_ROOM}, [JournalUnavailable, JournalFull], False, [int, str]),
    ],
)
def test_kind_of_which_a_medium_takes_none_is_not_blamed(
    *,
    faults: dict[type, Judgement],
    kinds: list[type],
    go_on: bool,
    tried: list[type],
) -> None:
    """
    Each kind all of whose questions were refused is tried once; one of which a question was
    written is not, and whatever was no refusal stays.
    """
    asked: list[type] = []

    def fault_of(kind: type) -> Judgement | None:
        asked.append(kind)
        return faults.get(kind)

    questions = [1, "a", 2.0, 3.0, b"", 2]
    answers = [REFUSED, REFUSED, REFUSED, None, "written", REFUSED]

    told, goes_on = told_apart(questions, answers, fault_of)

    assert [*kinds, JournalRefusesRow, type(None), str, kinds[0]] == [type(one) for one in told]
    assert (go_on, tried) == (goes_on, asked)


def test_draft_of_another_width_is_none() -> None:
    """What came from a process of another release is refused before anything is written."""
    draft = drafted(Commit(entry_of(1), ending_of(), None))

    for wrong in (draft[:-1], (*draft, None)):
        with pytest.raises(ValueError, match=r"^a draft of a row has other cells$"):
            check_draft(wrong)
    check_draft(draft)


@pytest.mark.parametrize("cell", [-4, -2])
def test_draft_without_a_card_moves_no_tries(cell: int) -> None:
    """Neither does it give tries back, nor one: they would be nobody's."""
    draft = list(drafted(Commit(entry_of(1), ending_of(), None)))
    draft[15] = None
    check_draft(tuple(draft))
    draft[cell] = 1

    with pytest.raises(
        ValueError, match=r"^PIN tries are those of a card, and the entry has none$"
    ):
        check_draft(tuple(draft))
