"""Every kind of burn in a receipt, and how matic.js counts its logs.

Events and indexed parameters are those of Polygon's child tokens (PoS and Plasma) and message tunnels. Only logs that
Solidity's encoder can have made are burns: of one signature, with the right topics, in the canonical encoding.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from bridge.codec.abi import event_topic
from bridge.codec.errors import AbiError
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.hash import keccak256
from bridge.codec.log_data import DynamicParameters
from bridge.codec.receipts import Log, Receipt
from bridge.codec.types import ZERO_HASH, Address, Hash32

TRANSFER_WITH_METADATA_TOPIC = event_topic("TransferWithMetadata(address,address,uint256,bytes)")
WITHDRAWN_BATCH_TOPIC = event_topic("WithdrawnBatch(address,uint256[])")
TRANSFER_SINGLE_TOPIC = event_topic("TransferSingle(address,address,address,uint256,uint256)")
TRANSFER_BATCH_TOPIC = event_topic("TransferBatch(address,address,address,uint256[],uint256[])")
CHAIN_EXIT_TOPIC = event_topic("ChainExit(address,uint256[],uint256[],bytes)")
MESSAGE_SENT_TOPIC = event_topic("MessageSent(bytes)")
PLASMA_WITHDRAW_ERC20_TOPIC = event_topic("Withdraw(address,address,uint256,uint256,uint256)")
PLASMA_WITHDRAW_ERC721_TOPIC = event_topic("Withdraw(address,address,uint256)")

IDS_MAX = 2_048
"""In one log. More ERC-1155 ids than that cost more gas to pay out than a root-chain transaction may use (2^24)."""


class BurnKind(StrEnum):
    """What burnt, or was sent; each is one shape of log."""

    ERC20 = "ERC20"
    """Transfer to zero with the amount as data; MaticWETH's, which is paid in ether, too."""
    ERC721 = "ERC721"
    """Transfer to zero with the id as a fourth topic."""
    ERC721_METADATA = "ERC721_METADATA"
    """TransferWithMetadata to zero."""
    ERC721_BATCH = "ERC721_BATCH"
    """WithdrawnBatch."""
    ERC1155 = "ERC1155"
    """TransferSingle to zero."""
    ERC1155_BATCH = "ERC1155_BATCH"
    """TransferBatch to zero."""
    CHAIN_EXIT = "CHAIN_EXIT"
    """ChainExit of the deprecated ERC-1155."""
    MESSAGE = "MESSAGE"
    """MessageSent of a tunnel; it burns nothing, but exits in the same way."""
    PLASMA_ERC20 = "PLASMA_ERC20"
    """Plasma's Withdraw of an amount; the native token's (0x…1010), too."""
    PLASMA_ERC721 = "PLASMA_ERC721"
    """Plasma's Withdraw of an id."""


_TRANSFERS = frozenset((BurnKind.ERC20,))
_MULTI_TRANSFERS = frozenset((BurnKind.ERC1155, BurnKind.ERC1155_BATCH))

ACCEPTED: Mapping[Hash32, frozenset[BurnKind]] = {
    keccak256(name.encode()): kinds
    for name, kinds in {
        "ERC20": _TRANSFERS,
        "Ether": _TRANSFERS,
        "MintableERC20": _TRANSFERS,
        "ERC721": frozenset((BurnKind.ERC721,)),
        "MintableERC721": frozenset((BurnKind.ERC721, BurnKind.ERC721_METADATA, BurnKind.ERC721_BATCH)),
        "ERC1155": _MULTI_TRANSFERS,
        "MintableERC1155": _MULTI_TRANSFERS,
        "ChainExitERC1155": frozenset((BurnKind.CHAIN_EXIT,)),
    }.items()
}
"""Which kinds the predicate of a token type pays out; the key is RootChainManager's tokenToType."""


@dataclass(frozen=True, slots=True)
class FoundBurn:
    """A burn in a receipt.

    `log_index` counts the receipt's logs. `token_index` is what matic.js calls index, among the logs that it takes for
    `signature` (topic0); None for a WithdrawnBatch after the first, which matic.js cannot name. `token` emitted the
    log, so for a MESSAGE it is the tunnel. `burner` is who is paid; a MESSAGE has none. An ERC-20 has no `ids`, an
    ERC-721 no `amounts`. `root_token_hint` is the root token that a Plasma log names. `data` is the message, or what
    the child contract says of the token. `twins` are the log indexes of the burns that release the same ERC-721
    tokens by another event: once one of the two has exited, the other cannot.
    """

    kind: BurnKind
    log_index: int
    token_index: int | None
    token: Address
    burner: Address | None
    ids: tuple[int, ...]
    amounts: tuple[int, ...]
    root_token_hint: Address | None
    data: bytes
    signature: Hash32
    twins: tuple[int, ...]


