"""Solidity's ABI as its compiler reads and writes it, where that differs from a canonical codec: calls and reverts.

A compiled contract takes offsets that point anywhere into the call data, and bytes after the end; it reverts without
data where a word does not fit its type.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bridge.codec.abi import encode_call, encode_values
from bridge.codec.types import Address, Hash32

WORD_BYTES = 32
UINT256_MAX = 2**256 - 1
OVERFLOW = 0x11
OUT_OF_BOUNDS = 0x32
TOO_MUCH_MEMORY = 0x41

Word = int | bytes
"""A value of one word: a number, a flag, 20 bytes of an address, or 32 bytes."""

_OFFSET_MAX = 2**64 - 1
_SIGNATURE_WORDS = 3


class Reverted(Exception):
    """An execution ended in REVERT, with its data."""

    def __init__(self, data: bytes = b"") -> None:
        super().__init__(data.hex())
        self.data = data


def refusal(text: str) -> Reverted:
    """The revert of `require(…, text)`."""
    return Reverted(encode_call("Error(string)", text))


def custom_error(signature: str, *arguments: object) -> Reverted:
    """The revert of a contract's own error."""
    return Reverted(encode_call(signature, *arguments))


def panic(code: int) -> Reverted:
    """The revert of a check that the compiler put in."""
    return Reverted(encode_call("Panic(uint256)", code))


def checked(value: int, bits: int = 256) -> int:
    """The result of an addition or subtraction of this width, which reverts on overflow."""
    if not 0 <= value < 1 << bits:
        raise panic(OVERFLOW)
    return value


def downcast(value: int, bits: int) -> int:
    """OpenZeppelin's SafeCast."""
    if value >> bits:
        raise custom_error("SafeCastOverflowedUintDowncast(uint8,uint256)", bits, value)
    return value


def word(value: Word) -> bytes:
    """The 32 bytes of a value."""
    if isinstance(value, bytes):
        return value.rjust(WORD_BYTES, b"\x00")
    return value.to_bytes(WORD_BYTES)


def words(*values: Word) -> bytes:
    """The encoding of values of one word each."""
    return b"".join([word(value) for value in values])


def encoded_string(text: str) -> bytes:
    """The encoding of one string."""
    return encode_values(("string",), (text,))


@dataclass(frozen=True, slots=True)
class SignatureWords:
    """A signature as a contract gets it: three words, any of which may be anything."""

    r: bytes
    s: bytes
    v: int


class Calldata:
    """The arguments of a call, or any other encoded tuple; what does not fit reverts without data."""

    __slots__ = ("_data", "_is_memory")

    def __init__(self, data: bytes, head_words: int, *, is_memory: bool = False) -> None:
        """With `is_memory`, `bytes` are copied to memory, which ends in a panic where they are impossibly long."""
        if len(data) < WORD_BYTES * head_words:
            raise Reverted
        self._data = data
        self._is_memory = is_memory

    def word(self, place: int) -> Hash32:
        """Any 32 bytes."""
        return Hash32(self._data[WORD_BYTES * place : WORD_BYTES * place + WORD_BYTES])

    def uint(self, place: int) -> int:
        """Any number of 256 bits."""
        return int.from_bytes(self.word(place))

    def address(self, place: int) -> Address:
        """20 bytes after 12 zeros."""
        value = self.word(place)
        if any(value[:12]):
            raise Reverted
        return Address(value[12:])

    def flag(self, place: int) -> bool:
        """0 or 1."""
        value = self.uint(place)
        if value > 1:
            raise Reverted
        return bool(value)

    def bytes4(self, place: int) -> bytes:
        """4 bytes before 28 zeros."""
        value = self.word(place)
        if any(value[4:]):
            raise Reverted
        return value[:4]

    def content(self, place: int) -> bytes:
        """The bytes that stand where an offset points to, behind their length."""
        start, length = self._array(place)
        if start + length > len(self._data):
            raise Reverted
        return self._data[start : start + length]

    def signatures(self, place: int) -> tuple[SignatureWords, ...]:
        """A `uint256[3][]`."""
        start, count = self._array(place)
        size = _SIGNATURE_WORDS * WORD_BYTES
        if start + size * count > len(self._data):
            raise Reverted
        triples = [self._data[at : at + size] for at in range(start, start + size * count, size)]
        return tuple(SignatureWords(each[:32], each[32:64], int.from_bytes(each[64:])) for each in triples)

    def _array(self, place: int) -> tuple[int, int]:
        """Where the elements begin, and how many there are."""
        offset = self.uint(place)
        if offset > _OFFSET_MAX or offset + WORD_BYTES > len(self._data):
            raise Reverted
        length = int.from_bytes(self._data[offset : offset + WORD_BYTES])
        if length > _OFFSET_MAX:
            raise panic(TOO_MUCH_MEMORY) if self._is_memory else Reverted()
        return offset + WORD_BYTES, length


READERS: dict[str, Callable[[Calldata, int], object]] = {
    "uint256": Calldata.uint,
    "bytes32": Calldata.word,
    "address": Calldata.address,
    "bool": Calldata.flag,
    "bytes4": Calldata.bytes4,
    "bytes": Calldata.content,
    "uint256[3][]": Calldata.signatures,
}
"""How each type of argument is read."""
