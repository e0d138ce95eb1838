"""Claims about the host commands as bytes; every message here was written by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atm_switch.adapters import hsm_commands as commands
from atm_switch.adapters import hsm_pin_commands as pins
from atm_switch.adapters.hsm_commands import Answer, Command, framing_of
from atm_switch.adapters.hsm_errors import is_right, is_right_pin, require_done, require_imported
from atm_switch.adapters.hsm_tokens import Token, take_key, with_type
from atm_switch.domain.card import Pan
from atm_switch.domain.errors import NeighbourUnavailable
from atm_switch.domain.secret import Key, PinBlock
from atm_switch.security.key_ring import AES, TDES, KeyUsage, LineKey
from atm_switch.security.mac import MacAlgorithm
from atm_switch.switch.hsm_port import ImportKey, KeyRefused, MintKey, VerifyPin
from atm_switch.wire.framing import FrameBuffer, enclose

U_KEY, U_PVK, U_ZMK = "U" + "1A" * 16, "U" + "2B" * 16, "U" + "3C" * 16
S_KEY = "S" + "D0032P0TB00E0000" + "0123456789ABCDEF"
S_ZMK = "S" + "D0032K0AB00E0000" + "FEDCBA9876543210"
S_TMK = "S" + "D003251AB00E0000" + "FEDCBA9876543210"
BLOCK = "B0032M3TC00E0000" + "AABBCCDDEEFF0011"
PIN_BLOCK = "B0032P0TB00E0000" + "AABBCCDDEEFF0011"
PAN = Pan("9990091234567891")
LONG_BLOCK = bytes.fromhex("00112233445566778899AABBCCDDEEFF")


def token(text: str, algorithm: str = TDES) -> LineKey:
    """Hold a token as the vault does."""
    return LineKey(Key(text.encode()), "ABCDEF", algorithm, is_clear=False)


QUESTION = VerifyPin(
    PinBlock(bytes.fromhex("0123456789ABCDEF")), PAN, "4321", "1",
    token(U_PVK), (token(U_KEY),), frozenset("013"), is_of_terminal=False,
)  # fmt: skip
IMPORT = ImportKey(token(U_ZMK), BLOCK, KeyUsage.MAC, TDES)
MINT = MintKey(token(U_ZMK), KeyUsage.PIN, TDES)

GOLDEN = [
    (commands.diagnostics(), "NC"),
    (
        pins.verify_pin(QUESTION, token(U_KEY), "0"),
        f"EC{U_KEY}{U_PVK}0123456789ABCDEF0100912345678914321",
    ),
    (
        pins.verify_pin(replace(QUESTION, is_of_terminal=True), token(U_KEY), "1"),
        f"DC{U_KEY}{U_PVK}0123456789ABCDEF0500912345678914321",
    ),
    (
        pins.verify_pin(QUESTION, token("70D:" + U_KEY), "3"),
        f"EC{U_KEY}{U_PVK}0123456789ABCDEF4700912345678914321",
    ),
    (
        pins.verify_pin(replace(QUESTION, block=PinBlock(LONG_BLOCK)), token(S_KEY, AES), "4"),
        f"EC{S_KEY}{U_PVK}00112233445566778899AABBCCDDEEFF489990091234567891;14321",
    ),
    (
        commands.make_mac(MacAlgorithm.X9_19, token(U_KEY), b"0200abc"),
        f"M600131008{U_KEY}00070200abc",
    ),
    (
        commands.make_mac(MacAlgorithm.X9_19, token("003:" + U_KEY), b"0200abc"),
        f"M600131003{U_KEY}00070200abc",
    ),
    (
        commands.verify_mac(MacAlgorithm.AES_CMAC, token(S_KEY, AES), b"x" * 20, b"\x01" * 8),
        f"M800164FFF{S_KEY}0014{'x' * 20}0101010101010101",
    ),
    (commands.import_key(IMPORT), f"A6008{U_ZMK}R{BLOCK}U"),
    (
        commands.import_key(replace(IMPORT, exchange_key=token("002:" + U_ZMK))),
        f"A6003{U_ZMK}R{BLOCK}U",
    ),
    (commands.import_key(replace(IMPORT, exchange_key=token(S_ZMK))), f"A6FFF{S_ZMK}R{BLOCK}S"),
    (commands.generate_key(MINT), f"A01001U;0{U_ZMK}R&P0B00E00"),
    (
        commands.generate_key(replace(MINT, exchange_key=token("80D:" + U_ZMK))),
        f"A0170DU;1{U_ZMK}R&P0B00E00",
    ),
    (
        commands.generate_key(MintKey(token(S_ZMK, AES), KeyUsage.MAC, AES)),
        f"A01FFFS;0{S_ZMK}R#M6A1C00E00",
    ),
    (
        commands.generate_key(MintKey(token(S_TMK, AES), KeyUsage.PIN, TDES)),
        f"A01FFFS;1{S_TMK}R#P0T2B00E00",
    ),
    (commands.check_value(token(U_KEY), KeyUsage.PIN), f"BUFF1{U_KEY};001;001"),
    (commands.check_value(token("T" + "1A" * 24), KeyUsage.MAC), f"BUFF2T{'1A' * 24};008;001"),
    (commands.check_value(token(S_KEY), KeyUsage.PIN), f"BUFFF{S_KEY};FFF;001"),
]


@pytest.mark.parametrize(("command", "expected"), GOLDEN, ids=[text[:12] for _, text in GOLDEN])
def test_command_is_what_was_written_by_hand(command: Command, expected: str) -> None:
    """Each command comes out byte for byte."""
    assert expected.encode() == command.payload


def test_frame_is_length_header_command() -> None:
    """Two bytes of length that count the header and the command, then both."""
    framed = enclose(framing_of(4), commands.diagnostics().payload, b"0007")

    assert b"\x00\x060007NC" == framed


@pytest.mark.parametrize("digits", [1, 4, 12])
def test_answer_is_found_behind_its_header(digits: int) -> None:
    """The message header comes back as it went out, however long."""
    buffer = FrameBuffer(framing_of(digits))
    header = b"9" * digits
    body = header + b"ND00" + b"2686047595690000" + b"0007-E000"

    buffer.receive(len(body).to_bytes(2, "big") + body)

    frame = next(buffer.frames())
    answer = Answer.read(frame.payload)
    assert (header, "ND", "00") == (frame.header, answer.code, answer.error)
    assert commands.read_diagnostics(answer) == "2686047595690000"


@pytest.mark.parametrize(
    ("code", "answer"),
    [("NC", "ND"), ("DC", "DD"), ("EC", "ED"), ("M6", "M7"), ("M8", "M9"), ("A6", "A7"),
     ("A0", "A1"), ("BU", "BV")],
)  # fmt: skip
def test_answer_code_is_one_letter_on(code: str, answer: str) -> None:
    """Every command knows what its answer is called."""
    assert answer == Command(code, b"").answer_code


def test_answers_are_read_field_by_field() -> None:
    """MAC, check value, key, and key with key block come out of their answers."""
    mac = Answer.read(b"M7000123456789ABCDEF")
    check = Answer.read(b"BV0008D7B4")
    imported = Answer.read(f"A700{U_KEY}08D7B4".encode())
    made = Answer.read(f"A100{S_KEY}R{PIN_BLOCK}08D7B4".encode())

    assert bytes.fromhex("0123456789ABCDEF") == commands.read_mac(mac)
    assert commands.read_check_value(check) == "08D7B4"
    assert commands.read_imported(imported) == (U_KEY.encode(), "08D7B4")
    assert commands.read_generated(made, MINT) == (S_KEY.encode(), PIN_BLOCK, "08D7B4")


@pytest.mark.parametrize(
    "fields",
    [b"", b"08D7B4", U_KEY.encode(), U_KEY.encode() + b"08D7B", U_KEY.encode() + b"08D7B4AA",
     U_KEY.encode()[:-1] + b"\xff08D7B4", b"X" + U_KEY.encode()[1:] + b"08D7B4",
     b"S0000008D7B4", b"SD0099" + b"1" * 20],
)  # fmt: skip
def test_answer_cut_or_grown_is_no_key(fields: bytes) -> None:
    """An answer that is not exactly a key and a check value gives none."""
    with pytest.raises(NeighbourUnavailable):
        commands.read_imported(Answer("A7", "00", fields))


def test_block_made_for_another_use_is_no_answer() -> None:
    """A fresh key whose block says another use than asked for is not sent to a bank."""
    made = Answer.read(f"A100{U_KEY}R{BLOCK}08D7B4".encode())

    with pytest.raises(NeighbourUnavailable, match="another key block"):
        commands.read_generated(made, MINT)


@pytest.mark.parametrize("payload", [b"", b"M7", b"M70", b"m700", b"\xff\xff00", b"M7 0", b"7M00"])
def test_misshapen_answer_is_told_by_value_error(payload: bytes) -> None:
    """What has no answer code and error code is no answer, and is not quoted."""
    with pytest.raises(ValueError, match=r"^the answer is malformed$"):
        Answer.read(payload)


@pytest.mark.parametrize(
    ("error", "verdict"), [("00", True), ("01", False), ("20", None), ("24", None)]
)
def test_pin_answers_are_yes_no_or_no_pin(error: str, verdict: bool | None) -> None:  # noqa: FBT001  a table
    """Four error codes are verdicts on a PIN."""
    assert verdict is is_right_pin(Command("EC", b""), Answer("ED", error, b""))


OTHERS = [f"{number:02d}" for number in range(2, 100) if number not in (20, 24)]


@pytest.mark.parametrize("error", [*OTHERS, "A4", "ZZ"])
def test_every_other_error_is_no_verdict(error: str) -> None:
    """Whatever else the HSM says of a PIN is nobody's wrong PIN, and has words."""
    with pytest.raises(NeighbourUnavailable, match=rf"refuses EC: .* \(error {error}\)"):
        is_right_pin(Command("EC", b""), Answer("ED", error, b""))


