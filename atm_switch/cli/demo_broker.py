"""The MQTT broker of the demo: embedded where it is installed, else a word on how to get it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from atm_switch.folder import DataFolder

HOST = "127.0.0.1"
HOW_TO_GET_IT = "pip install 'atm-switch[broker]'"


@contextmanager
def embedded_broker() -> Iterator[str]:
    """Serve a broker on loopback for a block; yields its url, or nothing where there is none."""
    if find_spec("iotcore") is None:
        yield ""
        return
    from iotcore import Broker

    port = _free_port()
    broker = Broker(port=port, listen=HOST)
    try:
        broker.start()
    except (OSError, RuntimeError):
        yield ""
        return
    try:
        yield f"mqtt://{HOST}:{port}"
    finally:
        broker.stop()


def tell_broker(folder: "DataFolder", url: str) -> "DataFolder":
    """Write the broker into the folder's settings, as an operator would."""
    from atm_switch.folder import open_folder, replace_file
    from atm_switch.settings.events import Events
    from atm_switch.settings.example import table_text
    from atm_switch.settings.load import FILE_NAME

    path = folder.root / FILE_NAME
    section = table_text("[events]", Events, {"broker": url})
    replace_file(path, path.read_text(encoding="utf-8") + "\n" + section)
    return open_folder(folder.root)


def _free_port() -> int:
    with socket.socket() as asking:
        asking.bind((HOST, 0))
        port: int = asking.getsockname()[1]
        return port
