"""One bank's certificates end while the switch runs, or while it does not: the others go on."""

import signal
from pathlib import Path

from tests.doubles.brokers import free_port
from tests.doubles.certificates import DAY, LabCa, Pair
from tests.doubles.served import make_folder, run
from tests.doubles.workers import Workers, running, wait_for, with_workers

CARD = ("--pan", "9990090000000012", "--pin", "123456", "--json")


def inquire(switch: Workers, address: str, *options: str | Path) -> bool:
    """Ask for the sample's balance; tell whether it was approved."""
    kit = switch.folder / "terminal-kit.json"
    words = ("inquire", "--connect", address, "--kit", kit, *CARD, *options)
    done = run(*words, module="terminal_emulator")
    return done.returncode == 0 and '"response_code": "00"' in done.stdout


def test_one_banks_old_list_keeps_no_other_bank_out(tmp_path: Path) -> None:
    """
    Two doors, of two workers; one's revocation list was to be renewed.  The switch starts, and
    starts a worker again that dies; log and ``config check`` warn of the list, nobody
    comes in at that door until a new list is there, and the other door answers all the time.
    """
    ca, port, folder = LabCa(tmp_path), free_port(), make_folder(tmp_path)
    files, shown = ca.server()._replace(crl=ca.revoke(ends_in=-DAY)), ca.issue("bank")
    secured = "".join(f'tls_{part} = "{path}"\n' for part, path in files._asdict().items())
    settings = folder / "switch.toml"
    listener = f'\n[[listeners]]\nlisten = "127.0.0.1:{port}"\n{secured}'
    settings.write_text(settings.read_text() + listener)
    with_workers(folder, 2)

    checked = run("config", "check", folder)
    with running(folder) as switch:
        switch.served.wait_for("certificate out of date")
        before = both(switch, port, ca, shown)
        gone = switch.kill("worker 1")
        switch.wait_until_all_answer(gone)
        amid = [both(switch, port, ca, shown) for _ in range(2)]
        ca.revoke()
        switch.served.process.send_signal(signal.SIGHUP)
        wait_for(lambda: switch.served.log.read_text().count('"certificates reloaded"') == 2)
        after = both(switch, port, ca, shown)
        said = switch.served.log.read_text()

    assert 0 == checked.returncode
    assert "warning: " in checked.stderr
    assert "revoked.pem was to be renewed on" in checked.stderr
    assert [(True, False)] * 3 == [before, *amid]
    assert (True, True) == after
    assert "revoked.pem was to be renewed on" in said
    assert "certificate ends soon" not in said


def both(switch: Workers, port: int, ca: LabCa, shown: Pair) -> tuple[bool, bool]:
    """Ask at the plain door and at the secured one."""
    tls = ("--tls-ca", ca.file, "--tls-cert", shown.certificate, "--tls-key", shown.key)
    plain = inquire(switch, switch.served.address)
    return plain, inquire(switch, f"127.0.0.1:{port}", *tls)
