"""The switch's own 0800 echo, which keeps silent links awake and finds dead ones."""

from math import inf

from atm_switch.domain.instant import Instant
from atm_switch.switch.case import Case, Response
from atm_switch.switch.effects import Close, Note
from atm_switch.switch.house import House
from atm_switch.switch.own_request import own_request, said
from atm_switch.switch.policy import SwitchPolicy
from atm_switch.switch.ports import Steps
from atm_switch.switch.session import Session


def is_answer_to_echo(session: Session, stan: str) -> bool:
    """Tell whether a response answers our echo, and end the wait for it."""
    if not session.echo_stan or stan != session.echo_stan:
        return False
    session.echo_stan = ""
    return True


def unanswered_echo(session: Session, policy: SwitchPolicy, now: Instant) -> Close | None:
    """Return the end of a link on which nothing came since our echo, once that is too long."""
    if session.echo_stan and session.heard_at >= session.echo_sent_at:
        session.echo_stan = ""  # any frame shows that the peer is there
    if session.echo_stan and now.monotonic - session.echo_sent_at > policy.echo_answer_seconds:
        return Close(session.link, "our echo was not answered")
    return None


def is_echo_due(session: Session, policy: SwitchPolicy, now: Instant) -> bool:
    """Tell whether a signed-on link has been silent for long enough, and no echo is out."""
    own = session.echo_idle_seconds
    idle = policy.echo_idle_seconds if own is None else own
    if not idle or session.signed_on_as is None or session.echo_stan:
        return False
    return now.monotonic - max(session.heard_at, session.echo_sent_at) >= idle


def echo(session: Session, house: House, now: Instant) -> tuple[Case, Steps[Response]]:
    """Make our echo, and the steps that sign it: its answer is waited for once it is sent."""
    case = own_request(session, house, now, session.dialect.profile.network.echo)
    session.echo_stan, session.echo_sent_at = case.message[11], inf
    return case, _said(case)


def _said(case: Case) -> Steps[Response]:
    """Say it; one that cannot be signed is tried again when the next would be due."""
    session = case.session
    response = yield from said(case, Note("echo sent", {"link": session.link}))
    session.echo_sent_at = case.now.monotonic
    if response.is_silent:
        session.echo_stan = ""
    return response
