"""0210 and 0810 into typed results, with a clear word for whatever cannot be right.

Pure.  An answer is believed only as far as it fits its question and itself: the balance
must add up, DE54 must agree with DE48, a block must be as long as its head says.
Errors name the element, never what stands in it.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from atm_switch.domain.mask import mask_pan
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.amounts import AdditionalAmount, read_amounts
from atm_switch.messages.inquiry_data import BalanceData, minor_units, read_balance_data
from atm_switch.messages.mti import response_mti
from atm_switch.messages.text_block import TextBlock, read_text_block
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage

T = TypeVar("T")

ECHOED = (3, 7, 11, 32, 37, 41, 70)
"""Elements that come back as they went, where they come back at all."""


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """What became of an 0800: DE39, its text, and how long it took."""

    code: str
    text: str
    is_approved: bool
    stan: str
    milliseconds: float = 0.0


@dataclass(frozen=True, slots=True)
class InquiryResult:
    """What became of an inquiry.  Holds no PAN, no PIN and no PIN block.

    ``text`` is the profile's word for ``code`` in the language asked for; ``fault`` is
    DE44 of a 30; ``screen`` and ``receipt`` keep the padding of their lines.
    """

    mti: str
    code: str
    text: str
    outcome: Outcome | None
    stan: str
    rrn: str
    pan_masked: str
    fault: str = ""
    screen: TextBlock | None = None
    receipt: TextBlock | None = None
    balance: BalanceData | None = None
    amounts: tuple[AdditionalAmount, ...] = ()
    milliseconds: float = 0.0

    @property
    def is_approved(self) -> bool:
        """Tell whether DE39 was the profile's approval."""
        return self.outcome is Outcome.APPROVED

    def took(self, milliseconds: float) -> "InquiryResult":
        """Return the result with its duration."""
        return replace(self, milliseconds=milliseconds)


def read_network_answer(
    question: IsoMessage, answer: IsoMessage, profile: Profile, language: str
) -> NetworkResult:
    """Read an 0810.  Raises ``ValueError`` naming what is wrong with it."""
    code = _code(question, answer)
    outcome = outcome_of(code, profile)
    return NetworkResult(
        code,
        _text(code, outcome, profile, language),
        outcome is Outcome.APPROVED,
        question[11],
    )


def read_inquiry_answer(
    question: IsoMessage, answer: IsoMessage, profile: Profile, language: str
) -> InquiryResult:
    """Read an 0210.  Raises ``ValueError`` naming what is wrong with it."""
    code = _code(question, answer)
    outcome = outcome_of(code, profile)
    result = InquiryResult(
        mti=answer.mti,
        code=code,
        text=_text(code, outcome, profile, language),
        outcome=outcome,
        stan=question[11],
        rrn=question[37],
        pan_masked=mask_pan(question[2]),
        fault=answer.get(44),
        screen=_block(answer, 62, "SE"),
        receipt=_block(answer, 63, "R"),
    )
    return _with_balance(result, answer, profile) if result.is_approved else result


def outcome_of(code: str, profile: Profile) -> Outcome | None:
    """Return the profile's first outcome with this DE39; ``None`` for a code it lacks."""
    return next((o for o, row in profile.outcomes.items() if row.code == code), None)


def _code(question: IsoMessage, answer: IsoMessage) -> str:
    if answer.mti != response_mti(question.mti):
        message = f"DE000: {answer.mti} does not answer {question.mti}"
        raise ValueError(message)
    for number in ECHOED:
        if number in question and number in answer and question[number] != answer[number]:
            message = f"DE{number:03d}: came back changed"
            raise ValueError(message)
    if 39 not in answer:
        message = "DE039: an answer without a response code"
        raise ValueError(message)
    return answer[39]


def _text(code: str, outcome: Outcome | None, profile: Profile, language: str) -> str:
    if outcome is None:
        return f"response code {code}, which the profile {profile.name} does not know"
    return profile.outcome_text(outcome, language)


def _with_balance(result: InquiryResult, answer: IsoMessage, profile: Profile) -> InquiryResult:
    for number in (48, 62):
        if number not in answer:
            message = f"DE{number:03d}: an approval without it"
            raise ValueError(message)
    balance = _read(48, answer, lambda text: read_balance_data(text, profile))
    amounts = _read(54, answer, read_amounts) if 54 in answer else ()
    _check_agreement(balance, amounts, profile)
    return replace(result, balance=balance, amounts=amounts)


def _check_agreement(
    balance: BalanceData, amounts: tuple[AdditionalAmount, ...], profile: Profile
) -> None:
    # In whole rupiah DE48 rounds each part by itself, so the two may differ there.
    if profile.inquiry.amount_exponent != 2:
        return
    closing = minor_units(balance.closing, profile.inquiry.amount_exponent)
    if any(amount.minor != closing for amount in amounts):
        message = "DE054: disagrees with the closing balance of DE048"
        raise ValueError(message)


def _block(answer: IsoMessage, number: int, kinds: str) -> TextBlock | None:
    if number not in answer:
        return None
    block = _read(number, answer, read_text_block)
    if block.kind not in kinds:
        message = f"DE{number:03d}: a text block of kind {block.kind}"
        raise ValueError(message)
    return block


def _read(number: int, answer: IsoMessage, build: Callable[[str], T]) -> T:
    try:
        return build(answer[number])
    except ValueError as error:
        message = f"DE{number:03d}: {error}"
        raise ValueError(message) from None
