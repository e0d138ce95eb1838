"""The first door of every line that requires a MAC, and the signature under every answer.

Judged before the PIN, the ledger and any counter (security.md 2): whoever cannot prove
himself gets 63 and learns and moves nothing else.  The answer is authenticated with the
key the request was under, so a key change never cuts a request from its answer.
Policy is ``required`` or ``off``; there is no "if present".
"""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.authentication import (
    covered_by_mac,
    mac_width,
    received_mac,
    spelled_mac,
    to_be_authenticated,
)
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder
from atm_switch.switch.case import Case, Response, Signing
from atm_switch.switch.compose import declined, packed
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import CheckMac, MakeMac
from atm_switch.switch.keys_seen import learn, untried
from atm_switch.switch.policy import AcquirerPolicy, MacPolicy
from atm_switch.switch.ports import AuditRecord, KeepRecord, Steps, ask

ACQUIRER, TERMINAL, NETWORK_CODE = 32, 41, 70


def guarded(
    case: Case, house: House, corridor: Callable[[], Steps[Response | None]]
) -> Steps[Response | None]:
    """Let a request through to its corridor if it is authentic; sign whatever the answer is."""
    try:
        keys = mac_keys(case, house)
        if keys is not None:
            yield from _authenticated(case, house, *keys)
    except Declined as no:
        response: Response | None = declined(case, no)
        if no.outcome is Outcome.MAC_WRONG:
            yield from count_refusal(case, house, no.reason)
    except NeighbourUnavailable as silent:
        response = declined(case, Declined(Outcome.LEDGER_UNAVAILABLE, str(silent)))
    else:
        response = yield from corridor()
    if response is None or response.is_signed:
        return response
    return (yield from signed(case, response))


def authenticate(case: Case, house: House) -> Steps[None]:
    """Check the MAC where one is required (63), and keep the key for the answer.

    Raises ``Declined``; ``NeighbourUnavailable`` where the HSM does not answer.
    """
    keys = mac_keys(case, house)
    if keys is not None:
        yield from _authenticated(case, house, *keys)


def _authenticated(case: Case, house: House, name: KeyName, ladder: Ladder) -> Steps[None]:
    algorithm = case.profile.security.mac_algorithm
    candidates = ladder.candidates(case.received.utc)
    case.signing = Signing(algorithm, candidates[0])
    mac = received_mac(case.message)
    if mac is None:
        raise Declined(Outcome.MAC_WRONG, "the MAC is missing, doubled or misplaced")
    covered = covered_by_mac(case.payload, case.profile)
    before = house.vault
    at = yield from ask(CheckMac(algorithm, candidates, covered, mac))
    if type(at) is not int:
        now = partial(mac_keys, case, house)
        name, candidates = yield from untried(candidates, before, now, case, house, name)
        if candidates:
            case.signing = Signing(algorithm, candidates[0])
            at = yield from ask(CheckMac(algorithm, candidates, covered, mac))
    if type(at) is not int:  # nothing else is a yes
        raise Declined(Outcome.MAC_WRONG, "the MAC is wrong")
    case.signing = Signing(algorithm, candidates[at])
    yield from learn(name, candidates[at], case, house)


def mac_keys(case: Case, house: House) -> tuple[KeyName, Ladder] | None:
    """Find the keys of a line that requires a MAC; ``None`` where the policy is off.

    Raises ``Declined`` where nobody's key can be meant: no bank named where banks differ
    (30), an unknown one, or a key that is not there (63).
    """
    bank = bank_of(case, house)
    if bank is None:
        if not any(one.requires_mac for one in house.policy.acquirers.values()):
            return None
        if case.message.get(ACQUIRER):
            # Not 31: who proves nothing does not learn which banks there are.
            raise Declined(Outcome.MAC_WRONG, "DE032 is not an acquirer known here")
        raise Declined(
            Outcome.FORMAT_ERROR,
            "DE032 is needed to tell the acquirers apart",
            data_element=ACQUIRER,
        )
    if _mac_policy(case, bank) is MacPolicy.OFF:
        return None
    # One terminal's key does not speak for its bank.
    terminal = None if is_of_the_whole_bank(case) else terminal_of(case)
    keys = house.vault.ladder(KeyUsage.MAC, bank.acquirer, terminal)
    if keys is None:
        raise Declined(Outcome.MAC_WRONG, f"there is no MAC key of acquirer {bank.acquirer}")
    return keys


