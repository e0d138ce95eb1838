"""A switch is killed after a command; the recording of it moves nothing in the next one."""

import signal
from pathlib import Path

from tests.doubles.served import make_folder, serve
from tests.doubles.talk import Talk


def test_recorded_commands_count_once_across_a_kill(tmp_path: Path) -> None:
    """Played to the next switch, a request of keys is 94; a cut-over says what is so, and may."""
    folder = make_folder(tmp_path, "--mac", "required")
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        commands = (
            talk.network("161", {11: "000778", 48: "MAC"}),
            talk.network("201", {11: "000779"}),
        )
        recorded = [talk.keys.pack(one, talk.packager) for one in commands]
        before = [talk.ask(commands[1])[39], talk.ask(commands[0])[39]]
        served.stop(signal.SIGKILL)

    after = []
    with serve(folder) as served, Talk.of(served.port, folder) as talk:
        for payload in recorded:
            talk.say(payload)
            after.append(talk.packager.unpack(talk.hear())[39])

    assert ["00", "00"] == before
    assert ["94", "00"] == after
