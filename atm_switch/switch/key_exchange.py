"""Keys that change while the line is up: asked for (161), taken (162, 101), delivered.

A key comes as a key block under the line's exchange key (ANSI X9.143).  Taken: imported by
the HSM, its check value compared, recorded, durable, and only then answered 00.
Delivered: made by the HSM, durable, sent; in use once the peer has said 00 or sends the
first message under it.  Until then the old key is good, so an answer lost on the way or a
crash on either side leaves both with a key in common (security.md 1.5).
"""

from collections.abc import Collection, Iterator

from atm_switch.domain.errors import Declined, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId, TerminalId
from atm_switch.domain.instant import transmission_stamp
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.key_delivery import Delivery
from atm_switch.security.key_ring import KeyName, KeyUsage, Ladder, LineKey
from atm_switch.security.key_rules import ladder_before, why_not
from atm_switch.switch.authentication import authenticate, ready_to_sign, terminal_of
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import LinkId, Note
from atm_switch.switch.house import House
from atm_switch.switch.hsm_port import ImportKey, KeyRefused, MintKey
from atm_switch.switch.keys_seen import brought, end_unused, overlap_of
from atm_switch.switch.once import counted, require_first
from atm_switch.switch.own_request import said
from atm_switch.switch.policy import AcquirerPolicy, PinPolicy
from atm_switch.switch.ports import AuditRecord, KeepKeys, KeepRecord, Steps, ask
from atm_switch.switch.session import Offer
from atm_switch.wire.message import IsoMessage

USAGES = {"P0": KeyUsage.PIN, "M3": KeyUsage.MAC, "M6": KeyUsage.MAC}
"""What a key block's header may say of its key; nothing else is taken over a line."""

WISHES = {"PIN": (KeyUsage.PIN,), "MAC": (KeyUsage.MAC,)}
"""What a 161 may ask for; without a word, all that the line needs."""


def request_keys(case: Case, house: House) -> Steps[None]:
    """Take a 161: note which keys to deliver once it is answered."""
    acquirer, terminal = _line_of(case, house)
    if house.vault.ladder(KeyUsage.EXCHANGE, acquirer, terminal) is None:
        raise Declined(Outcome.NOT_PERMITTED, "there is no exchange key of this line")
    wish = case.message.get(case.profile.security.key_element).strip()
    usages = WISHES.get(wish) if wish else _needed(house.policy.acquirers[acquirer])
    if not usages:
        element = case.profile.security.key_element
        raise Declined(Outcome.FORMAT_ERROR, "no such key is used here", data_element=element)
    require_first(case)
    if not house.key_request_frequency.admits((acquirer, terminal), case.received.monotonic):
        raise Declined(Outcome.TOO_MANY_INQUIRIES, "keys are asked for too often")
    yield from counted(case, house)
    case.wanted_keys = tuple(KeyName(usage, acquirer, terminal) for usage in usages)


def receive_key(case: Case, house: House) -> Steps[None]:
    """Take the key of a 162 or 101 into use, durably, before it is answered 00."""
    acquirer, terminal = _line_of(case, house)
    rules = case.profile.security
    exchange = house.vault.ladder(KeyUsage.EXCHANGE, acquirer, terminal)
    if exchange is None:
        raise Declined(Outcome.NOT_PERMITTED, "there is no exchange key of this line")
    delivery = Delivery.read(case.message.get(rules.key_element), rules.key_layout)
    usage = USAGES.get(delivery.usage)
    name = KeyName(usage or KeyUsage.EXCHANGE, acquirer, terminal)
    try:
        yield from _taken(delivery, exchange[1].in_use, name, case, house)
    except KeyRefused as refused:
        yield from ask(KeepRecord(_record("key refused", case, name, str(refused))))
        raise Declined(Outcome.FORMAT_ERROR, str(refused), data_element=rules.key_element) from None


