"""Reads the parameters of a call strictly: wrong types, sizes, ranges and too many of them are told by position."""

from collections.abc import Mapping

from bridge.codec.errors import HexError
from bridge.codec.hexadecimal import from_hex, from_quantity
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32, Wei
from node.devnet.chain import Call, LogFilter
from node.devnet.rpc.errors import INVALID_PARAMS, JsonRpcError
from node.devnet.rpc.view import BLOCK_TAGS, BlockParameter

ADDRESSES_MAX = 1_000
TOPICS_MAX = 4
TOPIC_CHOICES_MAX = 1_000
PERCENTILES_MAX = 100


class Parameters:
    """The parameters of one call, read by position."""

    def __init__(self, values: object) -> None:
        if values is None:
            values = []
        if not isinstance(values, list):
            raise JsonRpcError(INVALID_PARAMS, "params must be an array")
        self._values: list[object] = values

    def at_most(self, count: int) -> None:
        """Refuse more parameters than the method has."""
        if len(self._values) > count:
            raise JsonRpcError(INVALID_PARAMS, f"too many arguments, want at most {count}")

    def _required(self, position: int) -> object:
        if len(self._values) <= position or self._values[position] is None:
            raise JsonRpcError(INVALID_PARAMS, f"missing value for required argument {position}")
        return self._values[position]

    def optional(self, position: int) -> object:
        """The parameter as it came, or None."""
        return self._values[position] if len(self._values) > position else None

    def data(self, position: int) -> bytes:
        """Bytes of any length."""
        return _data(self._required(position), position)

    def hash(self, position: int) -> Hash32:
        """32 bytes."""
        return Hash32(_data(self._required(position), position, 32))

    def address(self, position: int) -> Address:
        """20 bytes."""
        return Address(_data(self._required(position), position, 20))

    def quantity(self, position: int, limit_bits: int = 64) -> int:
        """A hex quantity; a JSON number is taken too."""
        return _quantity(self._required(position), position, limit_bits)

    def slot(self, position: int) -> int:
        """A storage slot: a quantity, or up to 32 bytes."""
        value = self._required(position)
        if isinstance(value, str) and len(value) == 66:
            return int.from_bytes(_data(value, position, 32))
        return _quantity(value, position, 256)

    def number(self, position: int) -> int:
        """A decimal JSON number of 64 bits, as Bor's own methods take it."""
        value = self._required(position)
        if type(value) is not int or not 0 <= value < 2**64:
            raise _invalid(position, "expected a whole JSON number of 64 bits")
        return value

    def flag(self, position: int) -> bool:
        """True or false; absent is false."""
        value = self.optional(position)
        if value is not None and not isinstance(value, bool):
            raise _invalid(position, "expected true or false")
        return bool(value)

    def percentiles(self, position: int) -> tuple[float, ...]:
        """Rising numbers from 0 to 100; absent is none."""
        values = self.optional(position) or []
        if not isinstance(values, list) or len(values) > PERCENTILES_MAX:
            raise _invalid(position, f"expected an array of at most {PERCENTILES_MAX} percentiles")
        percentiles = tuple(
            float(value)
            for value in values
            if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
        )
        if len(percentiles) != len(values) or list(percentiles) != sorted(percentiles):
            raise _invalid(position, "invalid reward percentile: they must rise and lie between 0 and 100")
        return percentiles

    def block(self, position: int) -> BlockParameter:
        """A tag, a number, a hash, or EIP-1898's object; absent is `latest`."""
        value = self.optional(position)
        if value is None:
            return "latest"
        if isinstance(value, dict):
            return _block_of_object(value, position)
        if isinstance(value, str) and len(value) == 66:
            return _data(value, position, 32)
        return _block_of_text(value, position)

    def call(self, position: int) -> Call:
        """A transaction object of eth_call and eth_estimateGas; fees and nonce are not looked at."""
        fields = self._object(position)
        data = fields.get("input", fields.get("data"))
        return Call(
            to=None if fields.get("to") is None else Address(_data(fields["to"], position, 20)),
            data=b"" if data is None else _data(data, position),
            sender=ZERO_ADDRESS if fields.get("from") is None else Address(_data(fields["from"], position, 20)),
            value_wei=Wei(0 if fields.get("value") is None else _quantity(fields["value"], position, 256)),
            gas_limit=None if fields.get("gas") is None else _quantity(fields["gas"], position, 64),
        )

    def log_filter(self, position: int) -> LogFilter:
        """Addresses and topics of eth_getLogs' filter object."""
        fields = self._object(position)
        addresses = _choices(fields.get("address"), position, 20, ADDRESSES_MAX)
        topics = fields.get("topics") or []
        if not isinstance(topics, list) or len(topics) > TOPICS_MAX:
            raise _invalid(position, f"topics must be an array of at most {TOPICS_MAX}")
        return LogFilter(
            addresses=frozenset(Address(each) for each in addresses),
            topics=tuple(frozenset(map(Hash32, _choices(each, position, 32, TOPIC_CHOICES_MAX))) for each in topics),
        )

    def log_block_hash(self, position: int) -> Hash32 | None:
        """The one block that eth_getLogs' filter object names by hash; not together with a range."""
        fields = self._object(position)
        if fields.get("blockHash") is None:
            return None
        if fields.get("fromBlock") is not None or fields.get("toBlock") is not None:
            raise _invalid(position, "cannot specify both blockHash and fromBlock/toBlock, choose one or the other")
        return Hash32(_data(fields["blockHash"], position, 32))

    def log_range(self, position: int) -> tuple[BlockParameter, BlockParameter]:
        """The range of eth_getLogs' filter object, both ends inclusive; absent is `latest`."""
        fields = self._object(position)
        first, last = (
            "latest" if fields.get(name) is None else _block_of_text(fields[name], position)
            for name in ("fromBlock", "toBlock")
        )
        return first, last

    def _object(self, position: int) -> Mapping[str, object]:
        value = self._required(position)
        if not isinstance(value, dict):
            raise _invalid(position, "expected an object")
        return value


def _invalid(position: int, message: str) -> JsonRpcError:
    return JsonRpcError(INVALID_PARAMS, f"invalid argument {position}: {message}")


def _data(value: object, position: int, length: int | None = None) -> bytes:
    try:
        return from_hex(value, length)
    except HexError as error:
        raise _invalid(position, str(error)) from error


def _quantity(value: object, position: int, limit_bits: int) -> int:
    if type(value) is int and 0 <= value < 1 << limit_bits:
        return value
    try:
        return from_quantity(value, limit_bits)
    except HexError as error:
        raise _invalid(position, str(error)) from error


def _block_of_text(value: object, position: int) -> BlockParameter:
    for tag in BLOCK_TAGS:
        if value == tag:
            return tag
    return _quantity(value, position, 64)


def _block_of_object(fields: Mapping[str, object], position: int) -> BlockParameter:
    block_hash, number = fields.get("blockHash"), fields.get("blockNumber")
    if (block_hash is None) == (number is None):
        raise _invalid(position, "name a block by blockHash or by blockNumber, and not by both")
    if block_hash is not None:
        return _data(block_hash, position, 32)
    return _block_of_text(number, position)


def _choices(value: object, position: int, length: int, count_max: int) -> list[bytes]:
    """One value or an array of them; null and the empty array stand for any."""
    values = [] if value is None else value if isinstance(value, list) else [value]
    if len(values) > count_max:
        raise _invalid(position, f"at most {count_max} alternatives")
    return [_data(each, position, length) for each in values]
