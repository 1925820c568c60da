"""JSON blocks to stored headers, quickly: a follower that catches up does little else.

Most fields of a header are only needed for its hash, so the header's RLP is put together from the JSON's hex text and
turned into bytes once; what is kept is cut out of those bytes. Nothing is believed that the hash does not confirm, and
whatever is unusual goes through `bridge.codec.header`, which knows every form and names every fault.

All texts of a header are joined and split again at each 0x: two calls in C that give the digits of every field, and
show that each text begins with 0x and has no other.
"""

from binascii import unhexlify
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter

from bridge.chain.header_store import StoredHeader
from bridge.codec.hash import keccak256
from bridge.codec.header import Header, header_from_rpc
from bridge.codec.types import BlockNumber, Hash32, UnixSeconds

# Where they stand in the RLP: the first seven fields have 32, 32, 20, 32, 32, 32 and 256 bytes.
_PARENT, _TRANSACTIONS, _RECEIPTS, _BLOOM = slice(1, 33), slice(121, 153), slice(154, 186), slice(189, 445)


_DIGITS = {
    **dict.fromkeys(("hash", "parentHash", "sha3Uncles", "stateRoot", "transactionsRoot", "receiptsRoot"), 64),
    **dict.fromkeys(("mixHash", "withdrawalsRoot", "parentBeaconBlockRoot", "requestsHash"), 64),
    "miner": 40,
    "logsBloom": 512,
    "nonce": 16,
}
"""Hex digits of the fields that always have the same number."""


@dataclass(frozen=True, slots=True)
class _Form:
    """The fields of a header up to some fork: their texts in a JSON block, and the sizes that must hold."""

    texts: Callable[[Mapping[str, object]], tuple[str, ...]]
    fixed: Callable[[Sequence[str]], tuple[str, ...]]
    sizes: tuple[int, ...]
    parts: int


def _form(*names: str) -> _Form:
    fixed = [place for place, name in enumerate(names, 1) if name in _DIGITS]  # at 0 is what precedes the first 0x
    sizes = tuple(_DIGITS[name] for name in names if name in _DIGITS)
    return _Form(itemgetter(*names), itemgetter(0, *fixed), (0, *sizes), len(names) + 1)


_FRONTIER = (
    *("hash", "parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
)
_LONDON = (*_FRONTIER, "baseFeePerGas")
_SHANGHAI = (*_LONDON, "withdrawalsRoot")
_CANCUN = (*_SHANGHAI, "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot")
_PRAGUE = (*_CANCUN, "requestsHash")
_FORMS = tuple((names[-1], _form(*names)) for names in (_PRAGUE, _CANCUN, _SHANGHAI, _LONDON, _FRONTIER))
"""Newest first, each with the field that tells it from the older ones."""


def stored_header_from_rpc(fields: Mapping[str, object], *, keep_bloom: bool = True) -> StoredHeader:
    """The header of a JSON block, its hash reproduced from its fields. Raises as `header_from_rpc` does."""
    return _usual(fields, keep_bloom) or stored_header(header_from_rpc(fields), keep_bloom=keep_bloom)


def stored_header(header: Header, *, keep_bloom: bool = True) -> StoredHeader:
    """What is kept of a header."""
    return StoredHeader(
        number=header.number,
        hash=header.hash,
        parent_hash=header.parent_hash,
        timestamp=header.timestamp,
        transactions_root=header.transactions_root,
        receipts_root=header.receipts_root,
        logs_bloom=header.logs_bloom if keep_bloom else b"",
    )


def _usual(fields: Mapping[str, object], keep_bloom: bool) -> StoredHeader | None:
    """The header if its fields have their usual sizes and give the block's hash; None for all else, without a word."""
    try:
        digits = _digits(fields)
        payload = unhexlify(_payload(digits))
        block_hash = keccak256(b"\xf9" + len(payload).to_bytes(2) + payload)
        if block_hash != unhexlify(digits[1]):
            return None
        number, timestamp = int(digits[10], 16), int(digits[13], 16)
    except (KeyError, OverflowError, TypeError, ValueError):
        return None
    return StoredHeader(
        number=BlockNumber(number),
        hash=block_hash,
        parent_hash=Hash32(payload[_PARENT]),
        timestamp=UnixSeconds(timestamp),
        transactions_root=Hash32(payload[_TRANSACTIONS]),
        receipts_root=Hash32(payload[_RECEIPTS]),
        logs_bloom=payload[_BLOOM] if keep_bloom else b"",
    )


def _digits(fields: Mapping[str, object]) -> list[str]:
    """What precedes the fields (nothing), then the hex digits of each field. Raises ValueError for unusual sizes."""
    form = next(form for last, form in _FORMS if fields.get(last) is not None)
    digits = "".join(form.texts(fields)).split("0x")
    if len(digits) != form.parts or tuple(map(len, form.fixed(digits))) != form.sizes:
        raise ValueError("an unusual size")
    return digits


def _payload(digits: Sequence[str]) -> str:
    """The RLP of the header's fields, without the list's prefix, as hex. Raises ValueError for unusual sizes."""
    _, _, parent, uncles, miner, state, transactions, receipts, bloom, *rest = digits
    difficulty, number, gas_limit, gas_used, timestamp, extra_data, mix_hash, nonce, *tail = rest
    return (
        f"a0{parent}a0{uncles}94{miner}a0{state}a0{transactions}a0{receipts}b90100{bloom}"
        f"{_integer(difficulty)}{_integer(number)}{_integer(gas_limit)}{_integer(gas_used)}{_integer(timestamp)}"
        f"{_bytes(extra_data)}a0{mix_hash}88{nonce}{_tail(tail)}"
    )


def _tail(digits: Sequence[str]) -> str:
    """The RLP of the fields that forks appended: one at London, two at Shanghai, five at Cancun, six at Prague."""
    count = len(digits)
    return (
        f"{_integer(digits[0]) if count else ''}{'a0' + digits[1] if count > 1 else ''}"
        f"{_integer(digits[2]) + _integer(digits[3]) + 'a0' + digits[4] if count > 2 else ''}"
        f"{'a0' + digits[5] if count > 5 else ''}"
    )


def _integer(digits: str) -> str:
    """RLP of a quantity of up to 64 bits, hex to hex. Leading zeros give no header's hash."""
    count = len(digits)
    if 2 < count <= 16:
        return f"{0x80 + (count + 1) // 2:x}{'0' if count % 2 else ''}{digits}"
    if not 1 <= count <= 2:
        raise ValueError("an unusual size")
    if digits == "0":
        return "80"
    return digits.zfill(2) if count == 1 or digits < "80" else f"81{digits}"


def _bytes(digits: str) -> str:
    """RLP of up to 55 bytes, but not of a single one, hex to hex."""
    size = len(digits) // 2
    if size == 1 or size > 55:
        raise ValueError("an unusual size")
    return f"{0x80 + size:02x}{digits}"
