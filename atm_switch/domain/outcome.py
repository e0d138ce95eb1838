"""What can become of an inquiry, in our own words.

DE39 codes clash between dialects (domain.md 4.7), so the switch decides in outcomes and
each profile maps them to its codes and texts.
"""

from enum import unique
from typing import Final

from atm_switch.domain.value import Word

IN_DOUBT: Final = "in_doubt"
"""Stands where an outcome would for a request nobody knows the end of: no row of a profile."""


@unique
class Outcome(Word):
    """One row of the profile's outcome table; the value is the row's name there."""

    APPROVED = "approved"
    NOT_SIGNED_ON = "not_signed_on"
    TERMINAL_NOT_LISTED = "terminal_not_listed"
    UNSUPPORTED_TRANSACTION = "unsupported_transaction"
    AMOUNT_NOT_ZERO = "amount_not_zero"
    BAD_PAN = "bad_pan"
    FORMAT_ERROR = "format_error"
    ACQUIRER_NOT_ALLOWED = "acquirer_not_allowed"
    CHANNEL_NOT_ALLOWED = "channel_not_allowed"
    CARD_EXPIRED = "card_expired"
    WRONG_PIN = "wrong_pin"
    CARD_NOT_LINKED = "card_not_linked"
    NOT_PERMITTED = "not_permitted"
    CARD_BLOCKED = "card_blocked"
    MAC_WRONG = "mac_wrong"
    TOO_MANY_INQUIRIES = "too_many_inquiries"
    STALE_REQUEST = "stale_request"
    PIN_TRIES_EXCEEDED = "pin_tries_exceeded"
    BALANCE_NOT_AVAILABLE = "balance_not_available"
    CUT_OFF_RUNNING = "cut_off_running"
    LEDGER_UNAVAILABLE = "ledger_unavailable"
    DUPLICATE = "duplicate"
    INTERNAL_ERROR = "internal_error"
