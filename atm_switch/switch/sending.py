"""The last step of a request: its answer leaves, or the log and the journal say that it did not."""

from collections.abc import Sequence

from atm_switch.switch.case import Case, Response
from atm_switch.switch.compose import packed
from atm_switch.switch.effects import Effect, Send
from atm_switch.switch.notes import note_of, unsent
from atm_switch.switch.ports import JournalEntry
from atm_switch.switch.untold import LATE, NOT_SENT, Tellings, ToldAgain, Untold

Entries = Sequence[JournalEntry]
"""What the journal keeps of requests."""


def sent(case: Case, response: Response, tellings: Tellings, *, is_open: bool) -> list[Effect]:
    """Send an answer where its link ``is_open`` and it is not too late; note it either way."""
    note = response.note or note_of(case, response)
    payload = None if response.is_silent else packed(case, response).payload
    if payload is None:
        return [note]
    entry = case.entry
    if not is_open or case.is_late:
        effects: list[Effect] = [unsent(note, is_late=is_open)]
    else:
        effects = [Send(case.session.link, payload, case.header, entry), note]
        if entry is not None and response.is_repeat and case.joins_kept:
            effects += tellings.tell_once(ToldAgain(entry.key))
        if not case.has_doubtful_row:
            return effects
    if entry is not None:
        why = LATE if is_open else NOT_SENT
        effects += tellings.tell_once(Untold(entry.key, entry.received_at, why))
    return effects


def not_sent(entries: Entries, tellings: Tellings) -> list[Effect]:
    """Have the journal note that answers it counts as told never left."""
    effects: list[Effect] = []
    for entry in entries:
        effects += tellings.tell_once(Untold(entry.key, entry.received_at, NOT_SENT))
    return effects