def burns_in(receipt: Receipt) -> tuple[FoundBurn, ...]:
    """The burns of a receipt, by log index. A failed transaction has no logs, so none."""
    burns: list[FoundBurn] = []
    counts: dict[Hash32, int] = {}
    for log_index, log in enumerate(receipt.logs):
        signature = log.topics[0] if log.topics else None
        if signature is None or signature not in _SIGNATURES or not _is_counted(log, signature):
            continue
        token_index = counts.get(signature, 0)
        counts[signature] = token_index + 1
        named = None if signature == WITHDRAWN_BATCH_TOPIC and token_index else token_index
        found = _burn(log, signature, log_index, named)
        if found is not None:
            burns.append(found)
    return _with_twins(burns)


def matching_logs(receipt: Receipt, signature: Hash32) -> tuple[int, ...]:
    """The log indexes that matic.js takes for an event signature, in its order, whoever emitted them.

    For WithdrawnBatch it takes the Transfers to zero instead.
    """
    counted = TRANSFER_TOPIC if signature == WITHDRAWN_BATCH_TOPIC else signature
    return tuple(index for index, log in enumerate(receipt.logs) if _is_counted(log, counted))


def log_at(receipt: Receipt, signature: Hash32, token_index: int) -> int | None:
    """The log index that matic.js proves for an event signature and its index, which counts from 0; None beyond.

    Index 0 of WithdrawnBatch is that log itself; the others are `matching_logs`.
    """
    if signature == WITHDRAWN_BATCH_TOPIC and token_index == 0:
        return next((index for index, log in enumerate(receipt.logs) if _is_counted(log, signature)), None)
    matching = matching_logs(receipt, signature)
    return matching[token_index] if token_index < len(matching) else None


_RECEIVER_TOPICS: Mapping[Hash32, int] = {
    TRANSFER_TOPIC: 2,
    TRANSFER_WITH_METADATA_TOPIC: 2,
    TRANSFER_SINGLE_TOPIC: 3,
    TRANSFER_BATCH_TOPIC: 3,
}
"""Events that burn only when this topic is the zero address."""


def _is_counted(log: Log, signature: Hash32) -> bool:
    """Whether matic.js takes the log for the signature: it looks at no more than two topics."""
    if not log.topics or log.topics[0] != signature:
        return False
    receiver = _RECEIVER_TOPICS.get(signature)
    return receiver is None or (len(log.topics) > receiver and log.topics[receiver] == ZERO_HASH)


@dataclass(frozen=True, slots=True)
class _Contents:
    """What a log's data and its uint256 topic say."""

    ids: tuple[int, ...] = ()
    amounts: tuple[int, ...] = ()
    data: bytes = b""


def _erc20(log: Log) -> _Contents:
    return _Contents(amounts=_words(log, 1))


def _erc721(log: Log) -> _Contents:
    _words(log, 0)
    return _Contents(ids=(int.from_bytes(log.topics[3]),))


def _erc721_metadata(log: Log) -> _Contents:
    return _Contents(ids=(int.from_bytes(log.topics[3]),), data=_only_bytes(log))


def _erc721_batch(log: Log) -> _Contents:
    parameters = DynamicParameters(log.data, 1)
    ids = _ids(parameters)
    parameters.end()
    return _Contents(ids=ids)


def _erc1155(log: Log) -> _Contents:
    token_id, amount = _words(log, 2)
    return _Contents((token_id,), (amount,))


def _erc1155_batch(log: Log) -> _Contents:
    parameters = DynamicParameters(log.data, 2)
    ids, amounts = _ids_and_amounts(parameters)
    parameters.end()
    return _Contents(ids, amounts)


def _chain_exit(log: Log) -> _Contents:
    parameters = DynamicParameters(log.data, 3)
    ids, amounts = _ids_and_amounts(parameters)
    data = parameters.bytes()
    parameters.end()
    return _Contents(ids, amounts, data)


def _message(log: Log) -> _Contents:
    return _Contents(data=_only_bytes(log))


def _plasma_erc20(log: Log) -> _Contents:
    return _Contents(amounts=_words(log, 3)[:1])


def _plasma_erc721(log: Log) -> _Contents:
    return _Contents(ids=_words(log, 1))


def _words(log: Log, count: int) -> tuple[int, ...]:
    if len(log.data) != 32 * count:
        raise AbiError(f"{len(log.data)} bytes of data, not {32 * count}")
    return tuple(int.from_bytes(log.data[at : at + 32]) for at in range(0, len(log.data), 32))


