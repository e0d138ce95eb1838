"""Claims about the ATM in a browser: a real Chromium, a real switch, loopback only.

Skipped, and said so, where playwright (extra ``browser``) or a Chromium is not installed.
"""

import http.client
import json
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.doubles.brokers import free_port
from tests.doubles.served import make_folder, serve
from tests.unit.terminal_emulator.emulator import PROGRAM, environment, run

SECONDS = 90
MILLISECONDS_MAX = 1000 * SECONDS
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def wait_for_listener(port: int) -> None:
    """Come back once somebody listens there: the address is printed a moment before."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), SECONDS).close()
        except ConnectionRefusedError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


@contextmanager
def web_atm(address: str, kit: Path) -> Iterator[str]:
    """Serve an ATM to browsers for a block; its address."""
    port = str(free_port())
    process = subprocess.Popen(
        [*PROGRAM, "atm", "--connect", address, "--kit", str(kit), "--web", "--port", port],
        stdout=subprocess.PIPE,
        text=True,
        env=environment(PYTHONUNBUFFERED="1"),
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert f"ATM at http://127.0.0.1:{port}" in line, line
        wait_for_listener(int(port))
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)
        process.stdout.close()


@pytest.fixture(scope="module")
def atm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Hold a switch with the sample members, and an ATM of it in the web."""
    folder = make_folder(tmp_path_factory.mktemp("web"))
    with (
        serve(folder) as switch,
        web_atm(switch.address, folder / "terminal-kit.json") as address,
    ):
        yield address


@pytest.fixture
def page() -> Iterator[Any]:
    """Hold a page of a real browser; everything it asks for is in ``page.asked``."""
    play = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed")
    with play.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM, args=list(OPTIONS), timeout=MILLISECONDS_MAX
        )
        opened = browser.new_page(viewport={"width": 1000, "height": 640})
        opened.set_default_timeout(MILLISECONDS_MAX)
        opened.asked = []
        opened.on("request", lambda request: opened.asked.append(request.url))
        opened.on("websocket", lambda opening: opened.asked.append(opening.url))
        yield opened
        browser.close()


def until_sent(page: Any, words: str, frames: list[bytes]) -> None:
    """Wait until the ATM has sent these words to the browser."""
    for _ in range(SECONDS * 20):
        if words.encode() in b"".join(frames):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the browser never got {words!r}")


def test_browser_plays_a_whole_visit(atm: str, page: Any, tmp_path: Path) -> None:
    """In Chromium, card, PIN and menu lead to the slip; no request leaves loopback."""
    frames: list[bytes] = []

    def listen(opening: Any) -> None:
        opening.on(
            "framereceived",
            lambda got: frames.append(got if isinstance(got, bytes) else got.encode()),
        )

    page.on("websocket", listen)
    page.goto(atm)
    until_sent(page, "SELAMAT DATANG", frames)
    page.click(".xterm-screen")
    for key in ("a", "d"):
        page.keyboard.press(key)
    until_sent(page, "MASUKKAN PIN", frames)
    page.keyboard.type("123456")
    page.keyboard.press("Enter")
    until_sent(page, "PILIH TRANSAKSI", frames)
    page.keyboard.press("a")
    page.keyboard.press("d")
    until_sent(page, "STRUK ATM", frames)
    page.wait_for_timeout(2000)
    page.screenshot(path=str(tmp_path / "slip.png"))

    hosts = {urlsplit(url).hostname for url in page.asked if not url.startswith("data:")}
    assert {"127.0.0.1"} == hosts
    assert b"9990090000000012" not in b"".join(frames)
    assert 20_000 < (tmp_path / "slip.png").stat().st_size


def test_other_pages_cannot_open_the_machine(atm: str) -> None:
    """A web socket of another origin, or of none, is refused: there is no log-in."""
    place = urlsplit(atm)
    codes = []
    for origin in ("http://elsewhere.example", None, "null"):
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)
        headers = {
            "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        } | ({"Origin": origin} if origin else {})  # fmt: skip
        connection.request("GET", "/ws", headers=headers)
        codes.append(connection.getresponse().status)
        connection.close()

    assert [403, 403, 403] == codes


def test_page_forbids_requests_elsewhere(atm: str) -> None:
    """The page comes with a policy for our own address only, and names no other."""
    place = urlsplit(atm)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=SECONDS)
    connection.request("GET", "/")
    response = connection.getresponse()
    text, policy = response.read().decode(), response.headers["Content-Security-Policy"]
    connection.close()

    assert "default-src 'self'" in policy
    assert f"connect-src 'self' ws://{place.netloc}" in policy
    assert json.loads("[]") == [
        word for word in text.split('"') if "://" in word and place.netloc not in word
    ]


def test_taken_port_is_said_in_a_sentence(atm: str, tmp_path: Path) -> None:
    """A port that is taken is one sentence and exit 1, and nobody is sent there."""
    del tmp_path
    done = run("atm", "--web", "--port", str(urlsplit(atm).port))

    assert (1, "") == (done.returncode, done.stdout)
    assert "another program listens at 127.0.0.1:" in done.stderr
    assert "Traceback" not in done.stderr
