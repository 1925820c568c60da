// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BlockTree} from "../shared/BlockTree.sol";
import {ReceiptTrie} from "../shared/ReceiptTrie.sol";
import {Rlp} from "../shared/Rlp.sol";
import {RootChain} from "./RootChain.sol";

/// @title The proof that a log stands in a side-chain block under a checkpoint.
/// @dev An RLP list of ten items: header id, block proof, block number, block time, transactions root, receipts root,
/// receipt, receipt proof, branch mask, index of the log in its receipt. One burn has one valid payload.
library ExitPayload {
    using Rlp for bytes;

    struct Block {
        uint256 headerId;
        uint256 number;
        uint256 timestamp;
        bytes32 transactionsRoot;
        bytes32 receiptsRoot;
    }

    error TransactionTypeUnknown(uint256 first);

    /// @return exitHash the mark of this log: of its block, transaction and place in the receipt
    /// @return burnPlace where its transaction stands: block number << 32 | index in the block
    /// @return log the log, RLP encoded
    function verify(bytes calldata payload, RootChain checkpoints)
        internal
        view
        returns (bytes32 exitHash, uint256 burnPlace, bytes calldata log)
    {
        Block memory from;
        bytes calldata rest = payload.list();
        (from.headerId, rest) = rest.takeUint();
        bytes calldata blockProof;
        (blockProof, rest) = rest.takeBytes();
        (from.number, rest) = rest.takeUint();
        (from.timestamp, rest) = rest.takeUint();
        (from.transactionsRoot, rest) = rest.takeWord();
        (from.receiptsRoot, rest) = rest.takeWord();
        _requireCheckpointed(from, blockProof, checkpoints);
        return _verifyReceipt(from, rest);
    }

    /// @dev Where a payload says that its log stands: worth nothing before `verify` has accepted it.
    function place(bytes calldata payload)
        internal
        pure
        returns (
            uint256 headerId,
            uint256 blockNumber,
            bytes calldata receipt,
            bytes calldata branchMask,
            uint256 logIndex
        )
    {
        bytes calldata rest = payload.list();
        (headerId, rest) = rest.takeUint();
        (, rest) = rest.takeBytes();
        (blockNumber, rest) = rest.takeUint();
        for (uint256 i = 0; i < 3; ++i) (, rest) = rest.takeBytes();
        (receipt, rest) = rest.takeBytes();
        (, rest) = rest.takeBytes();
        (branchMask, rest) = rest.takeBytes();
        (logIndex, rest) = rest.takeUint();
    }

    /// @dev The log that a payload is of, RLP encoded: worth nothing before `verify` has accepted it.
    function claimedLog(bytes calldata payload) internal pure returns (bytes calldata) {
        (,, bytes calldata receipt,, uint256 logIndex) = place(payload);
        return _logAt(receipt, logIndex);
    }

    /// @dev The body of a receipt's list of logs. A receipt is [status or root, cumulative gas, bloom, logs], after a
    /// type byte unless it is a legacy one.
    function logsOf(bytes calldata receipt) internal pure returns (bytes calldata logs) {
        require(receipt.length != 0, Rlp.MalformedRlp());
        uint256 first = uint8(receipt[0]);
        require(first < 0x80 || first >= 0xc0, TransactionTypeUnknown(first));
        bytes calldata rest = Rlp.list(receipt[first < 0x80 ? 1 : 0:]);
        (, rest) = rest.takeBytes();
        (, rest) = rest.takeUint();
        (, rest) = rest.takeBytes();
        (logs,) = rest.takeList();
    }

    function _requireCheckpointed(Block memory from, bytes calldata proof, RootChain checkpoints) private view {
        (bytes32 root, uint256 start, uint256 end, uint256 createdAt,) = checkpoints.headerBlocks(from.headerId);
        require(
            createdAt != 0 && start <= from.number && from.number <= end
                && proof.length == BlockTree.proofLength(end - start + 1),
            "RootChainManager: INVALID_HEADER"
        );
        bytes32 leaf = BlockTree.leaf(from.number, from.timestamp, from.transactionsRoot, from.receiptsRoot);
        require(
            BlockTree.rootOf(leaf, from.number - start, proof) == root, "RootChainManager: INVALID_HEADER"
        );
    }

    function _verifyReceipt(Block memory from, bytes calldata rest)
        private
        pure
        returns (bytes32 exitHash, uint256 burnPlace, bytes calldata log)
    {
        bytes calldata receipt;
        bytes calldata proof;
        bytes calldata mask;
        uint256 logIndex;
        (receipt, rest) = rest.takeBytes();
        (proof, rest) = rest.takeBytes();
        (mask, rest) = rest.takeBytes();
        (logIndex, rest) = rest.takeUint();
        require(rest.length == 0, Rlp.MalformedRlp());
        uint256 transactionIndex = _transactionIndex(mask);
        require(
            ReceiptTrie.contains(from.receiptsRoot, mask[1:], receipt, proof.list()),
            "RootChainManager: INVALID_PROOF"
        );
        exitHash = keccak256(abi.encodePacked(from.number, _nibbles(mask[1:]), logIndex));
        return (exitHash, from.number << 32 | transactionIndex, _logAt(receipt, logIndex));
    }

    /// @dev A zero byte, which is the prefix of a path of even length, and the RLP of a transaction index of 32 bits.
    function _transactionIndex(bytes calldata mask) private pure returns (uint256 index) {
        bytes calldata rest;
        require(mask.length >= 2 && mask[0] == 0, "RootChainManager: INVALID_BRANCH_MASK");
        (index, rest) = Rlp.takeUint(mask[1:]);
        require(rest.length == 0 && index <= type(uint32).max, "RootChainManager: INVALID_BRANCH_MASK");
    }

    function _nibbles(bytes calldata path) private pure returns (bytes memory nibbles) {
        nibbles = new bytes(2 * path.length);
        for (uint256 i = 0; i < path.length; ++i) {
            nibbles[2 * i] = path[i] >> 4;
            nibbles[2 * i + 1] = path[i] & 0x0f;
        }
    }

    function _logAt(bytes calldata receipt, uint256 index) private pure returns (bytes calldata log) {
        bytes calldata rest = logsOf(receipt);
        (log, rest) = rest.takeItem();
        for (; index != 0; --index) (log, rest) = rest.takeItem();
    }
}
