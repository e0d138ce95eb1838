"""Compose what goes out: the approval, a decline, the stored answer again.

Responses come from the allow-lists of ``messages/responses.py``; a decline says the
outcome's text in the member's language in DE62, a 30 only names its element in DE44.
"""

from atm_switch.domain.errors import Declined
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.amounts import AMOUNT_MAX, write_amount
from atm_switch.messages.inquiry_data import (
    BalanceData,
    minor_units,
    read_inquiry_data,
    write_balance_data,
)
from atm_switch.messages.responses import answer, refusal
from atm_switch.profile.model import InquiryRules, SlipTexts
from atm_switch.switch.case import Case, Response
from atm_switch.switch.doors import Fresh
from atm_switch.switch.house import House
from atm_switch.switch.inner_doors import Member
from atm_switch.switch.ports import StoredResponse
from atm_switch.switch.slip import (
    Balance,
    Head,
    error_screen,
    own_of,
    shown_name,
    stamp,
    standing_of,
    title,
)
from atm_switch.switch.slip_form import screen_text, slip_text

PAN, RESPONSE_CODE, BALANCE_DATA, AMOUNTS, SCREEN, RECEIPT = 2, 39, 48, 54, 62, 63


def approved(member: Member, balance: Balance, house: House) -> Response:
    """Compose the approval: DE48, DE54, DE62 and, where asked for, DE63."""
    fresh = member.proven.known.fresh
    case, inquiry = fresh.admitted.case, fresh.inquiry
    profile = case.profile
    case.host_reference = house.next_host_reference(case.today)
    words = profile.texts[inquiry.data.language]
    name = shown_name(balance.participant)
    own, standing = own_of(balance, name), standing_of(balance)
    kpj = balance.participant.kpj.digits if fresh.admitted.acquirer.unmasked_kpj else own.kpj
    added = {
        BALANCE_DATA: write_balance_data(_balance_data(balance, kpj, name, case), profile),
        SCREEN: screen_text(own, standing, words, profile.inquiry.screen_width),
    }
    amounts = _additional_amounts(balance, profile.inquiry)
    if amounts:
        added[AMOUNTS] = amounts
    width = inquiry.data.receipt_width
    if width:
        added[RECEIPT] = slip_text(_head(fresh, words, width), own, standing, words, width)
    message = answer(case.message, case.rule, profile.code_of(Outcome.APPROVED), added)
    return Response(message, Outcome.APPROVED)


def declined(case: Case, no: Declined) -> Response:
    """Compose a decline: the outcome's code and text, or a 30 that names the element."""
    profile = case.profile
    if no.outcome is Outcome.FORMAT_ERROR:
        elements = case.message.elements
        message = refusal(case.message.mti, elements, profile, no.outcome, no.data_element)
        return Response(message, no.outcome, no.reason)
    text = profile.outcome_text(no.outcome, case.language or _language_asked_for(case))
    block = error_screen(text, profile.inquiry.screen_width).text()
    message = answer(case.message, case.rule, profile.code_of(no.outcome), {SCREEN: block})
    return Response(message, no.outcome, no.reason)


def _language_asked_for(case: Case) -> str:
    # Some doors say no before DE48 is judged; whoever reads the screen does not care.
    try:
        return read_inquiry_data(case.message.get(48), case.profile).language
    except ValueError:
        return ""


def packed(case: Case, response: Response) -> Response:
    """Return the response with its payload; one that cannot be packed becomes a 96.

    That is our mistake, and the terminal still hears of it: as a decline, or in the fewest
    elements where not even that can be written.
    """
    if response.payload is not None:
        return response
    dialect, outcome = case.session.dialect, Outcome.INTERNAL_ERROR
    is_signed = case.signing is None
    try:
        if case.is_first:
            payload, kept = dialect.pack_with_rest(response.message, PAN)
            return response.packed_as(payload, kept, is_signed=is_signed)
        return response.packed_as(dialect.pack(response.message), is_signed=is_signed)
    except ValueError as mistake:
        reason = str(mistake)
    response = declined(case, Declined(outcome, reason))
    try:
        return response.packed_as(dialect.pack(response.message))
    except ValueError:
        message = refusal(case.message.mti, case.message.elements, case.profile, outcome)
        return Response(message, outcome, reason, payload=dialect.pack(message))


def again(case: Case, stored: StoredResponse) -> Response:
    """Compose the stored answer again; only DE2, which is not stored, is the request's."""
    message = case.session.dialect.packager.unpack(stored.payload)
    if PAN in case.rule.echo:
        message = message.with_element(PAN, case.message[PAN])
    code = message[RESPONSE_CODE]
    rows = case.profile.outcomes.items()
    outcome = next((outcome for outcome, row in rows if row.code == code), Outcome.INTERNAL_ERROR)
    return Response(message, outcome, "repeat of an answered request", is_repeat=True)


def _head(fresh: Fresh, words: SlipTexts, width: int) -> Head:
    inquiry, admitted = fresh.inquiry, fresh.admitted
    return Head(
        title(words, admitted.acquirer.name, width),
        stamp(admitted.case.received.utc, admitted.zone),
        inquiry.terminal.text,
        inquiry.rrn.text,
        inquiry.stan.text,
        fresh.entry.pan_masked,
    )


def _additional_amounts(balance: Balance, rules: InquiryRules) -> str:
    closing = minor_units(balance.statement.closing, rules.amount_exponent)
    if closing > AMOUNT_MAX:
        return ""  # DE48 and the slip still show it whole
    kinds = (rules.available_amount_type, rules.ledger_amount_type)
    return write_amount(closing, rules.account_type, kinds, rules.currency)


def _balance_data(balance: Balance, kpj: str, name: str, case: Case) -> BalanceData:
    said, participant = balance.statement, balance.participant
    return BalanceData(  # by place: by name it takes twice as long
        kpj,
        name,
        participant.segment._value_,
        participant.status._value_,
        said.as_of,
        said.opening,
        said.contributions,
        said.development,
        said.claims,
        said.closing,
        said.rate_millipercent,
        said.is_estimate,
        min(participant.kpj_count, 99),
        said.last_contribution,
        case.host_reference,
    )
