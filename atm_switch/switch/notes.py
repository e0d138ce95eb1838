"""One line of log for each thing that happened, with nothing secret in it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from atm_switch.domain.errors import FormatError
from atm_switch.domain.outcome import Outcome
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Note
from atm_switch.switch.session import Session
from atm_switch.wire.message import IsoMessage

KEY_ELEMENTS = (7, 11, 37, 70)
"""What ties an answer to its request."""

FRAMING_BROKEN, BAD_FRAMES = "framing broken", "too many bad frames"
"""What a link is hung up on for: a stream that cannot be read on, messages that are refused."""

ALARMING = (Outcome.INTERNAL_ERROR, Outcome.DUPLICATE, Outcome.MAC_WRONG)


def _identity(message: IsoMessage, elements: Mapping[int, str], session: Session) -> dict[str, Any]:
    sent = elements.get
    fields: dict[str, Any] = {"link": session.link, "mti": message.mti}
    if stan := sent(11):
        fields["stan"] = stan
    if rrn := sent(37):
        fields["rrn"] = rrn
    if terminal := sent(41):
        fields["terminal"] = terminal
    fields["acquirer"] = session.signed_on_as.text if session.signed_on_as else sent(32, "")
    return fields


def note_of(case: Case, response: Response | None, what: str = "") -> Note:
    """Note a request that is answered, or joined to another."""
    fields = _identity(case.message, case.elements, case.session)
    pan = case.pan_masked
    if pan:
        fields["pan"] = pan
    if response is None:
        return Note("transaction", {**fields, "note": what})
    answer = response.message
    fields["outcome"] = response.outcome._value_
    fields["de39"] = answer.get(39)
    if response.outcome is not Outcome.APPROVED and 44 in answer:
        fields["de44"] = answer[44]
    fields["ms"] = case.elapsed_us / 1000
    if response.reason:
        fields["reason"] = response.reason
    if response.is_repeat:
        fields["repeat"] = True
    return Note(response.what, fields, is_alarm=response.outcome in ALARMING)


def unsent(note: Note, *, is_late: bool) -> Note:
    """Add that the answer did not leave: it was too late, or its link is gone."""
    why = {"unsent": "too late", "late": True} if is_late else {"unsent": "the link is gone"}
    return replace(note, fields={**note.fields, **why}, is_alarm=True)


def late_row(case: Case, code: str) -> Note:
    """Note a row B with DE39 ``code``, written when its request had been given up with 96."""
    why = {"de39": code, "unsent": "the row was written when the request had been given up"}
    return Note(
        "row written late",
        {**_identity(case.message, case.elements, case.session), **why},
        is_alarm=True,
    )


def note_of_closed(session: Session, reason: str, unsent: int) -> Note:
    """Note the end of a link, on which so many answers were to leave and did not."""
    fields = {"link": session.link, "peer": session.peer, "why": reason}
    counted = {"ignored_responses": session.ignored_responses}
    counted |= {"answers_not_sent": unsent} if unsent else {}
    return Note("link closed", {**fields, **counted})


def note_of_refused(session: Session, event: str, reason: str) -> Note:
    """Note that the switch hangs up on a link for what came over it; of which bank, if known."""
    bank = session.signed_on_as or session.default_acquirer
    whose = {"link": session.link, "peer": session.peer, "acquirer": bank.text if bank else ""}
    return Note(event, {**whose, "reason": reason}, is_alarm=True)


def note_of_unknown(session: Session, message: IsoMessage, response: IsoMessage | None) -> Note:
    """Note a message of a kind the profile does not know, answered or not."""
    fields = _identity(message, message.elements, session)
    fields["outcome"] = Outcome.UNSUPPORTED_TRANSACTION.value
    fields["de39"] = "" if response is None else response.get(39)
    return Note("transaction", fields)


def note_of_unmatched(session: Session, message: IsoMessage) -> Note:
    """Note an answer that matches no request of ours: which key was seen, which were wanted."""
    ours = session.signing_on.key if session.signing_on else None
    wanted = [f"0810 DE007 {ours[0]} DE011 {ours[1]} DE070 {ours[2]}"] if ours else []
    wanted += [f"DE011 {session.echo_stan}"] if session.echo_stan else []
    wanted += [
        f"0810 DE007 {offer.stamp} DE011 {stan} DE070 {offer.code}"
        for stan, offer in session.offers.items()
    ]
    seen = [f"DE{one:03d} {message[one]}" for one in KEY_ELEMENTS if one in message]
    return Note(
        "response without request",
        {
            "link": session.link,
            "peer": session.peer,
            "seen": " ".join((message.mti, *seen)),
            "wanted": "; ".join(wanted) or "none",
            "so_far": session.ignored_responses,
        },
    )


def note_of_unreadable(session: Session, fault: FormatError) -> Note:
    """Note a message that could not be read: where, not what."""
    return Note(
        "unreadable message",
        {
            "link": session.link,
            "peer": session.peer,
            "mti": fault.mti,
            "element": f"DE{fault.data_element:03d}",
            "offset": fault.offset,
            "reason": fault.reason,
            "stan": fault.readable.get(11, ""),
            "rrn": fault.readable.get(37, ""),
        },
    )
