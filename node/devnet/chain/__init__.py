"""An embedded EVM chain: py-evm at Prague rules over one SQLite file, mined on demand, durable, without any network.

`EmbeddedChain` is used in process by contract tests, and behind `node.devnet.rpc` by devnets. There is no consensus and
no gossip: whoever holds the object makes the blocks, also other blocks in the place of old ones.

It is imported from `node.devnet.chain.embedded`, with the EVM that takes most of a second; `Chain` here is what others
need of it, and what other chains than this one have too.
"""

# What is imported here tells eth-hash which keccak to use, before embedded.py has py-evm ask for one.
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
from node.devnet.chain.pool import PoolFaults, PoolLimits
from node.devnet.chain.protocol import Chain
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
    "Chain",
    "ChainFileRefused",
    "ChainGenesis",
    "EmbeddedChainError",
    "FoundLog",
    "LogFilter",
    "PoolFaults",
    "PoolLimits",
    "TimestampRefused",
    "TooManyLogs",
    "Transaction",
    "TransactionPlace",
    "TransactionRefused",
]
