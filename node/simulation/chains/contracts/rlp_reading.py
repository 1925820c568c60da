"""contracts/src/shared/Rlp.sol: the strict reader of the contracts, which splits the first item off a list's body.

It is not bridge.codec's, so that the model judges a proof as the contract does, and not as the node does.
"""

from node.simulation.chains.abi import custom_error


def whole_list(data: bytes) -> bytes:
    """The body of a list that is all of the data."""
    body, rest = take_list(data)
    require_end(rest)
    return body


def take_list(data: bytes) -> tuple[bytes, bytes]:
    """A list's body, and what follows."""
    is_list, head, end = _measure(data)
    _require(is_list)
    return data[head:end], data[end:]


def take_bytes(data: bytes) -> tuple[bytes, bytes]:
    """The content of bytes, and what follows."""
    is_list, head, end = _measure(data)
    _require(not is_list)
    return data[head:end], data[end:]


def take_item(data: bytes) -> tuple[bytes, bytes]:
    """An item of either kind as it stands, and what follows."""
    _, _, end = _measure(data)
    return data[:end], data[end:]


def take_uint(data: bytes) -> tuple[int, bytes]:
    """A number of 256 bits, and what follows."""
    content, rest = take_bytes(data)
    _require(len(content) <= 32 and content[:1] != b"\x00")
    return int.from_bytes(content), rest


def take_word(data: bytes) -> tuple[bytes, bytes]:
    """32 bytes, and what follows."""
    content, rest = take_bytes(data)
    _require(len(content) == 32)
    return content, rest


def take_address(data: bytes) -> tuple[bytes, bytes]:
    """20 bytes, and what follows."""
    content, rest = take_bytes(data)
    _require(len(content) == 20)
    return content, rest


def require_end(rest: bytes) -> None:
    """Refuse anything that follows."""
    _require(not rest)


def _require(holds: bool) -> None:
    if not holds:
        raise custom_error("MalformedRlp()")


def _measure(data: bytes) -> tuple[bool, int, int]:
    """Whether the first item is a list, where its content begins, and where it ends."""
    _require(bool(data))
    tag = data[0]
    if tag < 0x80:
        return False, 0, 1
    is_list, size, head = tag >= 0xC0, tag & 0x3F, 1
    if size > 55:
        head = size - 54
        _require(len(data) >= head and data[1] != 0)
        size = int.from_bytes(data[1:head])
        _require(size > 55)
    end = head + size
    _require(end <= len(data) and (is_list or size != 1 or data[1] >= 0x80))
    return is_list, head, end