class AwaitedKeys:
    """Keys that were asked for (161) and wait until a change of them is over, in order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: list[tuple[Case, KeyName]] = []

    def __len__(self) -> int:
        """How many wait."""
        return len(self._waiting)

    def due(
        self, case: Case, house: House, links: Collection[LinkId]
    ) -> Iterator[tuple[Case, Steps[Response | None]]]:
        """Yield the deliveries to begin, each before the next is looked at.

        Those of ``case``, which has ended, and what waited; but for keys that are being changed
        right now, and for links that are gone.
        """
        waiting, self._waiting = self._waiting, []
        for asker, name in (*waiting, *((case, name) for name in case.wanted_keys)):
            if name in house.changing_keys:
                self._waiting.append((asker, name))
            elif asker.session.link in links:
                own = Case(asker.message, None, asker.rule, asker.session, asker.now, asker.now)
                yield own, deliver_key(own, name, house)


def deliver_key(case: Case, name: KeyName, house: House) -> Steps[Response | None]:
    """Make a key, keep it, and send it to the peer of this line."""
    rules, session = case.profile.security, case.session
    exchange = house.vault.ladder(KeyUsage.EXCHANGE, _owner(name), name.terminal)
    if exchange is None or name in house.changing_keys:
        return None
    house.changing_keys.add(name)
    try:
        house.count_offer(name, case.now.monotonic)
        algorithm = _algorithm(name.usage, case)
        minted = yield from ask(MintKey(exchange[1].in_use, name.usage, algorithm))
        held = ladder_before(name, house.vault)
        end = end_unused(name, case)
        ladder = held.offered(minted.key, end) if held else Ladder(minted.key)
        detail = f"offered, check value {minted.key.check}"
        yield from _keep(name, held, ladder, detail, case, house)
    except (NeighbourUnavailable, KeyRefused) as silent:
        note = Note("key not delivered", {"key": str(name), "why": str(silent)}, is_alarm=True)
        return Response(case.message, Outcome.INTERNAL_ERROR, note=note, is_silent=True)
    finally:
        house.changing_keys.discard(name)
    stan = house.next_stan()
    block = Delivery(minted.key.check, minted.block).text(rules.key_layout)
    elements = {
        7: transmission_stamp(case.now.utc), 11: stan, 32: _owner(name).text,
        **({41: name.terminal.text} if name.terminal else {}),
        rules.key_element: block, 70: rules.key_delivery[0],
    }  # fmt: skip
    case.becomes(IsoMessage("0800", dict(sorted(elements.items()))))
    ready_to_sign(case, house)
    fields = {"link": session.link, "key": str(name), "check": minted.key.check}
    note = Note("key delivery sent", fields)
    response = yield from said(case, note)
    if not response.is_silent:
        session.add_offer(stan, Offer(name, minted.key, case.message[7], case.message[70]))
    return response


def answered_offer(case: Case, offer: Offer, house: House) -> Steps[Response | None]:
    """Hear what the peer says of a key it was sent: 00 puts it into use, all else drops it.

    An answer that is not authentic, or cannot be kept, counts as none: the key stays
    offered, and the first message under it tells as well.
    """
    name, session = offer.name, case.session
    fields = {"link": session.link, "key": str(name), "check": offer.key.check}
    try:
        yield from authenticate(case, house)
    except (Declined, NeighbourUnavailable) as no:
        fields["why"] = str(no)
        note = Note("answer to a key delivery not believed", fields, is_alarm=True)
        return Response(case.message, Outcome.MAC_WRONG, note=note, is_silent=True)
    try:
        yield from _concluded(case, offer, house)
    except NeighbourUnavailable as silent:
        fields["why"] = str(silent)
        note = Note("answer to a key delivery not kept", fields, is_alarm=True)
        return Response(case.message, Outcome.INTERNAL_ERROR, note=note, is_silent=True)
    session.offers.pop(case.message.get(11), None)
    fields["de39"] = case.message.get(39)
    note = Note("key delivery answered", fields, is_alarm=not _is_yes(case))
    return Response(case.message, Outcome.APPROVED, note=note, is_silent=True)


def _concluded(case: Case, offer: Offer, house: House) -> Steps[None]:
    name = offer.name
    if name in house.changing_keys:
        raise NeighbourUnavailable("another change of this key is under way")
    held = house.vault.keys.get(name)
    ladder = None if held is None else _after_answer(held, offer.key, case)
    if ladder is None:
        return
    kind = "in use" if _is_yes(case) else "dropped"
    detail = f"{kind}, check value {offer.key.check}, peer said {case.message.get(39)}"
    house.changing_keys.add(name)
    try:
        yield from _keep(name, held, ladder, detail, case, house)
    finally:
        house.changing_keys.discard(name)


def _is_yes(case: Case) -> bool:
    return case.message.get(39) == case.profile.code_of(Outcome.APPROVED)


def _after_answer(held: Ladder, key: LineKey, case: Case) -> Ladder | None:
    """Return the ladder after the peer's word on ``key``; ``None`` where it is past already."""
    if not held.is_coming:
        return None
    for rung in (held.other, held.spare):
        if rung is not None and key.is_same_as(rung):
            if _is_yes(case):
                return held.seen(rung, case.received.utc, overlap_of(case))
            return held.withdrawn() if rung is held.other else held.without_spare()
    return None


