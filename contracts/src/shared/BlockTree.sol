// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Hashes} from "@openzeppelin/contracts/utils/cryptography/Hashes.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title The tree of side-chain blocks that a checkpoint commits to.
/// @dev Leaves in block order, padded with zero words to a power of two; node = keccak256(left ‖ right).
library BlockTree {
    error ProofLengthUnfit(uint256 length);

    /// @dev All that a checkpoint says of a block: neither its hash nor its state.
    function leaf(uint256 number, uint256 timestamp, bytes32 transactionsRoot, bytes32 receiptsRoot)
        internal
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(number, timestamp, transactionsRoot, receiptsRoot));
    }

    /// @dev The length in bytes that a proof under a tree of `count` leaves has.
    function proofLength(uint256 count) internal pure returns (uint256) {
        return 32 * Math.log2(count, Math.Rounding.Ceil);
    }

    /// @dev The root above a leaf, given its siblings from the leaf's level up.
    function rootOf(bytes32 node, uint256 index, bytes calldata siblings) internal pure returns (bytes32) {
        uint256 length = siblings.length;
        require(length % 32 == 0 && length / 32 < 256 && index >> (length / 32) == 0, ProofLengthUnfit(length));
        for (uint256 offset = 0; offset < length; offset += 32) {
            bytes32 sibling = bytes32(siblings[offset:offset + 32]);
            node = index & 1 == 0
                ? Hashes.efficientKeccak256(node, sibling)
                : Hashes.efficientKeccak256(sibling, node);
            index >>= 1;
        }
        return node;
    }
}
