"""Dynamic parameters that are the whole of a log's data, read strictly and without eth-abi, for receipts of any size.

Only the layout that compilers make is taken: the offsets of all parameters first, each tail where the last one ended,
`bytes` padded with zeros, nothing after the last.
"""

from bridge.codec.errors import AbiError


class DynamicParameters:
    """Reads parameters one after another; `end` must come last. Every function raises AbiError."""

    def __init__(self, data: bytes, count: int) -> None:
        """`count` parameters are expected."""
        self._data = data
        self._head = 0
        self._tail = 32 * count

    def uints(self, length_max: int) -> tuple[int, ...]:
        """The next parameter, a uint256[] of at most `length_max`."""
        length = self._length()
        if length > length_max:
            raise AbiError(f"array of {length} is over the limit of {length_max}")
        start = self._tail
        self._tail += 32 * length
        if self._tail > len(self._data):
            raise AbiError("array is cut off")
        return tuple(int.from_bytes(self._data[at : at + 32]) for at in range(start, self._tail, 32))

    def bytes(self) -> bytes:
        """The next parameter, a bytes, at most as long as the data."""
        length = self._length()
        start, end = self._tail, self._tail + length
        self._tail = end + -length % 32
        if self._tail > len(self._data) or any(self._data[end : self._tail]):
            raise AbiError("bytes are cut off or not padded with zeros")
        return self._data[start:end]

    def end(self) -> None:
        """Check that nothing is left."""
        if self._tail != len(self._data):
            raise AbiError("data goes on after the last parameter")

    def _length(self) -> int:
        if self._word(self._head) != self._tail:
            raise AbiError("a parameter is not where a compiler puts it")
        length = self._word(self._tail)
        self._head += 32
        self._tail += 32
        return length

    def _word(self, at: int) -> int:
        if at + 32 > len(self._data):
            raise AbiError("data is cut off")
        return int.from_bytes(self._data[at : at + 32])
