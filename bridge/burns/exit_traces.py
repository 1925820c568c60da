"""What an exit leaves behind on the root chain: the call that made it, and the log of its payment."""

from collections.abc import Mapping
from enum import Enum, auto

from bridge.burns.doors import ExitMark
from bridge.burns.kinds import BurnKind, FoundBurn
from bridge.chain.claims import MinedCall
from bridge.codec.abi import encode_values, event_topic, selector
from bridge.codec.errors import PayloadError
from bridge.codec.exit_payload import decode_payload, exit_hash
from bridge.codec.types import Hash32

PAYLOADS_MAX = 256
"""Payloads that are looked for in the input of one transaction; with two blooms in each, more fill 128 KiB."""
PLASMA_KEY_BITS = 128

EXIT_STARTED_TOPIC = event_topic("ExitStarted(address,uint256,address,uint256,bool)")
_MINTED_ERC721_EXIT = event_topic("ExitedMintableERC721(address,address,uint256)")
EXITED_TOPICS: Mapping[BurnKind, tuple[Hash32, ...]] = {
    BurnKind.ERC20: (
        event_topic("ExitedERC20(address,address,uint256)"),
        event_topic("ExitedMintableERC20(address,address,uint256)"),
        event_topic("ExitedEther(address,uint256)"),
    ),
    BurnKind.ERC721: (event_topic("ExitedERC721(address,address,uint256)"), _MINTED_ERC721_EXIT),
    BurnKind.ERC721_METADATA: (_MINTED_ERC721_EXIT,),
    BurnKind.ERC721_BATCH: (event_topic("ExitedMintableERC721Batch(address,address,uint256[])"),),
    BurnKind.ERC1155: (
        event_topic("ExitedERC1155(address,address,uint256,uint256)"),
        event_topic("ExitedMintableERC1155(address,address,uint256,uint256)"),
    ),
    BurnKind.ERC1155_BATCH: (
        event_topic("ExitedBatchERC1155(address,address,uint256[],uint256[])"),
        event_topic("ExitedBatchMintableERC1155(address,address,uint256[],uint256[])"),
    ),
}
"""What predicates emit when they pay; the first parameter, indexed, is the burner. Other kinds leave no such log."""


class Meaning(Enum):
    """What the call of a transaction with payments to the burner says of the exit that is sought."""

    THIS = auto()
    """It is the exit: the contract takes each only once, so no other call can have succeeded."""
    AMONG_OTHERS = auto()
    """It holds the exit, perhaps with others, and enough exits to explain its payments."""
    ANOTHER = auto()
    """Other exits explain its payments."""
    UNKNOWN = auto()
    """Nothing that can be read explains its payments."""


def meaning(mark: ExitMark, call: MinedCall, payments: int) -> Meaning:
    """What a transaction is that succeeded and made so many payments which could be for the mark."""
    if call.to == mark.door.contract and call.data.startswith(selector(mark.door.function)):
        only = _exit_at(call.data, 4)
        if only == mark.exit_hash:
            return Meaning.THIS
        return Meaning.ANOTHER if only is not None and payments == 1 else Meaning.UNKNOWN
    exits = called_exits(call.data, mark.door.function)
    if len(exits) < payments:
        return Meaning.UNKNOWN
    return Meaning.AMONG_OTHERS if mark.exit_hash in exits else Meaning.ANOTHER


def called_exits(data: bytes, function: str) -> frozenset[Hash32]:
    """The exit hashes of all calls of an exit function in a call's data, itself one or wrapped in others.

    Empty where there are too many to be sure of all.
    """
    found: set[Hash32] = set()
    place = data.find(selector(function))
    for _ in range(PAYLOADS_MAX):
        if place < 0:
            return frozenset(found)
        key = _exit_at(data, place + 4)
        if key is not None:
            found.add(key)
        place = data.find(selector(function), place + 4)
    return frozenset()


def paid_data(burn: FoundBurn) -> bytes:
    """The data of the log with which a predicate tells of having paid the burn."""
    if burn.kind is BurnKind.ERC721_BATCH:
        return encode_values(("uint256[]",), (burn.ids,))
    if burn.kind is BurnKind.ERC1155_BATCH:
        return encode_values(("uint256[]", "uint256[]"), (burn.ids, burn.amounts))
    return b"".join(number.to_bytes(32) for number in (*burn.ids, *burn.amounts))


def _exit_at(data: bytes, start: int) -> Hash32 | None:
    """The exit hash of the payload that is the one `bytes` argument at this place."""
    offset, length = (int.from_bytes(data[at : at + 32]) for at in (start, start + 32))
    if offset != 32 or start + 64 + length > len(data):
        return None
    try:
        payload = decode_payload(data[start + 64 : start + 64 + length])
    except PayloadError:
        return None
    return exit_hash(payload.block_number, payload.branch_mask, payload.log_index)
