"""The logs by which each type of token tells of a burn by the burner, as tests write them."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.burns.kinds import (
    TRANSFER_BATCH_TOPIC,
    TRANSFER_SINGLE_TOPIC,
    TRANSFER_WITH_METADATA_TOPIC,
    WITHDRAWN_BATCH_TOPIC,
    BurnKind,
)
from bridge.codec.abi import encode_values
from bridge.codec.events import TRANSFER_TOPIC
from bridge.codec.receipts import Log
from bridge.codec.types import ZERO_HASH, Address, Hash32
from tests.contracts.crossing import BURNER
from tests.contracts.tokens import TokenType, number, topic, uints

URI = encode_values(("string",), ("ipfs://token",))
METADATA = encode_values(("bytes",), (URI,))
WHO = topic(BURNER.address)


@dataclass(frozen=True, slots=True)
class Shape:
    """The topics and the data of a log."""

    topics: tuple[Hash32, ...]
    data: bytes = b""

    def of(self, token: Address) -> Log:
        """The log as this token emits it."""
        return Log(token, self.topics, self.data)


def transfer(amount: int) -> Shape:
    """A burn of an ERC-20."""
    return Shape((TRANSFER_TOPIC, WHO, ZERO_HASH), amount.to_bytes(32))


def nft_transfer(token_id: int) -> Shape:
    """A burn of an ERC-721."""
    return Shape((TRANSFER_TOPIC, WHO, ZERO_HASH, number(token_id)))


def with_metadata(token_id: int) -> Shape:
    """A burn of an ERC-721 with what its child says of it."""
    return Shape((TRANSFER_WITH_METADATA_TOPIC, WHO, ZERO_HASH, number(token_id)), METADATA)


def withdrawn_batch(ids: Sequence[int]) -> Shape:
    """Burns of ERC-721 tokens."""
    return Shape((WITHDRAWN_BATCH_TOPIC, WHO), uints(ids))


def single(token_id: int, amount: int) -> Shape:
    """A burn of an ERC-1155."""
    return Shape((TRANSFER_SINGLE_TOPIC, WHO, WHO, ZERO_HASH), token_id.to_bytes(32) + amount.to_bytes(32))


def batch(ids: Sequence[int], amounts: Sequence[int]) -> Shape:
    """A burn of ERC-1155 tokens."""
    return Shape((TRANSFER_BATCH_TOPIC, WHO, WHO, ZERO_HASH), uints(ids, amounts))


SHAPES = {
    BurnKind.ERC20: transfer(5),
    BurnKind.ERC721: nft_transfer(1),
    BurnKind.ERC721_METADATA: with_metadata(1),
    BurnKind.ERC721_BATCH: withdrawn_batch((1, 2)),
    BurnKind.ERC1155: single(1, 5),
    BurnKind.ERC1155_BATCH: batch((1, 2), (5, 6)),
}
ACCEPTED_BY = {
    TokenType.ERC20: (BurnKind.ERC20,),
    TokenType.ETHER: (BurnKind.ERC20,),
    TokenType.MINTABLE_ERC20: (BurnKind.ERC20,),
    TokenType.ERC721: (BurnKind.ERC721,),
    TokenType.MINTABLE_ERC721: (BurnKind.ERC721, BurnKind.ERC721_METADATA, BurnKind.ERC721_BATCH),
    TokenType.ERC1155: (BurnKind.ERC1155, BurnKind.ERC1155_BATCH),
    TokenType.MINTABLE_ERC1155: (BurnKind.ERC1155, BurnKind.ERC1155_BATCH),
}
"""As docs/bridge.md says; the burn service has its own table."""
