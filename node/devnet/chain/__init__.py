"""An embedded EVM chain: py-evm at Prague rules over one SQLite file, mined on demand, durable, without any network.

`EmbeddedChain` is used in process by contract tests, and behind `node.devnet.rpc` by devnets. There is no consensus and
no gossip: whoever holds the object makes the blocks, also other blocks in the place of old ones.
"""

# First, because it tells eth-hash which keccak to use, before py-evm asks for one.
from bridge.codec.hash import keccak256 as _keccak256
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chain.errors import (
    BlockUnknown,
    CallFailed,
    CallReverted,
    ChainFileRefused,
    EmbeddedChainError,
    TimestampRefused,
    TooManyLogs,
    TransactionRefused,
)
from node.devnet.chain.transactions import Transaction
from node.devnet.chain.views import (
    Block,
    BlockId,
    Call,
    ChainGenesis,
    FoundLog,
    LogFilter,
    TransactionPlace,
)

__all__ = [
    "Block",
    "BlockId",
    "BlockUnknown",
    "Call",
    "CallFailed",
    "CallReverted",
    "ChainFileRefused",
    "ChainGenesis",
    "EmbeddedChain",
    "EmbeddedChainError",
    "FoundLog",
    "LogFilter",
    "TimestampRefused",
    "TooManyLogs",
    "Transaction",
    "TransactionPlace",
    "TransactionRefused",
]

del _keccak256
