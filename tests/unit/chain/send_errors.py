"""How nodes and providers refuse a transaction, word for word, and what each refusal means to the outbox.

Numbers in the words stand for whatever the client puts there. The codes are JSON-RPC's; -32000 is a client's default.
"""

from dataclasses import dataclass

from bridge.chain.sending import SendMeaning
from bridge.chain.sending import SendMeaning as Is


@dataclass(frozen=True, slots=True)
class Refusal:
    """One error object as a client answers it to eth_sendRawTransaction."""

    client: str
    kind: str
    code: int
    words: str
    meaning: SendMeaning


def _of(client: str, *rows: tuple[str, int, str, SendMeaning]) -> tuple[Refusal, ...]:
    return tuple(Refusal(client, *row) for row in rows)


# go-ethereum at 023565d: core/error.go, core/txpool/{errors,validation}.go, core/txpool/legacypool/legacypool.go,
# internal/ethapi/api.go, rpc/errors.go. A fee cap below the base fee is no refusal: the transaction waits.
GETH = _of(
    "geth",
    ("nonce too low", -32000, "nonce too low: next nonce 8, tx nonce 7", Is.NONCE_USED),
    ("already known", -32000, "already known", Is.KNOWN),
    ("replacement underpriced", -32000, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("fee cap below base fee", -32000, "max fee per gas less than block base fee: address 0x65…", Is.FEE_TOO_LOW),
    ("tip above fee cap", -32000, "max priority fee per gas higher than max fee per gas", Is.REFUSED),
    (
        "insufficient funds",
        -32000,
        "insufficient funds for gas * price + value: balance 1, tx cost 3, overshot 2",
        Is.NOT_FUNDED,
    ),
    (
        "insufficient funds",
        -32000,
        "insufficient funds for gas * price + value: balance 5, queued cost 4, tx bumped 3, overshot 2",
        Is.NOT_FUNDED,
    ),
    ("insufficient funds", -32000, "insufficient funds for transfer", Is.NOT_FUNDED),
    ("intrinsic gas", -32000, "intrinsic gas too low: gas 20999, minimum needed 21000", Is.REFUSED),
    ("intrinsic gas", -32000, "insufficient gas for floor data gas cost: gas 60999, minimum needed 61000", Is.REFUSED),
    ("block gas limit", -32000, "exceeds block gas limit", Is.REFUSED),
    ("block gas limit", -32000, "transaction gas limit too high (cap: 16777216, tx: 17000000)", Is.REFUSED),
    ("pool full", -32000, "txpool is full", Is.POOL_FULL),
    ("underpriced", -32000, "transaction underpriced: tip needed 2, tip permitted 1", Is.FEE_TOO_LOW),
    ("node minimum", -32000, "transaction gas price below minimum: gas tip cap 1, minimum needed 2", Is.FEE_TOO_LOW),
    ("nonce gap", -32000, "nonce too high: tx nonce 9, gapped nonce 7", Is.NONCE_GAP),
    ("nonce gap", -32000, "gapped-nonce tx from delegated accounts", Is.NONCE_GAP),
    ("nonce gap", -32000, "future transaction tries to replace pending", Is.NONCE_GAP),
    ("nonce gap", -32000, "in-flight transaction limit reached for delegated accounts", Is.NONCE_GAP),
    ("account limit", -32000, "account limit exceeded: pooled 16 txs", Is.POOL_FULL),
    ("account limit", -32000, "address already reserved", Is.POOL_FULL),
    ("oversized", -32000, "oversized data: transaction size 131073, limit 131072", Is.REFUSED),
    ("oversized", -32000, "max initcode size exceeded: code size 49153, limit 49152", Is.REFUSED),
    ("chain id", -32000, "invalid sender: invalid chain id for signer: have 1 want 7001", Is.REFUSED),
    ("chain id", -32000, "only replay-protected (EIP-155) transactions allowed over RPC", Is.REFUSED),
    ("type", -32000, "transaction type not supported: type 3 rejected, pool not yet in Cancun", Is.REFUSED),
    ("malformed", -32000, "rlp: expected input list for types.DynamicFeeTx", Is.REFUSED),
    ("sender is contract", -32000, "sender not an eoa: address 0x65…, codehash: 0x12…", Is.REFUSED),
    ("node's fee cap", -32000, "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", Is.ABOVE_NODE_CAP),
    ("method", -32601, "the method eth_sendRawTransaction does not exist/is not available", Is.UNAVAILABLE),
    ("internal", -32603, "method handler crashed", Is.UNAVAILABLE),
    ("timeout", -32002, "request timed out", Is.UNAVAILABLE),
)

# Erigon at 05916db: txnprovider/txpool/txpoolcfg/txpoolcfg.go, put behind the pool's import result by
# rpc/jsonrpc/send_transaction.go.
ERIGON = _of(
    "Erigon",
    ("nonce too low", -32000, "INTERNAL_ERROR: nonce too low", Is.NONCE_USED),
    ("already known", -32000, "ALREADY_EXISTS: already known", Is.KNOWN),
    ("already known", -32000, "ALREADY_EXISTS: existing txn with same hash", Is.KNOWN),
    ("already known", -32000, "INTERNAL_ERROR: existing tx with same hash", Is.KNOWN),
    ("replacement underpriced", -32000, "INTERNAL_ERROR: could not replace existing tx", Is.REPLACEMENT_UNDERPRICED),
    ("replacement underpriced", -32000, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("underpriced", -32000, "FEE_TOO_LOW: underpriced", Is.FEE_TOO_LOW),
    ("node minimum", -32000, "FEE_TOO_LOW: fee too low", Is.FEE_TOO_LOW),
    ("insufficient funds", -32000, "INTERNAL_ERROR: insufficient funds", Is.NOT_FUNDED),
    ("intrinsic gas", -32000, "INTERNAL_ERROR: IntrinsicGas", Is.REFUSED),
    ("block gas limit", -32000, "INTERNAL_ERROR: gas limit is too high", Is.REFUSED),
    ("block gas limit", -32000, "INTERNAL_ERROR: GasUintOverflow", Is.REFUSED),
    ("pool full", -32000, "INTERNAL_ERROR: pending sub-pool is full", Is.POOL_FULL),
    ("pool full", -32000, "INTERNAL_ERROR: baseFee sub-pool is full", Is.POOL_FULL),
    ("pool full", -32000, "INTERNAL_ERROR: queued sub-pool is full", Is.POOL_FULL),
    ("account limit", -32000, "INTERNAL_ERROR: spammer", Is.POOL_FULL),
    ("oversized", -32000, "INVALID: oversized data", Is.REFUSED),
    ("oversized", -32000, "INVALID: RLPTooLong", Is.REFUSED),
    ("oversized", -32000, "INVALID: initcode too large", Is.REFUSED),
    ("chain id", -32000, "invalid chain id, expected: 7001 got: 1", Is.REFUSED),
    ("chain id", -32000, "only replay-protected (EIP-155) transactions allowed over RPC", Is.REFUSED),
    ("type", -32000, "INVALID: fork supporting this transaction type is not activated yet", Is.REFUSED),
    ("invalid sender", -32000, "INVALID: invalid sender", Is.REFUSED),
    ("node's fee cap", -32000, "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", Is.ABOVE_NODE_CAP),
    ("method", -32601, "the method eth_sendRawTransaction does not exist/is not available", Is.UNAVAILABLE),
)

# Nethermind at 030cbd1: Nethermind.TxPool/{AcceptTxResult,TxPoolErrorMessages}.cs, Nethermind.Core/Messages/
# TxErrorMessages.cs, Nethermind.JsonRpc/ErrorCodes.cs. A detail follows the phrase after a comma.
NETHERMIND = _of(
    "Nethermind",
    ("nonce too low", -32000, "nonce too low, Current nonce: 8, nonce of rejected tx: 7.", Is.NONCE_USED),
    ("already known", -32000, "already known", Is.KNOWN),
    ("replacement underpriced", -32000, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("underpriced", -32000, "transaction underpriced", Is.FEE_TOO_LOW),
    ("tip above fee cap", -32000, "InvalidMaxPriorityFeePerGas: Cannot be higher than maxFeePerGas.", Is.REFUSED),
    ("insufficient funds", -32000, "insufficient funds for gas * price + value", Is.NOT_FUNDED),
    ("intrinsic gas", -32000, "transaction invalid, intrinsic gas too low", Is.REFUSED),
    ("block gas limit", -32000, "gas limit reached, Gas limit: 30000000, gas limit of rejected tx: 4", Is.REFUSED),
    ("block gas limit", -32000, "TxGasLimitCapExceeded: Gas limit 17 exceeded cap of 16.", Is.REFUSED),
    ("block gas limit", -32000, "transaction cost overflow", Is.REFUSED),
    ("nonce gap", -32000, "nonce too high, Future nonce. Expected nonce: 7", Is.NONCE_GAP),
    ("nonce gap", -32000, "nonce too far in future", Is.NONCE_GAP),
    ("nonce gap", -32000, "delegation nonce gap", Is.NONCE_GAP),
    ("account limit", -32000, "pending transaction type conflict", Is.POOL_FULL),
    ("oversized", -32000, "transaction too large", Is.REFUSED),
    ("chain id", -32000, "transaction invalid, InvalidTxChainId: Expected 7001, got 1.", Is.REFUSED),
    ("type", -32000, "unsupported transaction type", Is.REFUSED),
    ("invalid sender", -32000, "failed to recover sender", Is.REFUSED),
    ("invalid sender", -32000, "InvalidTxSignature: Signature is invalid.", Is.REFUSED),
    ("sender is contract", -32000, "sender not an eoa", Is.REFUSED),
    ("syncing", -32000, "node is syncing", Is.UNAVAILABLE),
    ("timeout", -32016, "Request was canceled due to enabled timeout.", Is.UNAVAILABLE),
    ("rate limit", -32005, "Too many requests", Is.UNAVAILABLE),
    ("internal", -32603, "Internal error", Is.UNAVAILABLE),
)

# Nethermind before 2026 named the results themselves (the same AcceptTxResult.cs, and code -32010).
NETHERMIND_BEFORE_2026 = _of(
    "Nethermind before 2026",
    ("nonce too low", -32010, "OldNonce, Current nonce: 8, nonce of rejected tx: 7", Is.NONCE_USED),
    ("already known", -32010, "AlreadyKnown", Is.KNOWN),
    ("replacement underpriced", -32010, "ReplacementNotAllowed", Is.REPLACEMENT_UNDERPRICED),
    ("underpriced", -32010, "FeeTooLow, EffectivePriorityFeePerGas too low 0 < 1", Is.FEE_TOO_LOW),
    ("underpriced", -32010, "FeeTooLowToCompete", Is.FEE_TOO_LOW),
    (
        "insufficient funds",
        -32010,
        "InsufficientFunds, Balance is 0 less than sending value + gas 21000",
        Is.NOT_FUNDED,
    ),
    ("block gas limit", -32010, "GasLimitExceeded, Gas limit: 30000000, gas limit of rejected tx: 4", Is.REFUSED),
    ("nonce gap", -32010, "NonceGap, Future nonce. Expected nonce: 7", Is.NONCE_GAP),
    ("nonce gap", -32010, "NonceTooFarInFuture", Is.NONCE_GAP),
    ("oversized", -32010, "MaxTxSizeExceeded", Is.REFUSED),
    ("invalid sender", -32010, "FailedToResolveSender", Is.REFUSED),
    ("sender is contract", -32010, "SenderIsContract", Is.REFUSED),
)

# Besu at 49026aa: ethereum/api/.../jsonrpc/internal/response/RpcErrorType.java
BESU = _of(
    "Besu",
    ("nonce too low", -32001, "Nonce too low", Is.NONCE_USED),
    ("nonce too low", -32001, "Transaction nonce below sender account nonce", Is.NONCE_USED),
    ("already known", -32000, "Known transaction", Is.KNOWN),
    ("replacement underpriced", -32000, "Replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("fee cap below base fee", -32009, "Gas price below current base fee", Is.FEE_TOO_LOW),
    ("node minimum", -32009, "Gas price below configured minimum gas price", Is.FEE_TOO_LOW),
    ("tip above fee cap", -32000, "Max priority fee per gas exceeds max fee per gas", Is.REFUSED),
    ("insufficient funds", -32004, "Upfront cost exceeds account balance", Is.NOT_FUNDED),
    ("intrinsic gas", -32003, "Intrinsic gas exceeds gas limit", Is.REFUSED),
    ("block gas limit", -32005, "Transaction gas limit exceeds block gas limit", Is.REFUSED),
    ("block gas limit", -32005, "Transaction gas limit cap exceeded", Is.REFUSED),
    ("nonce gap", -32006, "Nonce too high", Is.NONCE_GAP),
    ("nonce gap", -32000, "Transaction nonce is too distant from current sender nonce", Is.NONCE_GAP),
    ("nonce gap", -32000, "An invalid transaction with a lower nonce exists", Is.NONCE_GAP),
    ("chain id", -32000, "Wrong chainId", Is.REFUSED),
    ("chain id", -32000, "ChainId is required", Is.REFUSED),
    ("type", -32602, "Invalid transaction type", Is.REFUSED),
    ("invalid sender", -32002, "Invalid signature", Is.REFUSED),
    ("sender not permitted", -32007, "Sender account not authorized to send transactions", Is.REFUSED),
    ("node's policy", -32000, "Plugin has marked the transaction as invalid", Is.REFUSED),
    ("node's fee cap", -32000, "Transaction fee cap exceeded", Is.ABOVE_NODE_CAP),
    ("syncing", -32008, "Initial sync is still in progress", Is.UNAVAILABLE),
    (
        "syncing",
        -32002,
        "Transaction pool not enabled. (Either txpool explicitly disabled, or node not yet in sync).",
        Is.UNAVAILABLE,
    ),
    ("would revert", 3, "Execution reverted", Is.REVERTS),
    ("method", -32604, "Method not enabled", Is.UNAVAILABLE),
    ("internal", -32603, "Internal error", Is.UNAVAILABLE),
    ("timeout", -32603, "Timeout expired", Is.UNAVAILABLE),
)

# anvil 1.7.1, as it answers (tests/e2e/anvil asks it), and crates/anvil/src/eth/error.rs for what cannot be provoked.
# It takes any higher fee cap as a replacement, gaps, oversized data, and senders that are contracts.
ANVIL = _of(
    "anvil",
    ("nonce too low", -32003, "nonce too low", Is.NONCE_USED),
    ("already known", -32003, "transaction already imported", Is.KNOWN),
    ("replacement underpriced", -32003, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("fee cap below base fee", -32003, "max fee per gas less than block base fee", Is.FEE_TOO_LOW),
    ("tip above fee cap", -32003, "max priority fee per gas higher than max fee per gas", Is.REFUSED),
    ("insufficient funds", -32003, "Insufficient funds for gas * price + value", Is.NOT_FUNDED),
    ("intrinsic gas", -32000, "intrinsic gas too low", Is.REFUSED),
    ("block gas limit", -32000, "intrinsic gas too high -- tx.gas_limit > env.block.gas_limit", Is.REFUSED),
    (
        "block gas limit",
        -32003,
        "Transaction gas limit is greater than the block gas limit, gas_limit: 3, cap: 2",
        Is.REFUSED,
    ),
    ("nonce gap", -32003, "Nonce too high", Is.NONCE_GAP),
    ("chain id", -32003, "invalid chain id for signer", Is.REFUSED),
    ("malformed", -32602, "Failed to decode transaction", Is.REFUSED),
    ("type", -32602, "Unknown transaction type not supported", Is.REFUSED),
    ("sender is contract", -32003, "sender not an eoa", Is.REFUSED),
    ("would revert", 3, "execution reverted: custom error 0x5b263df7", Is.REVERTS),
    ("method", -32601, "Method not found", Is.UNAVAILABLE),
    ("timeout", -32603, "Transaction confirmation timeout", Is.UNAVAILABLE),
)

# Alchemy: alchemy.com/docs/reference/error-reference, and as quoted in public issues. Else the words of its nodes.
ALCHEMY = _of(
    "Alchemy",
    ("nonce too low", -32000, "nonce too low: next nonce 8, tx nonce 7", Is.NONCE_USED),
    ("already known", -32000, "already known", Is.KNOWN),
    ("replacement underpriced", -32000, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    (
        "fee cap below base fee",
        -32000,
        "err: max fee per gas less than block base fee: address 0x65…, maxFeePerGas: 1, baseFee: 2",
        Is.FEE_TOO_LOW,
    ),
    ("would revert", -32002, "Transaction simulation failed", Is.REVERTS),
    ("would revert", 3, "execution reverted: non-majority", Is.REVERTS),
    (
        "rate limit",
        429,
        "Your app has exceeded its compute units per second capacity. If you have retries enabled, you can safely "
        "ignore this message. If not, check out https://docs.alchemy.com/reference/throughput",
        Is.UNAVAILABLE,
    ),
    (
        "rate limit",
        -32600,
        "Monthly capacity limit exceeded. Visit https://dashboard.alchemy.com/settings/billing",
        Is.UNAVAILABLE,
    ),
    ("internal", -32603, "Internal error", Is.UNAVAILABLE),
    ("not permitted", -32000, "Unspecified origin not on whitelist.", Is.UNKNOWN),
)

# Infura: docs.metamask.io/services/reference (JSON-RPC errors), and as quoted in public issues.
INFURA = _of(
    "Infura",
    ("nonce too low", -32000, "nonce too low", Is.NONCE_USED),
    ("already known", -32000, "ALREADY_EXISTS: already known", Is.KNOWN),
    ("replacement underpriced", -32000, "replacement transaction underpriced", Is.REPLACEMENT_UNDERPRICED),
    ("insufficient funds", -32000, "insufficient funds for gas * price + value", Is.NOT_FUNDED),
    ("rate limit", -32005, "project ID request rate exceeded", Is.UNAVAILABLE),
    ("rate limit", -32005, "daily request count exceeded, request rate limited", Is.UNAVAILABLE),
    ("internal", -32603, "Internal error", Is.UNAVAILABLE),
    ("unavailable", -32002, "Resource unavailable", Is.UNAVAILABLE),
    ("unworded", -32003, "Transaction rejected", Is.UNKNOWN),
)

UNHEARD_OF = _of(
    "nobody yet",
    ("empty", -32000, "", Is.UNKNOWN),
    ("new words", -32000, "the moon is full", Is.UNKNOWN),
    ("new words and a new code", -39999, "mempool: bad vibes", Is.UNKNOWN),
    ("new words and the code of a limit", -32005, "slow down", Is.UNAVAILABLE),
    ("another language", -32000, "交易被拒绝", Is.UNKNOWN),
)

REFUSALS = (
    *GETH,
    *ERIGON,
    *NETHERMIND,
    *NETHERMIND_BEFORE_2026,
    *BESU,
    *ANVIL,
    *ALCHEMY,
    *INFURA,
    *UNHEARD_OF,
)
