"""Play one case against a host: connect, sign on, step by step, and judge what came back."""

import asyncio
import random
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from atm_switch.domain.errors import Refused
from atm_switch.domain.outcome import Outcome
from atm_switch.profile.model import Profile
from atm_switch.wire.message import IsoMessage
from terminal_emulator.address import Address
from terminal_emulator.kit import Kit
from terminal_emulator.scenario.deeds import Owed, Watched
from terminal_emulator.scenario.exchange import Exchange
from terminal_emulator.scenario.judge import Difference, Heard, differences
from terminal_emulator.scenario.model import VERBS, Case, Expectation, Step
from terminal_emulator.scenario.shaping import edited, framed, raw_octets
from terminal_emulator.scenario.speech import Speaker
from terminal_emulator.scenario.target import Target
from terminal_emulator.terminal import STAN_MAX, Verb

SECONDS = 10.0
"""How long an answer is waited for."""
_APPROVED = Expectation(outcome="approved")


@dataclass(frozen=True, slots=True)
class Host:
    """Whom to play against, and as which terminal."""

    address: Address
    kit: Kit
    profile: Profile
    target: Target
    tls: ssl.SSLContext | None = None
    seconds: float = SECONDS


@dataclass(slots=True)
class StepResult:
    """What came of a step."""

    step: Step
    wrong: list[Difference] = field(default_factory=list)
    sent: bytes = field(default=b"", repr=False)
    heard: list[Heard] = field(default_factory=list)
    watched: Watched | None = None
    """``None`` where the host was not looked at."""


