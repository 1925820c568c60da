"""Expected errors of `bridge.codec`: bytes, text or JSON that do not have the form they should have.

    CodecError
    ├── HexError                      hex text or a JSON-RPC quantity
    ├── RlpError                      RLP bytes, or an RLP item of the wrong shape
    ├── AbiError                      ABI values, call data or an event's topics and data
    ├── SignatureError                a signature, private key or public key
    ├── TransactionError              a raw transaction
    ├── HeaderError                   a block header
    │   └── HeaderFormatUnknownError  no known set of header fields reproduces the hash
    ├── ReceiptError                  a receipt or one of its logs
    ├── ProofError                    a Merkle or trie proof
    ├── CheckpointError               checkpoint data or submitCheckpoint calldata
    ├── PayloadError                  an exit payload
    ├── FeedError                     a feed step or its digests
    └── ConsensusError                a header, commit or validator set of the engine

`code` is the stable name that logs, API and metrics share. Anything else raised by this package is a bug.
"""

from typing import ClassVar


class CodecError(Exception):
    """Root of the expected errors of `bridge.codec`."""

    code: ClassVar[str] = "CODEC"


class HexError(CodecError):
    """Hex text or a JSON-RPC quantity is malformed or of the wrong length."""

    code = "HEX_MALFORMED"


class RlpError(CodecError):
    """Bytes are not canonical RLP, or an item does not have the expected shape."""

    code = "RLP_MALFORMED"


class AbiError(CodecError):
    """Values do not fit their ABI types, or bytes are not their canonical encoding."""

    code = "ABI_MALFORMED"


class SignatureError(CodecError):
    """A signature is not canonical or recovers to nobody, or a key is not a key."""

    code = "SIGNATURE_INVALID"


class TransactionError(CodecError):
    """Raw bytes are not a transaction of the one kind that we send."""

    code = "TRANSACTION_MALFORMED"


class HeaderError(CodecError):
    """A block header has a missing field, or one of the wrong type, size or range."""

    code = "HEADER_MALFORMED"


class HeaderFormatUnknownError(HeaderError):
    """No known set of header fields reproduces the block hash that came with them."""

    code = "HEADER_FORMAT_UNKNOWN"


class ReceiptError(CodecError):
    """A receipt or log is malformed, or of a type that we do not know."""

    code = "RECEIPT_MALFORMED"


class ProofError(CodecError):
    """A proof does not lead from its value to the root."""

    code = "PROOF_INVALID"


class CheckpointError(CodecError):
    """Checkpoint data or submitCheckpoint calldata is not in its one canonical form."""

    code = "CHECKPOINT_MALFORMED"


class PayloadError(CodecError):
    """An exit payload is not canonical, or does not prove its log under the checkpoint."""

    code = "EXIT_PAYLOAD_INVALID"


class FeedError(CodecError):
    """A feed step is not canonical or breaks a limit."""

    code = "FEED_STEP_MALFORMED"


class ConsensusError(CodecError):
    """A block id, header, commit or validator set of the engine is not well formed, or proves nothing."""

    code = "CONSENSUS_INVALID"
