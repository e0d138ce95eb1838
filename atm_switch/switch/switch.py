"""The switch's core: frames, answers and ticks in, effects out.  It performs nothing.

Every readable request leaves with a response: the corridor ends in one whatever happens,
and what no corridor takes is refused by name.  A response that comes in is counted and
never answered, so two hosts cannot talk each other into a storm.

The shell calls ``opened``, ``received``, ``answered``, ``tick`` and ``closed``, one at a
time, and carries out the effects in order.
"""

import itertools
from dataclasses import replace
from math import inf
from typing import Any

from atm_switch.domain.errors import FormatError, LedgerUnavailable, NeighbourUnavailable
from atm_switch.domain.identifiers import AcquirerId
from atm_switch.domain.instant import Instant
from atm_switch.messages.mti import is_answerable, is_response
from atm_switch.switch import refusals
from atm_switch.switch.authentication import guarded, signed
from atm_switch.switch.balance_inquiry import balance_inquiry, place_of
from atm_switch.switch.case import ENDINGS, Case, Open, Response
from atm_switch.switch.crowd import Crowd
from atm_switch.switch.doors import Joined
from atm_switch.switch.effects import Asked, Close, Effect, LinkId, Note, Ticket
from atm_switch.switch.house import House
from atm_switch.switch.key_exchange import AwaitedKeys
from atm_switch.switch.ledger_gate import NOT_ASKED, OF_LEDGER, LedgerGate
from atm_switch.switch.network_management import network_management
from atm_switch.switch.notes import note_of, note_of_closed, note_of_unknown, note_of_unreadable
from atm_switch.switch.own_sign_off import sign_off, stands
from atm_switch.switch.own_sign_on import sign_on
from atm_switch.switch.own_word import Word, due, heard
from atm_switch.switch.ports import Ask, AwaitTick, KeepKeys, Steps, TakeTurn, silence_of
from atm_switch.switch.reversal import reversal
from atm_switch.switch.rounds import Rounds
from atm_switch.switch.sending import Entries, not_sent, sent
from atm_switch.switch.session import STRIKING, Dialect, Session, SigningOn
from atm_switch.switch.turns import Turns
from atm_switch.switch.untold import Tellings
from atm_switch.wire.framing import Frame
from atm_switch.wire.message import IsoMessage

NOT_JUST_ASKED = frozenset((TakeTurn, AwaitTick, KeepKeys))
"""Questions that the switch answers itself, or does not wait for."""