@pytest.mark.parametrize("error", ["20", "24", "10", "15", "68"])
def test_only_two_errors_are_verdicts_on_a_mac(error: str) -> None:
    """A MAC is right, wrong, or not judged."""
    command = Command("M8", b"")

    assert is_right(command, Answer("M9", "00", b""))
    assert not is_right(command, Answer("M9", "01", b""))
    with pytest.raises(NeighbourUnavailable):
        is_right(command, Answer("M9", error, b""))


def test_key_faults_refuse_and_faults_of_ours_do_not() -> None:
    """The sender's key is refused for what is wrong with it, not for a disabled command."""
    command = Command("A6", b"")

    for error in ("01", "26", "75", "A4", "A6", "BB"):
        with pytest.raises(KeyRefused, match=error):
            require_imported(command, Answer("A7", error, b""))
    for error in ("10", "13", "17", "68"):
        with pytest.raises(NeighbourUnavailable, match=error):
            require_imported(command, Answer("A7", error, b""))
    require_imported(command, Answer("A7", "00", b""))
    require_done(command, Answer("A7", "00", b""))


@pytest.mark.parametrize(
    "block",
    ["", BLOCK[:16], "A" + BLOCK[1:], "C" + BLOCK[1:], BLOCK + "U", BLOCK[:-1], BLOCK[:-1] + "\x19",
     BLOCK[:-1] + "\n", "B0032P0TC00E0000" + BLOCK[16:], "B0032M3AC00E0000" + BLOCK[16:],
     "B0032M3TB00E0000" + BLOCK[16:]],
)  # fmt: skip
def test_block_that_lies_never_reaches_the_hsm(block: str) -> None:
    """Another length, version, usage, algorithm or mode than said: refused here."""
    with pytest.raises(KeyRefused):
        commands.import_key(replace(IMPORT, block=block))


