"""Play one case against a host: connect, sign on, step by step, and judge what came back."""

import asyncio
import random
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import pairwise

from atm_switch.domain.errors import FormatError, Refused
from atm_switch.domain.outcome import Outcome
from atm_switch.messages.mti import is_response
from atm_switch.profile.model import Profile
from atm_switch.wire.framing import Frame, answering_header, enclose
from atm_switch.wire.message import IsoMessage
from atm_switch.wire.packager import Packager
from terminal_emulator.address import Address
from terminal_emulator.kit import Kit
from terminal_emulator.scenario.judge import Difference, Heard, differences
from terminal_emulator.scenario.model import VERBS, Case, Expectation, Step
from terminal_emulator.scenario.speech import Speaker, edited, framed
from terminal_emulator.scenario.target import Target
from terminal_emulator.scenario.wire import Wire
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
    report: str = ""
    """What the host did, where nothing in particular was expected."""


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

    def __init__(self, case: Case, host: Host, chance: random.Random) -> None:
        """Begin with a fresh terminal."""
        self._case, self._host = case, host
        self._profile, self._packager = host.profile, Packager(host.profile)
        self._speaker = Speaker(host.kit, host.profile, host.target, chance.randint(1, STAN_MAX))
        self._wire: Wire | None = None
        self._answers: dict[str, bytes] = {}
        self._held = b""

    async def run(self) -> CaseResult:
        """Play all steps; stop at the first that cannot be done."""
        result, began = CaseResult(self._case), time.monotonic()
        try:
            await self._connect()
            if self._case.sign_on:
                await self._sign_on()
            for _ in range(self._case.repeat):
                for step in self._case.steps:
                    result.steps.append(await self._step(step))
        except Refused as refused:
            result.error = str(refused)
        except ValueError as wrong:
            result.error = f"the step cannot be done: {wrong}"
        finally:
            await self._leave()
        result.seconds = time.monotonic() - began
        return result

    async def _connect(self) -> None:
        if self._wire is not None:
            await self._wire.close()
        host = self._host
        self._wire = await Wire.open(host.address, host.profile, self._own, host.tls)

    async def _sign_on(self) -> None:
        await self._write(enclose(self._profile.framing, self._speaker.network(Verb.SIGN_ON)))
        heard = await self._hear(self._host.seconds, asyncio.get_running_loop().time())
        code = heard.message.get(39) if heard and heard.message else ""
        if code != self._profile.code_of(Outcome.APPROVED):
            raise Refused(f"the sign-on before the case was answered {code or 'nothing'}")

    async def _leave(self) -> None:
        if self._wire is None:
            return
        if self._case.sign_on and not self._wire.how_ended:
            await self._write(enclose(self._profile.framing, self._speaker.network(Verb.SIGN_OFF)))
            await self._hear(1.0, 0.0)
        await self._wire.close()

    async def _step(self, step: Step) -> StepResult:
        result, loop = StepResult(step), asyncio.get_running_loop()
        expected = step.expect
        asked: IsoMessage | None = None
        began = loop.time()
        if step.do in VERBS:
            asked = self._speaker.message(step)
            result.sent = edited(self._speaker.signed(asked, step.mac), step)
            await self._send(framed(self._profile, result.sent, step.length), step)
            expected = expected or (_APPROVED if step.do != "inquire" else Expectation())
        elif step.do == "raw":
            result.sent = edited(step.octets, step)
            await self._send(result.sent, step)
        else:
            await self._other(step)
        if expected is not None and not step.hold:
            await self._judge(result, expected, asked, began)
        return result

    async def _other(self, step: Step) -> None:
        if step.do == "connect":
            await self._connect()
        elif self._wire is None:
            return
        elif step.do == "hang-up":
            await self._wire.close()
        elif step.do == "reset":
            self._wire.reset()
        elif step.do == "half-close":
            self._wire.half_close()
        elif step.do == "wait":
            await asyncio.sleep(step.seconds)

    async def _judge(
        self, result: StepResult, expected: Expectation, asked: IsoMessage | None, began: float
    ) -> None:
        target, profile = self._host.target, self._profile
        count = 0 if expected.silent is not None else expected.answers
        for _ in range(count):
            heard = await self._hear(max(expected.within or 0.0, self._host.seconds), began)
            if heard is None:
                how = self._wire.how_ended if self._wire else ""
                what = f"{count} answer{'s' if count > 1 else ''}"
                got = f"{len(result.heard)}, {how or 'silence'}"
                result.wrong.append(Difference("answers", what, got))
                break
            result.heard.append(heard)
            result.wrong += differences(heard, expected, asked, self._answers, target, profile)
        if result.heard and result.step.save:
            self._answers[result.step.save] = result.heard[-1].payload
        result.wrong += await self._after(expected)
        result.report = self._wire.how_ended if self._wire else ""

    async def _after(self, expected: Expectation) -> Iterable[Difference]:
        wrong: list[Difference] = []
        if self._wire is None:
            return wrong
        if expected.silent is not None:
            came = await self._wire.frame(expected.silent)
            if came is not None:
                wrong.append(Difference("silence", f"for {expected.silent:g} s", "an answer"))
        if expected.closed and not await self._wire.end(expected.within or self._host.seconds):
            wrong.append(Difference("link", "closed by the host", "still open"))
        if not expected.closed and self._wire.how_ended.endswith("by the host"):
            wrong.append(Difference("link", "open", self._wire.how_ended))
        return wrong

    async def _hear(self, seconds: float, began: float) -> Heard | None:
        came = await self._wire.frame(seconds) if self._wire else None
        if came is None:
            return None
        try:
            message = self._packager.unpack(came.payload)
        except FormatError as fault:
            return Heard(came.payload, None, came.at - began, str(fault))
        authentic = self._speaker.keys.is_authentic(came.payload, message, self._profile)
        return Heard(came.payload, message, came.at - began, is_authentic=authentic)

    async def _send(self, octets: bytes, step: Step) -> None:
        octets = self._held + octets * step.times
        if step.hold:
            self._held = octets
            return
        self._held = b""
        is_fine = step.split == "every" or step.drip
        cuts = range(1, len(octets)) if is_fine else sorted(_offsets(step.split))
        places = [0, *(at for at in cuts if 0 < at < len(octets)), len(octets)]
        for first, last in pairwise(places):
            await self._write(octets[first:last])
            # The loop gets to send each piece by itself.
            await asyncio.sleep(step.drip)

    async def _write(self, octets: bytes) -> None:
        if self._wire is not None:
            await self._wire.write(octets)

    def _own(self, frame: Frame) -> bytes | None:
        """Answer the host's own 0800 with 00; anything else is an answer to be judged."""
        try:
            message = self._packager.unpack(frame.payload)
        except FormatError:
            return None
        rule = self._profile.messages["network"]
        if is_response(message.mti) or message.mti not in rule.mti:
            return None
        if message.get(70) in self._profile.security.key_delivery:
            return b""  # a key taken here would be lost with the case
        elements = {**message.only(rule.echo), 39: self._profile.code_of(Outcome.APPROVED)}
        answer = IsoMessage("0810", dict(sorted(elements.items())))
        packed = self._speaker.keys.pack(answer, self._packager, like=frame.payload)
        header = answering_header(self._profile.framing, frame.header)
        return enclose(self._profile.framing, packed, header)


def _offsets(split: tuple[int, ...] | str) -> tuple[int, ...]:
    return () if isinstance(split, str) else split


def with_terminal(host: Host, number: int) -> Host:
    """Return the host as another terminal sees it, for cases played side by side."""
    if number == 0 or host.kit.owns_keys:
        return host
    return replace(host, kit=host.kit.with_words(terminal=f"P{number:07d}"))
