"""Claims about the full-screen ATM, driven key by key over a real switch.

Textual's pilot presses the keys; the switch is a process of its own with the sample members.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import RichLog, Static

from terminal_emulator.address import Address
from terminal_emulator.atm_screen.app import AtmApp
from terminal_emulator.atm_screen.faces import Page
from terminal_emulator.atm_screen.parts import PadKey
from terminal_emulator.atm_screen.start import build_app
from terminal_emulator.atm_screen.tray import PaperSheet
from terminal_emulator.flow import Manner
from terminal_emulator.kit import read_kit
from tests.doubles.passed_time import pass_time
from tests.doubles.served import Served, make_folder, serve
from tests.unit.terminal_emulator.emulator import write_kit
from tests.unit.terminal_emulator.host import TinyHost, on_inquiry, silent

SECONDS = 60
PANS = ("9990090000000012", "9990090000000020", "9990090000000038", "9990090000000046")
PINS = ("123402718281", "234502718281", "345602718281", "456702718281")
"""Of each four digits count; all twelve are found nowhere by chance."""
SIZES = [(80, 24), (100, 30), (120, 24), (120, 40), (132, 27), (200, 50)]


class Booth:
    """An ATM on a screen of its own, with somebody at its keys."""

    def __init__(self, app: AtmApp, pilot: Pilot[None], clock: list[float]) -> None:
        """Stand before it; ``clock`` holds the ATM's time."""
        self.app, self.pilot, self._clock = app, pilot, clock

    @property
    def page(self) -> Page:
        """Where the visit is."""
        return self.app.visit.page

    def shown(self, name: str) -> str:
        """What a part of the machine shows."""
        return str(self.app.query_one(f"#{name}", Static).render())

    def exchange(self) -> str:
        """What the second pane holds."""
        return "\n".join(strip.text for strip in self.app.query_one("#exchange", RichLog).lines)

    async def until(self, *pages: Page) -> None:
        """Wait for a page."""
        async with asyncio.timeout(SECONDS):
            while self.page not in pages:
                await self.pilot.pause(0.02)
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def pass_time(self, seconds: float) -> None:
        """Move the ATM's clock, and let it notice."""
        self._clock[0] += seconds
        self.app.tick()
        await self.pilot.pause()

    async def ask(self, pin: str, *, slip: bool = True) -> None:
        """From the pad to the answer."""
        await self.press(*pin, "enter", "f1", "f4" if slip else "f8")
        await self.until(Page.RESULT, Page.DECLINED, Page.RETAINED, Page.FAILED)


@asynccontextmanager
async def booth_at(
    address: str, kit: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Booth]:
    """Switch an ATM on for a block, its clock in the test's hand."""
    clock = [1000.0]
    app, line = build_app(Address.read(address), read_kit(kit), Manner(SECONDS), lambda: clock[0])
    app.animation_level = "none"
    try:
        async with app.run_test(size=size) as pilot:
            booth = Booth(app, pilot, clock)
            await booth.until(Page.WELCOME)
            async with asyncio.timeout(SECONDS):
                while not line.is_up:
                    await pilot.pause(0.02)
            yield booth
    finally:
        await line.close()


@pytest.fixture(scope="module")
def switch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Served, Path]]:
    """Hold a switch with the sample members."""
    folder = make_folder(tmp_path_factory.mktemp("atm"))
    with serve(folder) as running:
        yield running, folder / "terminal-kit.json"


async def test_whole_visit_ends_with_a_slip(switch: tuple[Served, Path]) -> None:
    """Card, PIN, menu and slip: the glass shows the balance, the paper the golden number."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.press("f1", "f4")
        await booth.ask(PINS[0])

        assert "INFORMASI SALDO JHT" in booth.shown("glass")
        assert "999009 …0012" in booth.shown("card")
        assert "BANK CONTOH - STRUK ATM" in booth.shown("peek")
        await booth.press("enter")
        assert "SALDO AWAL THN  Rp         19.409.470,47" in booth.shown("hand")
        await booth.press("enter", "f8")
        assert (Page.GOODBYE, None) == (booth.page, booth.app.visit.slip)
        assert "Silakan ambil kartu" in booth.shown("glass")


async def test_wrong_pin_three_times_keeps_the_card(switch: tuple[Served, Path]) -> None:
    """Two wrong PINs are explained in English; after the third the card is retained."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.press("f3", "f8")
        pages = []
        for _ in range(4):
            await booth.ask("111111", slip=False)
            pages.append(booth.page)
            if booth.page is Page.RETAINED:
                break
            assert "Incorrect PIN" in booth.shown("glass")
            assert "Try again with the right PIN" in booth.shown("glass")
            await booth.press("f4")

        assert [Page.DECLINED, Page.DECLINED, Page.RETAINED] == pages[-3:]
        assert "CARD RETAINED" in booth.shown("glass")
        assert "RETAINED" in booth.shown("card")


async def test_other_kpj_shows_its_own_balance(switch: tuple[Served, Path]) -> None:
    """With three KPJ each key leads to another balance."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.press("f2", "f4")
        await booth.ask(PINS[1], slip=False)
        first = booth.shown("glass")
        await booth.press("f4", "f2")
        await booth.until(Page.RESULT)
        second = booth.shown("glass")

    assert "ANDA MEMILIKI 03 NOMOR KPJ" in first
    assert "NO KPJ" in second
    assert first != second


async def test_cancel_gives_the_card_back(switch: tuple[Served, Path]) -> None:
    """Esc ends a visit wherever it is, and the next customer is welcome."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.press("f1", "f4", "1", "2", "escape")
        cancelled = booth.shown("glass")
        await booth.press("enter")

        assert "dibatalkan" in cancelled
        assert (Page.WELCOME, "") == (booth.page, booth.app.visit.card)