def _mac_policy(case: Case, bank: AcquirerPolicy) -> MacPolicy:
    if bank.mac is MacPolicy.OFF and not bank.terminals:
        return MacPolicy.OFF
    if case.rule.name != "inquiry" and bank.mac is MacPolicy.REQUIRED:
        return MacPolicy.REQUIRED  # what moves a bank's session, date or keys is the bank's word
    terminal = terminal_of(case)
    listed = bank.terminals.get(terminal) if terminal else None
    return bank.mac if listed is None or listed.mac is None else listed.mac


def is_of_the_whole_bank(case: Case) -> bool:
    """Tell whether a message moves what all terminals of a bank share: its business date."""
    code = case.profile.network.cut_over
    return case.rule.name == "network" and case.message.get(NETWORK_CODE) == code


def bank_of(case: Case, house: House) -> AcquirerPolicy | None:
    """Tell whose message it is: who signed on, else DE32, else whose the line is.

    In this order, for a message must not choose under whose policy it is judged once
    somebody has signed on.
    """
    session, known = case.session, house.policy.acquirers
    if session.signed_on_as is not None:
        return known[session.signed_on_as]
    named = case.message.get(ACQUIRER)
    if named:
        return known.get(AcquirerId(named))
    if session.default_acquirer is not None:
        return known.get(session.default_acquirer)
    return next(iter(known.values())) if len(known) == 1 else None


def terminal_of(case: Case) -> TerminalId | None:
    """Read DE41, if it is there and can be one."""
    try:
        return TerminalId(case.message.get(TERMINAL))
    except ValueError:
        return None


def ready_to_sign(case: Case, house: House) -> None:
    """Choose the key for a message that answers no authenticated request."""
    try:
        keys = mac_keys(case, house)
    except Declined:
        return  # nobody's line: there is no key to sign with
    if keys is not None:
        case.signing = Signing(case.profile.security.mac_algorithm, keys[1].in_use)


def signed(case: Case, response: Response) -> Steps[Response]:
    """Pack the response, with its MAC where the line has one; what is signed stays as it is.

    Where no MAC can be made the answer is a decline without one: an approval never leaves
    unsigned, and the terminal will not take this for authentic.  What is to be journaled is
    signed before its row is written, so that row and wire say the same.
    """
    if response.is_signed:
        return response
    response = packed(case, response)
    if response.is_signed:
        return response  # its line asks for no MAC
    try:
        return (yield from with_mac(case, response))
    except (NeighbourUnavailable, ValueError) as silent:
        reason = f"the answer could not be authenticated: {silent}"
        no = declined(case, Declined(Outcome.LEDGER_UNAVAILABLE, reason))
        return _as_packed(packed(case, no))


def with_mac(case: Case, response: Response) -> Steps[Response]:
    """Put the MAC of its line, if that has one, to a packed message.

    Raises ``NeighbourUnavailable`` where none can be made, ``ValueError`` where it has no room.
    """
    if case.signing is None:
        return response if response.is_signed else _as_packed(response)
    dialect = case.session.dialect
    covered = to_be_authenticated(response.message, dialect.packager)
    if len(covered) + mac_width(dialect.profile) > dialect.profile.framing.payload_bytes_max:
        raise ValueError("with its MAC the message is longer than payload_bytes_max")
    mac = yield from ask(MakeMac(case.signing.algorithm, case.signing.key, covered))
    return response.packed_as(covered + spelled_mac(mac, dialect.profile), is_signed=True)


def _as_packed(response: Response) -> Response:
    """Call a packed response signed: its line asks for no MAC, or none can be made."""
    return response.packed_as(response.payload, is_signed=True)


def count_refusal(case: Case, house: House, reason: str) -> Steps[None]:
    """Make durable that a MAC was refused, and why; where it cannot be, 63 is the answer still."""
    named = case.message.get(ACQUIRER) or str(case.session.signed_on_as or "")
    so_far = house.refusals.count("mac refused", case.received.monotonic)
    if not so_far:  # a flood is a few records a minute
        return
    detail = f"{reason}; {so_far} within a minute"
    with suppress(NeighbourUnavailable):
        record = AuditRecord("mac refused", case.session.peer, f"acquirer {named}", detail)
        yield from ask(KeepRecord(record))
