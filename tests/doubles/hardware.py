"""A hardware HSM beside a data folder: the test HSM in a process of its own, and its keys."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atm_switch.folder import open_folder
from atm_switch.server.tls import TlsFiles
from tests.doubles.brokers import free_port
from tests.doubles.local_master_key import LocalMasterKey
from tests.doubles.served import run

LMK = bytes(range(32))


@contextmanager
def hardware(
    port: int = 0, tls: TlsFiles | None = None
) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """Run the test HSM for a block, which may be away for a while; yield its port and process."""
    files = () if tls is None else (
        *("--tls-certificate", str(tls.certificate), "--tls-key", str(tls.key)),
        *("--tls-client-ca", str(tls.client_ca)),
    )  # fmt: skip
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.doubles.host_command_hsm"),
            *("--port", str(port or free_port()), "--lmk", LMK.hex(), *files),
        ],
        stdout=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),  # noqa: PTH109 - the package is found from here
    )
    assert process.stdout is not None
    try:
        found = re.search(r"on 127\.0\.0\.1:([0-9]+)", process.stdout.readline())
        assert found is not None
        yield int(found[1]), process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def give_keys_to_hardware(
    folder: Path, port: int, mode: str = "production", more: str = ""
) -> None:
    """Do what an operator does: the HSM into the settings, its tokens into the key file."""
    settings = folder / "switch.toml"
    text = settings.read_text().replace('mode = "lab"', f'mode = "{mode}"')
    hsm = f'\n[hsm]\nengine = "host"\naddresses = ["127.0.0.1:{port}"]\nseconds_max = 30\n{more}'
    keys = open_folder(folder).vault().keys
    settings.write_text(text + hsm)
    lmk = LocalMasterKey(LMK)
    for name, ladder in keys.items():
        token = lmk.lmk_token(ladder.in_use.token, name.usage)
        owner = ("--acquirer", "009") if name.acquirer else ("--index", name.index)
        done = run(
            *("keys", "install", folder, "--usage", name.usage.value, *owner),
            *("--check", token.check),
            typed=token.token.reveal().decode() + "\n",
        )
        assert 0 == done.returncode, done.stderr