async def test_customer_who_left_loses_nothing(switch: tuple[Served, Path]) -> None:
    """Thirty seconds without a key give the card back; the ATM then waits for the next."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.press("f1", "f8")
        await booth.pass_time(31)
        said = booth.shown("glass")
        await booth.pass_time(10)

        assert "Your time is up" in said
        assert Page.WELCOME is booth.page


async def test_exchange_is_decoded_and_masked(switch: tuple[Served, Path]) -> None:
    """The second pane names MTIs and elements, and holds no card number, PIN block or KPJ."""
    async with booth_at(switch[0].address, switch[1], (132, 40)) as booth:
        await booth.press("x")
        await booth.press("f4", "f4")
        await booth.ask(PINS[3])
        text = booth.exchange()

    assert all(
        word in text for word in ("0800", "0810", "0200", "0210", "Primary account", "hidden")
    )
    assert "999009******0046" in text
    assert not any(canary in text for canary in (*PANS, *PINS))


async def test_mouse_does_what_keys_do(switch: tuple[Served, Path]) -> None:
    """Clicks on side keys and pad lead as far as keys do."""
    async with booth_at(switch[0].address, switch[1]) as booth:
        await booth.pilot.click("#key0")
        await booth.pilot.click("#key3")
        pads = {str(pad.render()): pad for pad in booth.app.query(PadKey)}
        for digit in PINS[0]:
            await booth.pilot.click(pads[digit])
        await booth.pilot.click(pads["ENTER"])

        in_between = booth.page
        await booth.pilot.click(pads["CANCEL"])

        assert (Page.MENU, Page.GOODBYE) == (in_between, booth.page)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_nothing_is_cut_at_any_size(
    switch: tuple[Served, Path], size: tuple[int, int]
) -> None:
    """From 80x24 up every part and every line of the slip is on the screen.

    The slip leaves the glass uncovered: with room it hangs beside the ATM, without it is read
    in hand at the first Enter; then Enter puts it away.
    """
    async with booth_at(switch[0].address, switch[1], size) as booth:
        await booth.press("f1", "f4")
        await booth.ask(PINS[0])
        whole = booth.app.screen.region
        parts = [
            booth.app.query_one(f"#{name}").region for name in ("glass", "card", "tray", "foot")
        ]
        keys = [booth.app.query_one(f"#key{slot}").region for slot in range(8)]
        pads = [pad.region for pad in booth.app.query(PadKey)]
        glass = parts[0]
        is_beside = booth.app.query_one("#paper").display

        assert all(whole.contains_region(part) for part in (*parts, *keys, *pads))
        assert all(3 <= key.height for key in keys)
        assert "Off" in booth.shown("foot")[: size[0] - 2]
        assert is_beside == (size[0] >= 120 and size[1] >= 27)
        assert not any(
            sheet.display and glass.overlaps(sheet.region) for sheet in booth.app.query(PaperSheet)
        )
        if not is_beside:
            await booth.press("enter")
        paper = booth.app.query_one("#paper" if is_beside else "#hand").region
        assert whole.contains_region(paper)
        assert 24 <= paper.height
        await booth.press("enter")
        assert booth.app.visit.slip is None
        assert not any(sheet.display for sheet in booth.app.query(PaperSheet))


async def test_window_too_small_says_what_is_needed(switch: tuple[Served, Path]) -> None:
    """Where a part of the machine is cut off the foot says so, until the window is enlarged."""
    async with booth_at(switch[0].address, switch[1], (79, 24)) as booth:
        assert booth.shown("foot").startswith("needs 80x24: enlarge the window")

        await booth.pilot.resize_terminal(80, 24)
        await booth.pilot.pause()

        assert booth.shown("foot").startswith("Enter OK")


async def test_silent_host_is_waited_for_visibly(tmp_path: Path) -> None:
    """A host that says nothing: the countdown shows, then one sentence and the card back."""
    with TinyHost(on_inquiry(silent)) as host:
        async with booth_at(host.address, Path(write_kit(tmp_path))) as booth:
            await booth.press("f8", *PANS[0], "enter", "f4", *PINS[0], "enter", "f1", "f8")
            waiting = booth.shown("glass")
            pass_time(SECONDS + 1)
            await booth.until(Page.FAILED)

            assert "MOHON TUNGGU" in waiting
            assert "did not answer" in " ".join(booth.shown("glass").split())


async def crash_of(app: AtmApp) -> None:
    """Switch an ATM on and have it meet a mistake while a variable holds a card number."""

    def break_with(pan: str) -> None:
        del pan
        raise RuntimeError("a mistake of ours")

    async with app.run_test(size=(80, 24)):
        try:
            break_with(PANS[0])
        except RuntimeError as error:
            app._handle_exception(error)


async def test_crash_prints_no_local_variable(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The traceback of a mistake of ours names lines, not what variables held."""
    kit = read_kit(Path(write_kit(tmp_path)))
    app, line = build_app(Address.read("127.0.0.1:1"), kit, Manner(1.0))

    with pytest.raises(RuntimeError, match="a mistake"):
        await crash_of(app)
    await line.close()

    printed = "".join(capfd.readouterr())
    assert "a mistake of ours" in printed
    assert PANS[0] not in printed