class Switch:
    """The state of all links and all requests under way."""

    def __init__(self, house: House) -> None:
        """Begin with no link."""
        self._house = house
        self._sessions: dict[LinkId, Session] = {}
        self._rounds = Rounds(self._sessions)
        self._open: dict[Ticket, Open] = {}
        self._tickets = itertools.count(1)
        self.tellings = Tellings(self._tickets)
        self._turns = Turns()
        self._crowd = Crowd()
        self._ledger = LedgerGate()
        self._awaited = AwaitedKeys()

    @property
    def in_flight(self) -> int:
        """Count the requests that wait for a neighbour."""
        return len(self._open)

    @property
    def refuses_ledger(self) -> bool:
        """Whether the ledger failed so often that it is hardly asked."""
        return self._ledger.is_shut

    def session_of(self, link: LinkId) -> Session | None:
        """Return the state of a link, or ``None`` for one that is gone."""
        return self._sessions.get(link)

    def opened(
        self, link: LinkId, peer: str, dialect: Dialect, acquirer: AcquirerId | None, now: Instant,
        *, peer_names: frozenset[str] = frozenset(), is_tls: bool = False,
    ) -> list[Effect]:  # fmt: skip
        """Take a new link, which speaks ``dialect`` and belongs to ``acquirer`` if named."""
        session = Session(link, peer, dialect, acquirer, now.monotonic, peer_names, is_tls)
        self._sessions[link] = session
        names = {"certificate": sorted(peer_names)} if is_tls else {}
        return [Note("link opened", {"link": link, "peer": peer, **names})]

    def dialled(self, link: LinkId, echo_idle_seconds: float | None, now: Instant) -> list[Effect]:
        """Sign on over a link that this switch opened; it keeps itself awake as it is told."""
        session = self._sessions[link]
        session.signing_on = SigningOn(now.monotonic)
        session.echo_idle_seconds = echo_idle_seconds
        return self._begin(*sign_on(session, self._house, now))

    def closed(self, link: LinkId, reason: str, unsent: Entries = ()) -> list[Effect]:
        """Forget a link; what it has under way is finished for the journal, not sent.

        ``unsent``: of requests whose answers were to leave on it and did not.
        """
        session = self._sessions.pop(link, None)
        if session is None:
            return []
        return [note_of_closed(session, reason, len(unsent)), *not_sent(unsent, self.tellings)]

    def received(
        self, link: LinkId, frame: Frame, now: Instant, began: float | None = None,
        served_max: int = 0,
    ) -> list[Effect]:  # fmt: skip
        """Take one frame of a link, whose first byte came at ``began`` (monotonic seconds).

        ``served_max``: an inquiry beyond so many of its link is declined; 0 is no limit.
        """
        session = self._sessions.get(link)
        if session is None:
            return []
        session.heard_at = now.monotonic
        try:
            message = session.dialect.packager.unpack(frame.payload)
        except FormatError as fault:
            return self._unreadable(session, frame, fault, now, began)
        if is_response(message.mti):
            return self._own_word(heard(session, message, frame, self._house, now))
        rule = session.dialect.rules.get(message.mti)
        if rule is None:
            return self._unknown(session, message, frame, now, began)
        case = Case(message, frame.header, rule, session, now, now, began, payload=frame.payload)
        return self._request(case, served_max)

    def failed(
        self, link: LinkId, frame: Frame, place: str, now: Instant, began: float | None = None
    ) -> list[Effect]:
        """Answer a frame that a mistake of ours met: 96, unless its request is under way."""
        session = self._sessions.get(link)
        case = None if session is None else refusals.failed_on(session, frame, now, began)
        if case is None or any(one.case.payload is frame.payload for one in self._open.values()):
            return []
        return self._begin(case, refusals.refuse_failed(case, place, self._house))

    def answered(self, ticket: Ticket, answer: Any, now: Instant) -> list[Effect]:
        """Go on with a corridor; an exception as ``answer`` is raised where it waits.

        A ticket that was given up in the meantime is ignored.
        """
        waiting = self._open.pop(ticket, None)
        if waiting is None:
            late = self._house.heard_late(ticket, answer)
            late += self.tellings.heard(ticket, answer)
            return [*late, *self._ledger.probed(ticket, answer, now.monotonic)]
        is_ledgers = type(waiting.question) in OF_LEDGER
        told = self._ledger.heard(waiting.question, answer, now.monotonic) if is_ledgers else None
        effects = self._advance(waiting, answer, now)
        return [*told, *effects] if told else effects

    def tick(self, now: Instant, until: float = inf) -> list[Effect]:
        """Let time pass: give up what waits too long, by ``until`` at most; keep links awake."""
        effects: list[Effect] = [*self._ledger.probe(self._tickets, now.monotonic)]
        effects += self.tellings.again()
        for ticket, waiting in list(self._open.items()):
            case, question = waiting.case, waiting.question
            case.deadline = min(case.deadline, until)
            if now.monotonic > case.given_up_at(question):
                self._house.given_up(ticket, question, case)
                effects += self.answered(ticket, silence_of(question), now)
            elif isinstance(question, AwaitTick):
                effects += self.answered(ticket, None, now)
        for session in self._rounds.look():
            effects += self._own_word(due(session, self._house, now))
        return effects

    def leave(self, now: Instant) -> list[Effect]:
        """Sign off wherever this switch has signed on by itself."""
        words = [sign_off(one, self._house, now) for one in self._sessions.values() if stands(one)]
        return [effect for word in words for effect in self._begin(*word)]

    def _request(self, case: Case, served_max: int) -> list[Effect]:
        house = self._house
        if case.rule.name == "network":
            return self._begin(case, guarded(case, house, lambda: network_management(case, house)))
        if case.rule.name == "reversal":
            return self._begin(case, guarded(case, house, lambda: reversal(case)))
        case.no_room = self._crowd.why_no_room(case, house.policy, served_max)
        return self._begin(case, guarded(case, house, lambda: balance_inquiry(case, house)))

    def _begin(self, case: Case, steps: Steps[Response] | Steps[Response | None]) -> list[Effect]:
        return self._advance(Open(case, steps), None, case.received)

    def _advance(self, waiting: Open, answer: Any, now: Instant) -> list[Effect]:
        case, steps = waiting.case, waiting.steps
        case.now = now
        is_fault = isinstance(answer, BaseException)
        if is_fault and not isinstance(answer, Exception):
            answer = NeighbourUnavailable(type(answer).__name__)  # a cancelled task is no answer
        try:
            question: Ask[Any] = steps.throw(answer) if is_fault else steps.send(answer)
        except StopIteration as end:
            return self._finished(case, end.value)
        except Joined as joined:
            self._crowd.enter(case)  # it waits like the first, and must be as bounded
            joined.flight.waiting.append(case)
            return [note_of(case, None, "joined the same request under way")]
        except Exception as mistake:  # noqa: BLE001  never a hung terminal, never 00
            return self._finished(case, refusals.mistaken(case, place_of(mistake)))
        if self._ledger.breaker.is_open and self._ledger.refuses(question, now.monotonic):
            return self._advance(waiting, LedgerUnavailable(NOT_ASKED), now)
        ticket = next(self._tickets)
        waiting.question = question
        self._open[ticket] = waiting
        if not case.is_counted:
            self._crowd.enter(case)
        kind = type(question)
        if kind in NOT_JUST_ASKED:
            return self._not_just_asked(ticket, question, case, now)
        until = case.given_up_at(question) if kind in ENDINGS else case.deadline
        return [Asked(ticket, question, until)]

    def _not_just_asked(
        self, ticket: Ticket, question: Ask[Any], case: Case, now: Instant
    ) -> list[Effect]:
        if isinstance(question, TakeTurn):
            has_turn = self._turns.take(question.card.digest, ticket)
            return self._give_turn(question.card.digest, ticket, now) if has_turn else []
        if not isinstance(question, KeepKeys):
            return []
        asked = Asked(ticket, question, case.given_up_at(question))
        if question.is_awaited:
            return [asked]
        self._house.late_keys.asked(ticket, question)
        return [asked, *self.answered(ticket, None, now)]  # what comes of it is heard late

    def _give_turn(self, card: bytes, ticket: Ticket, now: Instant) -> list[Effect]:
        self._open[ticket].case.card_turn = card
        return self.answered(ticket, None, now)

    def _finished(self, case: Case, response: Response | None) -> list[Effect]:
        self._crowd.leave(case)
        effects: list[Effect] = []
        if response is not None:
            is_open = case.session.link in self._sessions
            effects += sent(case, response, self.tellings, is_open=is_open)
            effects += self._told_others(case, response)
            if case.is_stray or response.outcome in STRIKING:
                effects += self._strike(case.session, case.received)
        for own, steps in self._awaited.due(case, self._house, self._sessions):
            effects += self._begin(own, steps)
        if case.card_turn is not None:
            following = self._turns.pass_on(case.card_turn, self._open)
            if following is not None:
                effects += self._give_turn(case.card_turn, following, case.now)
        return effects

    def _told_others(self, case: Case, response: Response) -> list[Effect]:
        """Give the answer to whoever joined, in the dialect and under the key of each."""
        flight = self._house.flights.pop(case.flight, None) if case.flight else None
        effects: list[Effect] = []
        is_kept = response.is_repeat or (case.is_first and not case.has_doubtful_row)
        for other in flight.waiting if flight else ():
            other.joins_kept = is_kept
            again = replace(
                response, payload=None, is_signed=False, is_repeat=True, reason="joined the first"
            )
            effects += self._advance(Open(other, signed(other, again)), None, case.now)
        return effects

    def _unknown(
        self, session: Session, message: IsoMessage, frame: Frame, now: Instant, began: float | None
    ) -> list[Effect]:
        if not is_answerable(message.mti):
            return [note_of_unknown(session, message, None), *self._strike(session, now)]
        case = refusals.stray(session, message, frame, now, began)
        return self._begin(case, refusals.refuse_unknown(case, self._house))

    def _unreadable(
        self, session: Session, frame: Frame, fault: FormatError, now: Instant, began: float | None
    ) -> list[Effect]:
        session.ignored_responses += is_response(fault.mti)
        if not is_answerable(fault.mti):
            return [note_of_unreadable(session, fault), *self._strike(session, now)]
        case = refusals.stray(session, IsoMessage(fault.mti, fault.readable), frame, now, began)
        return self._begin(case, refusals.refuse_unreadable(case, fault, self._house))

    def _strike(self, session: Session, now: Instant) -> list[Effect]:
        return refusals.strike(session, self._house.policy.bad_frames_per_minute, now)

    def _own_word(self, word: Word | Note | Close | None) -> list[Effect]:
        """Say what the switch says by itself, or go on with the answer to it."""
        if word is None:
            return []
        return self._begin(*word) if isinstance(word, tuple) else [word]
