"""The ATM's full screen: draws a ``Visit``, presses its keys, asks the host for it.

Plan: everything the machine knows is in ``visit.py``; here keys and clicks go in, and after
each the glass, the keys, the card slot, the tray and the slip are drawn anew.  The line to
the host lives on the same event loop, so the host's own messages are answered meanwhile.
Limits: 80x24 and up; narrower than ``WIDE`` the exchange takes the ATM's place.  A PIN that
is pasted is one text in Textual's own reading; one typed digit by digit never is.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

from rich.traceback import Traceback
from textual import events
from textual.app import App, ComposeResult, ScreenStackError
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.geometry import Offset
from textual.widgets import RichLog, Static

from atm_switch.domain.errors import Refused
from atm_switch.domain.mask import mask_pan
from atm_switch.messages.inquiry_data import InquiryData
from atm_switch.profile.model import Profile
from terminal_emulator.address import Address
from terminal_emulator.answers import InquiryResult
from terminal_emulator.atm_screen.deck import SampleCard
from terminal_emulator.atm_screen.exchange import Exchange
from terminal_emulator.atm_screen.faces import Act, Page
from terminal_emulator.atm_screen.parts import PAD, PadKey, SideKey
from terminal_emulator.atm_screen.visit import Machine, Question, Visit
from terminal_emulator.kit import Kit
from terminal_emulator.screen import TORN
from terminal_emulator.slips.paper import Paper, paper_of_result
from terminal_emulator.standing_line import StandingLine

WIDE, VAST, TALL = 124, 168, 26
"""From here on the slip, then also the exchange, has a place beside the ATM."""
SHORT_LINES = 10
"""A page with fewer lines stands in the middle of the glass."""
TICK_SECONDS, RETRY_SECONDS, SLIDE_SECONDS = 0.25, 5.0, 1.2
EXCHANGE_LINES_MAX = 5_000
FOOT = "  ".join(
    f"[@click=app.{action}][b]{key}[/b] {label}[/]"
    for key, label, action in (
        ("Enter", "OK/take slip", "pad('enter')"),
        ("Esc", "Cancel", "pad('escape')"),
        ("Bksp", "Clear", "pad('backspace')"),
        ("F9/x", "ISO 8583", "exchange"),
        ("F10/t", "Theme", "theme"),
        ("^Q", "Off", "quit"),
    )
)
"""Not Textual's footer: in a browser that one stays empty until the window gets the focus."""
DARK, LIGHT = "textual-dark", "textual-light"


KEYS = (
    *((f"f{slot + 1},{'abcdefgh'[slot]}", f"side({slot})") for slot in range(8)),
    *((str(digit), f"digit({digit})") for digit in range(10)),
    ("enter", "pad('enter')"),
    ("escape", "pad('escape')"),
    ("backspace,delete", "pad('backspace')"),
    ("f9,x", "exchange"),
    ("f10,t", "theme"),
    ("pageup", "page(-1)"),
    ("pagedown", "page(1)"),
    ("ctrl+q,ctrl+c", "quit"),
)
"""Every key and what it does.  All in one way, so that fast typing keeps its order."""


