"""EXI, bit-packed (W3C Efficient XML Interchange 1.0): the values that ISO 15118-2 messages are made of.

Only what a fixed, strict grammar needs, with the options ISO 15118-2 sets (7.9.1): schema-informed, no string table.
One spelling of every value: an integer that is not as short as it can be is refused, as is anything behind the end.
"""

from dataclasses import dataclass

from wattseal.base.errors import InputError

HEADER = 0x80
MAX_BYTES = 4096


@dataclass(slots=True)
class BitReader:
    """Values out of bytes, the highest bit first; `InputError` with the code `exi_malformed` where there are none."""

    data: bytes
    at: int = 0

    @staticmethod
    def begin(data: bytes) -> "BitReader":
        """Return a reader behind the header: EXI 1, final version, no options in the stream."""
        if len(data) > MAX_BYTES:
            raise InputError(f"an EXI fragment is at most {MAX_BYTES} bytes", code="too_large", subject="EXI")
        if data[:1] != bytes([HEADER]):
            raise malformed("not the header 80")
        return BitReader(data, 8)

    def bits(self, count: int) -> int:
        """Return an unsigned number of so many bits (7.1.9), also an event code."""
        end = self.at + count
        if end > 8 * len(self.data):
            raise malformed("it ends within a value")
        value = 0
        while self.at < end:
            byte, offset = divmod(self.at, 8)
            taken = min(8 - offset, end - self.at)
            value = value << taken | self.data[byte] >> 8 - offset - taken & (1 << taken) - 1
            self.at += taken
        return value

    def expect(self, count: int, code: int) -> None:
        """Read an event code that has to be this one."""
        if self.bits(count) != code:
            raise malformed("an event that does not belong here")

    def unsigned(self, most: int) -> int:
        """Return an unsigned integer up to `most`: groups of seven bits, the lowest first (7.1.6)."""
        value, shift = 0, 0
        while True:
            group = self.bits(8)
            value |= (group & 0x7F) << shift
            if value > most or (shift and not group):
                raise malformed("a number too large or not as short as it can be")
            if group < 0x80:
                return value
            shift += 7

    def integer(self, most: int) -> int:
        """Return a signed integer within -most-1..most: a sign bit, then its size (7.1.5)."""
        negative = self.bits(1)
        size = self.unsigned(most)
        return -size - 1 if negative else size

    def text(self, most: int) -> str:
        """Return a string of at most so many characters that is no string table hit (7.1.10)."""
        length = self.unsigned(most + 2) - 2
        if length < 0:
            raise malformed("a string out of a table that is empty")
        points = [self.unsigned(0x10FFFF) for _ in range(length)]
        if any(0xD800 <= point <= 0xDFFF or point == 0 for point in points):
            raise malformed("no character")
        return "".join(map(chr, points))

    def octets(self, most: int) -> bytes:
        """Return binary data of at most so many bytes (7.1.1)."""
        return bytes(self.bits(8) for _ in range(self.unsigned(most)))

    def end(self) -> None:
        """Find nothing left but the zero bits that fill the last byte."""
        rest = 8 * len(self.data) - self.at
        if rest >= 8 or self.bits(rest):
            raise malformed("something behind the end")


def malformed(text: str) -> InputError:
    """Return the error of bytes that are not of the grammar."""
    return InputError(text, code="exi_malformed", subject="EXI")
