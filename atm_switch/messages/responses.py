"""Answers are built from an allow-list of elements, never by copying the request.

PAN data, PIN blocks and tracks cannot come back: no list may name them
(``profile/judge.py``), and nothing outside the lists is ever put in.
"""

from collections.abc import Mapping

from atm_switch.domain.outcome import Outcome
from atm_switch.messages.mti import response_mti
from atm_switch.profile.model import MessageRule, Profile
from atm_switch.wire.message import IsoMessage

RESPONSE_CODE, ADDITIONAL_RESPONSE_DATA = 39, 44


def answer(
    request: IsoMessage, rule: MessageRule, code: str, added: Mapping[int, str] | None = None
) -> IsoMessage:
    """Build the response to a message of a known kind."""
    put = {RESPONSE_CODE: code, **(added or {})}
    if not rule.response.issuperset(put):
        put = {n: text for n, text in put.items() if n in rule.response}
    return request.answering(response_mti(request.mti), rule.echo, put)


def refusal(
    mti: str,
    readable: Mapping[int, str],
    profile: Profile,
    outcome: Outcome,
    data_element: int | None = None,
) -> IsoMessage:
    """Build the answer to a message that is unreadable or unknown.

    Echoes what could be read of the profile's short list; DE44 names the element at
    fault, e.g. ``DE048``.
    """
    echoed = IsoMessage(mti, readable).only(profile.refusal_echo)
    named = {} if data_element is None else {ADDITIONAL_RESPONSE_DATA: f"DE{data_element:03d}"}
    return IsoMessage(
        response_mti(mti), {**echoed, RESPONSE_CODE: profile.code_of(outcome), **named}
    )