class AtmApp(App[None]):
    """One ATM; ``line`` is called when the screen is up."""

    CSS_PATH = "atm.tcss"
    TITLE = "ATM"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(key, action, show=False, priority=True) for key, action in KEYS
    ]

    def __init__(
        self,
        line: StandingLine,
        kit: Kit,
        profile: Profile,
        address: Address,
        machine: Machine,
    ) -> None:
        """Keep what the ATM is made of."""
        super().__init__()
        self.visit = Visit(machine)
        self._line, self._kit, self._address = line, kit, address
        self._exchange = Exchange(profile)
        self._clock = machine.clock
        self._retry_at = 0.0
        self._slip_shown: Paper | None = None

    def compose(self) -> ComposeResult:
        """Lay the machine out."""
        station = self._kit.station
        place = " ".join(station.location.split())
        with Horizontal(id="title"):
            yield Static(f"ATM {station.terminal.text}  {place}", id="place", markup=False)
            yield Static(id="host", markup=False)
        with Horizontal(id="all"):
            with Vertical(id="atm"):
                with Horizontal(id="front"):
                    yield Vertical(*(SideKey(slot) for slot in range(4)), id="left", classes="side")
                    yield Static(id="glass", markup=False)
                    yield Vertical(
                        *(SideKey(slot) for slot in range(4, 8)), id="right", classes="side"
                    )
                with Horizontal(id="desk"):
                    yield Static(id="card", classes="slot", markup=False)
                    yield Vertical(*(PadKey(label, name) for label, name in PAD), id="pad")
                    yield Static(id="tray", classes="slot", markup=False)
            log = RichLog(id="exchange", wrap=True, max_lines=EXCHANGE_LINES_MAX, min_width=40)
            log.can_focus = False
            yield log
        yield Static(id="paper", markup=False)
        yield Static(FOOT, id="foot")

    def on_mount(self) -> None:
        """Switch the machine on."""
        self.query_one("#card").border_title = "KARTU / CARD"
        self.query_one("#tray").border_title = "STRUK / SLIP"
        self.query_one("#exchange").border_title = "ISO 8583 (masked)"
        self.set_interval(TICK_SECONDS, self.tick)
        self._call_host()
        self.draw()

    def watch_message(self, is_sent: bool, payload: bytes) -> None:  # noqa: FBT001  see Watch
        """Write a message that passes into the second pane."""
        at = datetime.now(UTC).astimezone(self._kit.station.zone.tzinfo)
        try:
            log = self.query_one("#exchange", RichLog)
        except (NoMatches, ScreenStackError):
            return  # the sign-off, when the screen is gone
        for text in self._exchange.lines_of(payload, is_sent=is_sent, at=at):
            log.write(text)

    def tick(self) -> None:
        """Let time pass: pages run out, a lost host is called again."""
        self.visit.tick()
        if self.visit.page is Page.CLOSED and self._clock() >= self._retry_at:
            self._call_host()
        self.draw()

    def action_side(self, slot: int) -> None:
        """Press a side key."""
        key = self.visit.face().keys.get(slot)
        if key is not None and key.act is Act.RETRY:
            self._call_host()
        self._after(lambda: self.visit.press(slot))

    def action_digit(self, digit: int) -> None:
        """Press a digit of the pad."""
        self._after(lambda: self.visit.digit(digit))

    def action_pad(self, name: str) -> None:
        """Press one of the coloured keys of the pad."""
        does = {
            "enter": self.visit.enter,
            "escape": self.visit.cancel,
            "backspace": self.visit.erase,
        }
        self._after(does[name])

    def action_exchange(self) -> None:
        """Show or hide the ISO 8583 exchange."""
        self.screen.toggle_class("-exchange")

    def action_theme(self) -> None:
        """Change between dark and light."""
        self.theme = LIGHT if self.theme == DARK else DARK

    def action_page(self, direction: int) -> None:
        """Scroll the exchange by a page."""
        log = self.query_one("#exchange", RichLog)
        log.scroll_relative(y=direction * max(1, log.size.height - 1), animate=False)

    def on_side_key_pressed(self, event: SideKey.Pressed) -> None:
        """Take a click on a side key."""
        self.action_side(event.slot)

    def on_pad_key_pressed(self, event: PadKey.Pressed) -> None:
        """Take a click on the pad."""
        if event.name.isdecimal():
            self.action_digit(int(event.name))
        else:
            self.action_pad(event.name)

    def on_click(self, event: events.Click) -> None:
        """Take the slip that is clicked."""
        if event.widget is not None and event.widget.id == "paper":
            self.action_pad("enter")

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the new size."""
        self.screen.set_class(event.size.width < WIDE, "narrow")
        self.screen.set_class(event.size.width >= WIDE, "wide")
        self.screen.set_class(event.size.width >= VAST, "vast")
        self.screen.set_class(event.size.height >= TALL, "tall")

    def draw(self) -> None:
        """Draw everything anew; nothing once the screen is gone, or is being taken down."""
        with suppress(NoMatches, ScreenStackError):
            self._draw_all()

    def _draw_all(self) -> None:
        glass, face = self.query_one("#glass", Static), self.visit.face()
        glass.set_class(face.is_alarm, "-alarm")
        glass.set_class(len(face.lines) < SHORT_LINES, "-short").update("\n".join(face.lines))
        for slot in range(8):
            self.query_one(f"#key{slot}", SideKey).show(face.keys.get(slot))
        is_up = "up" if self._line.is_up else "down"
        self.query_one("#host", Static).update(f"host {self._address} {is_up}")
        self._draw_card()
        self._draw_slip()

    def _draw_card(self) -> None:
        visit, slot = self.visit, self.query_one("#card", Static)
        is_retained = visit.page is Page.RETAINED
        slot.set_class(bool(visit.card), "-inside")
        slot.set_class(is_retained, "-retained")
        inside = mask_pan(visit.card) if visit.card else "━" * 16
        slot.update("DITAHAN / RETAINED" if is_retained else inside)

    def _draw_slip(self) -> None:
        slip, was = self.visit.slip, self._slip_shown
        self.query_one("#tray", Static).update(
            "━" * 16 if slip is None else "━" * 16 + "\nEnter: ambil / take"
        )
        if slip is was:
            return
        self._slip_shown = slip
        self.screen.set_class(slip is not None, "-slip")
        if slip is None:
            return
        paper = self.query_one("#paper", Static)
        lines = list(slip.lines)
        if len(lines) < self.size.height:
            lines.append(TORN * (slip.width // 2))
        paper.update("\n".join(lines))
        paper.offset = Offset(0, self.size.height)
        paper.animate("offset", Offset(0, 0), duration=SLIDE_SECONDS, easing="linear")

    def _after(self, press: Callable[[], None]) -> None:
        press()
        question = self.visit.take_question()
        if question is not None:
            self.run_worker(self._ask(question), group="question")
        self.draw()

    async def _ask(self, question: Question) -> None:
        try:
            result = await self._line.inquire(question.pan, question.pin, question.wish)
        except (Refused, ValueError) as error:
            self.visit.failed(question.serial, str(error))
        else:
            self.visit.answered(question.serial, result)
        self.draw()

    def _call_host(self) -> None:
        self._retry_at = self._clock() + RETRY_SECONDS
        self.run_worker(self._call(), group="call", exclusive=True)

    def _fatal_error(self) -> None:
        # Textual would print every local variable with the traceback: card numbers, for one.
        self.panic(Traceback(show_locals=False))

    async def _call(self) -> None:
        try:
            await self._line.ready()
        except (Refused, ValueError) as error:
            self.visit.closed(str(error))
        else:
            self.visit.opened()
        self.draw()


def machine_of(
    kit: Kit, deck: tuple[SampleCard, ...], seconds: float, clock: Callable[[], float]
) -> Machine:
    """Set an ATM up for a kit: it takes a PIN where there is a key, and prints its slips."""

    def print_slip(result: InquiryResult, wish: InquiryData) -> Paper | None:
        try:
            return paper_of_result(
                result, wish.receipt_width, wish.language, kit.station, datetime.now(UTC)
            )
        except ValueError:
            return None  # a host that sends no slip, or one that cannot be printed

    return Machine(deck, kit.pin_key is not None, seconds, clock, print_slip)
