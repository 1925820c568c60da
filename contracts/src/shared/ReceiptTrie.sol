// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "./Rlp.sol";

/// @title Inclusion of a receipt in a block's receipts trie (a Merkle-Patricia trie).
/// @dev Receipts are long and their keys prefix-free, so no node stands inside another and no branch holds a value.
library ReceiptTrie {
    using Rlp for bytes;

    uint256 private constant LEAF_FLAG = 2;
    uint256 private constant ODD_FLAG = 1;

    /// @dev True if `nodes`, the body of a list of the nodes from the root down, prove `value` under `key`, and none is
    /// left over. Every node below the root uses up at least one nibble of the key, so the walk ends.
    function contains(bytes32 root, bytes calldata key, bytes calldata value, bytes calldata nodes)
        internal
        pure
        returns (bool)
    {
        bytes32 expected = root;
        uint256 depth = 0;
        while (nodes.length != 0) {
            bytes calldata node;
            (node, nodes) = nodes.takeItem();
            if (keccak256(node) != expected) return false;
            (bytes calldata child, bytes calldata rest) = node.list().takeBytes();
            (bytes calldata second, bytes calldata more) = rest.takeBytes();
            if (more.length != 0) {
                if (depth == 2 * key.length) return false;
                for (uint256 skip = _nibble(key, depth++); skip != 0; --skip) (child, rest) = rest.takeBytes();
            } else {
                (bool matches, bool isLeaf, uint256 below) = _follow(child, key, depth);
                if (!matches) return false;
                if (isLeaf) {
                    return below == 2 * key.length && nodes.length == 0 && keccak256(second) == keccak256(value);
                }
                (child, depth) = (second, below);
            }
            if (child.length != 32) return false;
            expected = bytes32(child);
        }
        return false;
    }

    /// @dev Follows the hex-prefix encoded path of a leaf or extension from `depth` on.
    function _follow(bytes calldata path, bytes calldata key, uint256 depth)
        private
        pure
        returns (bool matches, bool isLeaf, uint256 below)
    {
        uint256 flags = _nibble(path, 0);
        isLeaf = flags & LEAF_FLAG != 0;
        uint256 place = flags & ODD_FLAG != 0 ? 1 : 2;
        for (below = depth; place < 2 * path.length; ++place) {
            if (below == 2 * key.length || _nibble(path, place) != _nibble(key, below++)) return (false, isLeaf, below);
        }
        return (true, isLeaf, below);
    }

    function _nibble(bytes calldata data, uint256 place) private pure returns (uint256) {
        uint256 pair = uint8(data[place / 2]);
        return place % 2 == 0 ? pair >> 4 : pair & 0x0f;
    }
}