def _taken(
    delivery: Delivery, exchange_key: LineKey, name: KeyName, case: Case, house: House
) -> Steps[None]:
    if name.usage is KeyUsage.EXCHANGE:
        raise KeyRefused("the key block's usage is not one of a line")
    if name in house.changing_keys:
        # No 30: the peer may send it again, and a refusal would let a recording in later.
        raise NeighbourUnavailable("another change of this key is under way")
    house.changing_keys.add(name)
    try:
        key = yield from _imported(delivery, exchange_key, name, case)
        why = why_not(key, name, house.vault, refuses_known=house.policy.refuses_known_keys)
        if why:
            raise KeyRefused(why)
        held = ladder_before(name, house.vault)
        ladder = brought(held, key, name, case)
        # The peer may not have heard that it was taken, and says it again.
        is_known = ladder is held and name in house.vault.keys
        if not is_known:
            require_first(case)
        yield from counted(case, house, changes=not is_known)
        if is_known:
            # Kept again: it may be known here only, where its first confirmation failed.
            yield from ask(KeepKeys(name, ladder, held))
        else:
            detail = f"received, check value {key.check}"
            yield from _keep(name, held, ladder, detail, case, house)
    finally:
        house.changing_keys.discard(name)


def _imported(
    delivery: Delivery, exchange_key: LineKey, name: KeyName, case: Case
) -> Steps[LineKey]:
    algorithm = _algorithm(name.usage, case)
    key = yield from ask(ImportKey(exchange_key, delivery.block, name.usage, algorithm))
    if delivery.check and delivery.check != key.check:
        raise KeyRefused("the key does not have the check value sent with it")
    return key


def _keep(
    name: KeyName, held: Ladder | None, ladder: Ladder, detail: str, case: Case, house: House
) -> Steps[None]:
    """Make ``ladder`` durable and use it, provided that ``held``, of which it was made, still is.

    Raises ``NeighbourUnavailable`` where it is not.
    """
    # The record first: no change of a key without one.
    yield from ask(KeepRecord(_record("key change", case, name, detail)))
    yield from ask(KeepKeys(name, ladder, held))
    house.vault = house.vault.with_ladder(name, ladder)


def _record(kind: str, case: Case, name: KeyName, detail: str) -> AuditRecord:
    return AuditRecord(kind, case.session.peer, str(name), detail)


def _line_of(case: Case, house: House) -> tuple[AcquirerId, TerminalId | None]:
    """Tell whose keys are meant: the bank's that signed on, or one terminal's (DE41).

    A terminal is one the settings list, or one that was given keys of its own: names made
    up on the line must not fill the key file.
    """
    acquirer, terminal = case.session.signed_on_as, terminal_of(case)
    if acquirer is None:
        raise Declined(Outcome.NOT_SIGNED_ON, "a key before sign-on")
    if terminal is None:
        return acquirer, None
    listed = house.policy.acquirers[acquirer].terminals.get(terminal)
    if listed is not None and listed.certificate_name not in ("", *case.session.peer_names):
        raise Declined(Outcome.TERMINAL_NOT_LISTED, "the certificate is not this terminal's")
    if listed is not None:
        return acquirer, terminal
    if any((name.acquirer, name.terminal) == (acquirer, terminal) for name in house.vault.keys):
        return acquirer, terminal
    raise Declined(Outcome.TERMINAL_NOT_LISTED, "DE041 is not listed and has no keys of its own")


def _owner(name: KeyName) -> AcquirerId:
    if name.acquirer is None:
        message = "only a line's keys are delivered"
        raise ValueError(message)
    return name.acquirer


def _needed(bank: AcquirerPolicy) -> tuple[KeyUsage, ...]:
    pin = (KeyUsage.PIN,) if bank.pin is PinPolicy.ISSUER else ()
    return (*pin, *((KeyUsage.MAC,) if bank.requires_mac else ()))


def _algorithm(usage: KeyUsage, case: Case) -> str:
    rules = case.profile.security
    return rules.mac_key_algorithm if usage is KeyUsage.MAC else rules.pin_key_algorithm
