"""The ATM's full screen: draws a ``Visit``, presses its keys, asks the host for it.

Plan: everything the machine knows is in ``visit.py``; here keys and clicks go in, and after
each the glass, the keys, the card slot, the tray and the slip are drawn anew.  The line to
the host lives on the same event loop, so the host's own messages are answered meanwhile.
Limits: 80x24 and up; narrower than ``WIDE`` the exchange takes the ATM's place, and the slip
is read in hand.  A PIN that is pasted is one text in Textual's own reading; one typed digit by
digit never is.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

from rich.text import Text
from rich.traceback import Traceback
from textual import events
from textual.app import App, ComposeResult, ScreenStackError
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.css.query import NoMatches
from textual.widgets import RichLog, Static

from atm_switch.domain.errors import Refused
from atm_switch.profile.model import Profile
from terminal_emulator.address import Address
from terminal_emulator.atm_screen.exchange import Exchange
from terminal_emulator.atm_screen.faces import Act, Page
from terminal_emulator.atm_screen.glass import HIGH, LOW, drawn
from terminal_emulator.atm_screen.parts import PAD, CardSlot, PadKey, SideKey
from terminal_emulator.atm_screen.tray import MOUTH, PEEK_LINES, PUT_AWAY, TAKE, PaperSheet
from terminal_emulator.atm_screen.visit import Machine, Question, Visit
from terminal_emulator.kit import Kit
from terminal_emulator.standing_line import StandingLine

WIDE, VAST = 120, 162
"""From so many columns on the slip or the exchange, then both, have a place beside the ATM."""
HANGING, TALL = 27, 33
"""From so many rows on a slip fits beside the ATM, and its keys are larger."""
TICK_SECONDS, RETRY_SECONDS = 0.25, 5.0
EXCHANGE_LINES_MAX = 5_000
LEAST = (80, 24)
"""Columns and rows the machine needs."""
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
TOO_SMALL = f"[b]needs {LEAST[0]}x{LEAST[1]}: enlarge the window[/b]  ^Q Off"
"""Said in place of the keys, where a part of the machine is not seen."""
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
        self._exchange_width = 0
        self._exchange = Exchange(profile)
        self._clock = machine.clock
        self._retry_at = 0.0
        self._in_hand = False

    def compose(self) -> ComposeResult:
        """Lay the machine out."""
        station = self._kit.station
        place = " ".join(station.location.split())
        with Horizontal(id="title"):
            yield Static(f"{station.terminal.text}  {place}", id="place", markup=False)
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
                    yield CardSlot()
                    yield Vertical(*(PadKey(label, name) for label, name in PAD), id="pad")
                    with Vertical(id="tray", classes="slot"):
                        yield Static(MOUTH, id="mouth", markup=False)
                        yield PaperSheet("peek", PEEK_LINES)
            with Vertical(id="beside"):
                yield PaperSheet("paper")
            log = RichLog(id="exchange", wrap=True, max_lines=EXCHANGE_LINES_MAX, min_width=32)
            log.can_focus = False
            yield log
        yield PaperSheet("hand")
        yield Static(FOOT, id="foot")

    def on_mount(self) -> None:
        """Switch the machine on."""
        self.query_one("#card").border_title = "KARTU/CARD"
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
        # A pane that is hidden has no width; it comes back as wide as it was.
        self._exchange_width = log.scrollable_content_region.width or self._exchange_width
        for text in self._exchange.lines_of(payload, is_sent=is_sent, at=at):
            log.write(text, width=self._exchange_width or None)

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
        if name == "enter" and self._is_peeking():
            self._in_hand = True
            self.draw()
            return
        does = {
            "enter": self.visit.enter,
            "escape": self.visit.cancel,
            "backspace": self.visit.erase,
        }
        self._after(does[name])

    def action_exchange(self) -> None:
        """Show or hide the ISO 8583 exchange."""
        self.screen.toggle_class("-exchange")
        self.draw()

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
        if isinstance(event.widget, PaperSheet):
            self.action_pad("enter")

    def on_resize(self, event: events.Resize) -> None:
        """Choose the layout for the new size."""
        self.screen.set_class(event.size.width < WIDE, "narrow")
        self.screen.set_class(event.size.height >= TALL, "tall")
        is_whole = event.size.width >= LEAST[0] and event.size.height >= LEAST[1]
        self.query_one("#foot", Static).update(FOOT if is_whole else TOO_SMALL)
        self.draw()

    def draw(self) -> None:
        """Draw everything anew; nothing once the screen is gone, or is being taken down."""
        with suppress(NoMatches, ScreenStackError):
            self._draw_all()

    def _draw_all(self) -> None:
        glass, face = self.query_one("#glass", Static), self.visit.face()
        glass.set_class(face.is_alarm, "-alarm")
        glass.update(drawn(face, HIGH if self.size.height >= TALL else LOW))
        for slot in range(8):
            self.query_one(f"#key{slot}", SideKey).set_class(slot in face.keys, "-live")
        is_up = self._line.is_up
        lamp = Text.assemble(f"host {self._address} ", ("● " if is_up else "○ "))
        self.query_one("#host", Static).update(lamp + ("up" if is_up else "down"))
        self.query_one("#card", CardSlot).show(self.visit.card, self.visit.page)
        self._draw_slip()

    def _draw_slip(self) -> None:
        slip, is_beside = self.visit.slip, self._has_room_beside()
        self.screen.set_class(is_beside, "-beside")
        if slip is None or is_beside:
            self._in_hand = False
        self.query_one("#peek", PaperSheet).show(None if is_beside or self._in_hand else slip)
        self.query_one("#paper", PaperSheet).show(slip if is_beside else None)
        self.query_one("#hand", PaperSheet).show(slip if self._in_hand else None)
        told = "" if slip is None else PUT_AWAY if self._in_hand else TAKE
        self.query_one("#tray").border_subtitle = told

    def _has_room_beside(self) -> bool:
        needed = VAST if self.screen.has_class("-exchange") else WIDE
        return self.size.width >= needed and self.size.height >= HANGING

    def _is_peeking(self) -> bool:
        """Tell whether Enter means: let me read the slip."""
        is_typing = self.visit.page in (Page.NUMBER, Page.PIN, Page.KPJ)
        slip = self.visit.slip
        return not (slip is None or self._in_hand or is_typing or self._has_room_beside())

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
