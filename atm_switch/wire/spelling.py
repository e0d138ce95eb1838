"""What all messages of one profile share: how characters and elements become bytes."""

from collections.abc import Mapping
from dataclasses import dataclass

from atm_switch.profile.model import Encoding, Profile
from atm_switch.wire.gate import outside_of
from atm_switch.wire.part import Part, parts_of, translations


@dataclass(frozen=True, slots=True, eq=False)
class Spelling:
    """Tables of one profile, made once; two are the same where they are one object."""

    encoding: Encoding
    parts: Mapping[int, Part]
    outside: bytes
    inwards: bytes | None
    outwards: bytes | None
    """Tables from the profile's characters to Latin-1 and back; none where it is ASCII."""

    @classmethod
    def of(cls, profile: Profile) -> "Spelling":
        """Look at a profile."""
        encoding = profile.encoding
        inwards, outwards = translations(encoding.text)
        return cls(
            encoding=encoding,
            parts=parts_of(profile.elements, encoding),
            outside=outside_of(encoding),
            inwards=inwards,
            outwards=outwards,
        )

    def written(self, text: str) -> bytes:
        """Write characters, which are judged afterwards.

        Raises ``UnicodeEncodeError`` for what is beyond Latin-1.
        """
        octets = text.encode("latin-1")
        return octets if self.outwards is None else octets.translate(self.outwards)