@dataclass(slots=True)
class CaseResult:
    """What came of a case."""

    case: Case
    steps: list[StepResult] = field(default_factory=list)
    seconds: float = 0.0
    error: str = ""
    """Why it could not be played to its end."""
    skipped: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether everything was as expected."""
        return not self.error and not any(step.wrong for step in self.steps)


class Play:
    """One run of one case."""

    def __init__(self, case: Case, host: Host, first_stan: int, chance: random.Random) -> None:
        """Begin with a fresh terminal that counts from ``first_stan``; ``chance`` draws garbage."""
        self._case, self._host, self._chance = case, host, chance
        self._speaker = Speaker(host.kit, host.profile, host.target, first_stan)
        self._exchange = Exchange(host.address, host.profile, self._speaker.keys, host.tls)
        self._answers: dict[str, bytes] = {}
        self._owed = Owed()

    @property
    def next_stan(self) -> int:
        """What the next case of the same terminal begins with."""
        return self._speaker.terminal.next_stan

    async def run(self) -> CaseResult:
        """Play all steps; stop at the first that cannot be done.

        Raises ``Unreachable`` where the case cannot begin.
        """
        result, began = CaseResult(self._case), time.monotonic()
        await self._exchange.connect()
        try:
            if self._case.sign_on:
                await self._sign_on()
            for _ in range(self._case.repeat):
                for step in self._case.steps:
                    for _ in range(step.repeat):
                        result.steps.append(await self._step(step))
        except Refused as refused:
            result.error = str(refused)
        except ValueError as wrong:
            result.error = f"the step cannot be done: {wrong}"
        finally:
            await self._leave()
        result.seconds = time.monotonic() - began
        return result

    async def _sign_on(self) -> None:
        await self._exchange.say(self._speaker.network(Verb.SIGN_ON))
        heard = await self._exchange.hear(self._host.seconds, _now())
        code = heard.message.get(39) if heard and heard.message else ""
        if code != self._host.target.code(self._host.profile.code_of(Outcome.APPROVED)):
            raise Refused(f"the sign-on before the case was answered {code or 'nothing'}")

    async def _leave(self) -> None:
        if self._case.sign_on and not self._exchange.how_ended:
            await self._exchange.say(self._speaker.network(Verb.SIGN_OFF))
            await self._exchange.hear(1.0, 0.0)
        await self._exchange.close()

    async def _step(self, step: Step) -> StepResult:
        result, began = StepResult(step), _now()
        profile, expected = self._host.profile, step.expect
        asked: IsoMessage | None = None
        if step.do in VERBS:
            asked = self._speaker.message(step)
            result.sent = edited(self._speaker.signed(asked, step.mac), step)
            self._owed.stans.add(asked.get(11))
            await self._exchange.send(framed(profile, result.sent, step), step)
            if expected is None and not step.seconds:
                expected = _APPROVED if step.do != "inquire" else Expectation()
        elif step.do == "raw":
            result.sent = raw_octets(step, profile, self._chance)
            await self._exchange.send(result.sent, step)
        else:
            await self._other(step)
        if expected is not None and not step.hold:
            await self._judge(result, expected, asked, began)
        elif step.seconds and step.do != "wait":
            await self._watch(result, step.seconds, began)
        return result

    async def _other(self, step: Step) -> None:
        if step.do == "connect":
            await self._exchange.connect()
        wire = self._exchange.wire
        if wire is None:
            return
        if step.do == "hang-up":
            await wire.close()
        elif step.do == "reset":
            wire.reset()
        elif step.do == "half-close":
            wire.half_close()
        elif step.do == "wait":
            await asyncio.sleep(step.seconds)

    async def _judge(
        self, result: StepResult, expected: Expectation, asked: IsoMessage | None, began: float
    ) -> None:
        target, profile = self._host.target, self._host.profile
        count = 0 if expected.silent is not None else expected.answers
        stan = asked.get(11) if asked is not None and count == 1 else ""
        for _ in range(count):
            heard = await self._answer_to(
                stan, max(expected.within or 0.0, self._host.seconds), began
            )
            if heard is None:
                how = self._exchange.how_ended
                what = f"{count} answer{'s' if count > 1 else ''}"
                got = f"{len(result.heard)}, {how or 'silence'}"
                result.wrong.append(Difference("answers", what, got))
                break
            result.heard.append(heard)
            result.wrong += differences(heard, expected, asked, self._answers, target, profile)
        if result.heard and result.step.save:
            self._answers[result.step.save] = result.heard[-1].payload
        result.wrong += await self._after(expected)
        result.watched = self._seen(began)

    async def _answer_to(self, stan: str, seconds: float, began: float) -> Heard | None:
        """Hear the next answer that is not one to a request nobody waits for any more."""
        ends = _now() + seconds
        while True:
            heard = await self._exchange.hear(max(0.0, ends - _now()), began)
            if heard is None or not self._owed.is_late(heard, stan):
                return heard

    async def _watch(self, result: StepResult, seconds: float, began: float) -> None:
        """Take down what the host does for so long, without judging it."""
        ends = _now() + seconds
        while (left := ends - _now()) > 0 and not self._exchange.how_ended:
            heard = await self._exchange.hear(left, began)
            if heard is not None:
                result.heard.append(heard)
        result.watched = self._seen(began)

    def _seen(self, began: float) -> Watched:
        wire = self._exchange.wire
        ended = wire.ended_at - began if wire and wire.how_ended else 0.0
        return Watched(_now() - began, self._exchange.how_ended, ended)

    async def _after(self, expected: Expectation) -> Iterable[Difference]:
        wrong: list[Difference] = []
        wire = self._exchange.wire
        if wire is None:
            return wrong
        if expected.silent is not None:
            came = await wire.frame(expected.silent)
            if came is not None:
                wrong.append(Difference("silence", f"for {expected.silent:g} s", "an answer"))
        if expected.closed and not await wire.end(expected.within or self._host.seconds):
            wrong.append(Difference("link", "closed by the host", "still open"))
        if not expected.closed and wire.how_ended.endswith("by the host"):
            wrong.append(Difference("link", "open", wire.how_ended))
        return wrong


def _now() -> float:
    return asyncio.get_running_loop().time()


@dataclass(slots=True)
class Lane:
    """One of the terminals that play cases side by side, and where it is in its counting.

    It counts on from case to case: two of one second are no repeat to the host.
    """

    host: Host
    next_stan: int


def lanes_of(host: Host, count: int, seed: str) -> list[Lane]:
    """Return so many; where they are one terminal to the host, they begin far apart."""
    first = random.Random(f"{seed} STAN").randrange(STAN_MAX)  # noqa: S311 - no secret
    return [
        Lane(_with_terminal(host, number), (first + number * STAN_MAX // count) % STAN_MAX + 1)
        for number in range(count)
    ]


def _with_terminal(host: Host, number: int) -> Host:
    if number == 0 or host.kit.owns_keys:
        return host
    return replace(host, kit=host.kit.with_words(terminal=f"P{number:07d}"))