def _only_bytes(log: Log) -> bytes:
    parameters = DynamicParameters(log.data, 1)
    content = parameters.bytes()
    parameters.end()
    return content


def _ids(parameters: DynamicParameters) -> tuple[int, ...]:
    ids = parameters.uints(IDS_MAX)
    if not ids:
        raise AbiError("a batch of nothing")
    return ids


def _ids_and_amounts(parameters: DynamicParameters) -> tuple[tuple[int, ...], tuple[int, ...]]:
    ids, amounts = _ids(parameters), parameters.uints(IDS_MAX)
    if len(ids) != len(amounts):
        raise AbiError(f"{len(ids)} ids with {len(amounts)} amounts")
    return ids, amounts


@dataclass(frozen=True, slots=True)
class _Shape:
    """How to read one kind: which topics are the burner and the root token, and the rest."""

    kind: BurnKind
    contents: Callable[[Log], _Contents]
    burner: int | None = 1
    root_token: int | None = None


_SHAPES: Mapping[tuple[Hash32, int], _Shape] = {
    (TRANSFER_TOPIC, 3): _Shape(BurnKind.ERC20, _erc20),
    (TRANSFER_TOPIC, 4): _Shape(BurnKind.ERC721, _erc721),
    (TRANSFER_WITH_METADATA_TOPIC, 4): _Shape(BurnKind.ERC721_METADATA, _erc721_metadata),
    (WITHDRAWN_BATCH_TOPIC, 2): _Shape(BurnKind.ERC721_BATCH, _erc721_batch),
    (TRANSFER_SINGLE_TOPIC, 4): _Shape(BurnKind.ERC1155, _erc1155, burner=2),
    (TRANSFER_BATCH_TOPIC, 4): _Shape(BurnKind.ERC1155_BATCH, _erc1155_batch, burner=2),
    (CHAIN_EXIT_TOPIC, 2): _Shape(BurnKind.CHAIN_EXIT, _chain_exit),
    (MESSAGE_SENT_TOPIC, 1): _Shape(BurnKind.MESSAGE, _message, burner=None),
    (PLASMA_WITHDRAW_ERC20_TOPIC, 3): _Shape(BurnKind.PLASMA_ERC20, _plasma_erc20, burner=2, root_token=1),
    (PLASMA_WITHDRAW_ERC721_TOPIC, 3): _Shape(BurnKind.PLASMA_ERC721, _plasma_erc721, burner=2, root_token=1),
}
"""By topic0 and the number of topics."""

_SIGNATURES = frozenset(signature for signature, _ in _SHAPES)


def _burn(log: Log, signature: Hash32, log_index: int, token_index: int | None) -> FoundBurn | None:
    """The burn of a log whose receiver is right, or None if the rest does not fit."""
    shape = _SHAPES.get((signature, len(log.topics)))
    if shape is None:
        return None
    try:
        contents = shape.contents(log)
        return FoundBurn(
            kind=shape.kind,
            log_index=log_index,
            token_index=token_index,
            token=log.address,
            burner=None if shape.burner is None else _address(log.topics[shape.burner]),
            ids=contents.ids,
            amounts=contents.amounts,
            root_token_hint=None if shape.root_token is None else _address(log.topics[shape.root_token]),
            data=contents.data,
            signature=signature,
            twins=(),
        )
    except AbiError:
        return None


def _address(topic: Hash32) -> Address:
    if any(topic[:12]):
        raise AbiError("topic is not an address")
    return Address(topic[12:])


_Nft = tuple[Address, int]
_CARRIERS = (BurnKind.ERC721_METADATA, BurnKind.ERC721_BATCH)


def _with_twins(burns: list[FoundBurn]) -> tuple[FoundBurn, ...]:
    """The burns, each with its twins.

    A child token burns each id by a plain Transfer, and tells of it in a batch or with metadata before or after that.
    An id that is burnt again in the same receipt is told of again: the n-th belongs to the n-th.
    """
    plain: dict[_Nft, list[int]] = {}
    carried: dict[_Nft, list[int]] = {}
    for burn in burns:
        by_nft = plain if burn.kind is BurnKind.ERC721 else carried if burn.kind in _CARRIERS else None
        if by_nft is not None:
            for nft in dict.fromkeys((burn.token, token_id) for token_id in burn.ids):
                by_nft.setdefault(nft, []).append(burn.log_index)
    twins: dict[int, set[int]] = {}
    for nft, carriers in carried.items():
        for one, other in zip(plain.get(nft, ()), carriers, strict=False):
            twins.setdefault(one, set()).add(other)
            twins.setdefault(other, set()).add(one)
    return tuple(
        replace(burn, twins=tuple(sorted(twins[burn.log_index]))) if burn.log_index in twins else burn for burn in burns
    )
