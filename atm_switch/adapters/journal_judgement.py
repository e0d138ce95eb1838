"""What an error of a batch means: for its questions, and for what comes after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from atm_switch.domain.errors import (
    JournalFull,
    JournalRefusesRow,
    JournalSilent,
    JournalUnavailable,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What an error means for what comes after."""

    name: str
    """What it is called in an answer; it quotes no row."""
    is_fatal: bool = False
    """No further write may be tried."""
    is_full: bool = False
    """There is no room; the next write may find some."""
    blames_a_question: bool = False
    """One question is at fault, not the medium."""
    is_silence: bool = False
    """The medium did not answer in time."""

    def failure(self) -> JournalUnavailable:
        """Return what a question is answered that met it."""
        kind = JournalUnavailable
        if self.is_full:
            kind = JournalFull
        elif self.blames_a_question:
            kind = JournalRefusesRow
        elif self.is_silence:
            kind = JournalSilent
        return kind(f"the journal could not write: {self.name}")


def told_apart(
    questions: Sequence[Any],
    answers: Sequence[Any],
    fault_of: Callable[[type[Any]], Judgement | None],
) -> tuple[list[Any], bool]:
    """Blame no question of a kind of which the medium takes none: the answers, whether to go on.

    ``fault_of`` tries a medium with a sound question of a kind.
    """
    told, go_on = list(answers), True
    at_fault = [isinstance(answer, JournalRefusesRow) for answer in answers]
    kinds = [type(question) for question in questions]
    pairs = list(zip(kinds, at_fault, strict=True))
    for kind in dict.fromkeys(kind for kind, is_refused in pairs if is_refused):
        if (kind, False) in pairs or (fault := fault_of(kind)) is None:
            continue
        failure = replace(fault, blames_a_question=False).failure()
        told = [failure if one is kind else answer for one, answer in zip(kinds, told, strict=True)]
        go_on = go_on and not fault.is_fatal
    return told, go_on