@given(st.text(st.characters(min_codepoint=1, max_codepoint=300), max_size=60))
def test_no_block_writes_behind_its_field(text: str) -> None:
    """Of any text as a key block, either none is sent or just that, as long as it says."""
    try:
        command = commands.import_key(replace(IMPORT, block=text))
    except KeyRefused:
        return

    assert int(text[1:5]) == len(text)
    assert f"008{U_ZMK}R{text}U".encode() == command.fields


@pytest.mark.parametrize(
    "text",
    ["", "U", U_KEY[:-1], U_KEY + "0", U_KEY.lower(), "X" + U_KEY[1:], "T" + U_KEY[1:],
     "03:" + U_KEY, S_KEY + "0", S_KEY[:-1], S_KEY[:-1] + "\n", "é" * 33, "S" + "D9999" + "0" * 40],
)  # fmt: skip
def test_misshapen_token_is_nobodys_wrong_pin(text: str) -> None:
    """What no HSM gave out is not sent to one."""
    with pytest.raises(NeighbourUnavailable, match=r"^a key is no token of an HSM$"):
        Token.of(token(text), KeyUsage.PIN)


def test_clear_key_is_never_sent() -> None:
    """A key in the clear makes no command."""
    clear = LineKey.clear(Key(bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")))

    with pytest.raises(NeighbourUnavailable, match=r"^a key is in the clear"):
        commands.make_mac(MacAlgorithm.X9_19, clear, b"0200")


def test_key_that_cannot_be_carried_is_no_answer() -> None:
    """A variant token carries no AES key, and only a ZMK or TMK carries any."""
    for exchange, algorithm in ((token(U_ZMK), AES), (token("001:" + U_ZMK), TDES)):
        with pytest.raises(NeighbourUnavailable, match="carries no such key"):
            commands.generate_key(MintKey(exchange, KeyUsage.PIN, algorithm))


def test_index_that_is_no_digit_is_no_answer() -> None:
    """A PVKI that would shift the fields behind it is not sent."""
    for pvki in ("", "12", "x", "٣"):
        with pytest.raises(NeighbourUnavailable):
            pins.verify_pin(replace(QUESTION, pvki=pvki), token(U_KEY), "0")


def test_terminal_keys_keep_their_type() -> None:
    """A terminal's key is kept with its type in front, a bank's and a key block without."""
    text = U_KEY.encode()

    assert b"003:" + text == with_type(text, "003", KeyUsage.MAC)
    assert with_type(text, "008", KeyUsage.MAC) == text
    assert with_type(S_KEY.encode(), "FFF", KeyUsage.MAC) == S_KEY.encode()
    assert take_key(text + b"rest", "U") == (text, b"rest")


def test_nothing_secret_shows_in_a_command() -> None:
    """Commands, answers and tokens print no key, PIN block, PAN or PVV."""
    command = pins.verify_pin(QUESTION, token(U_KEY), "0")
    answer = Answer.read(f"A700{U_KEY}08D7B4".encode())

    shown = f"{command} {answer} {Token.of(token(U_KEY), KeyUsage.PIN)}"

    for secret in ("1A1A", "2B2B", "0123456789ABCDEF", "009123456789", "4321", "08D7B4"):
        assert secret not in shown
