// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../shared/Rlp.sol";

/// @title The log of a burn, read strictly: one log has one meaning, and only what Solidity's encoder makes is a log.
library BurnLog {
    using Rlp for bytes;

    struct Log {
        bytes32[] topics;
        bytes data;
    }

    error NotAnAddress(bytes32 topic);
    error NotCanonical();

    /// @param log [address, [topic …], data] in RLP, of exactly `topicCount` topics
    function read(bytes calldata log, uint256 topicCount) internal pure returns (Log memory found) {
        bytes calldata topics;
        bytes calldata rest = log.list();
        (, rest) = rest.takeAddress();
        (topics, rest) = rest.takeList();
        (found.data, rest) = rest.takeBytes();
        require(rest.length == 0, Rlp.MalformedRlp());
        found.topics = new bytes32[](topicCount);
        for (uint256 i = 0; i < topicCount; ++i) (found.topics[i], topics) = topics.takeWord();
        require(topics.length == 0, Rlp.MalformedRlp());
    }

    /// @dev The event of a log that may be of several: its first topic.
    function signatureOf(bytes calldata log) internal pure returns (bytes32 signature) {
        bytes calldata topics;
        (, bytes calldata rest) = log.list().takeAddress();
        (topics,) = rest.takeList();
        (signature,) = topics.takeWord();
    }

    function toAddress(bytes32 topic) internal pure returns (address) {
        require(uint256(topic) <= type(uint160).max, NotAnAddress(topic));
        return address(uint160(uint256(topic)));
    }

    /// @dev abi.encode(uint256[])
    function toIds(bytes memory data) internal pure returns (uint256[] memory ids) {
        ids = abi.decode(data, (uint256[]));
        require(ids.length != 0 && keccak256(abi.encode(ids)) == keccak256(data), NotCanonical());
    }

    /// @dev abi.encode(uint256 id, uint256 amount)
    function toIdAndAmount(bytes memory data) internal pure returns (uint256 id, uint256 amount) {
        require(data.length == 64, NotCanonical());
        return abi.decode(data, (uint256, uint256));
    }

    /// @dev abi.encode(uint256[] ids, uint256[] amounts), as many of the one as of the other
    function toIdsAndAmounts(bytes memory data)
        internal
        pure
        returns (uint256[] memory ids, uint256[] memory amounts)
    {
        (ids, amounts) = abi.decode(data, (uint256[], uint256[]));
        require(
            ids.length != 0 && ids.length == amounts.length
                && keccak256(abi.encode(ids, amounts)) == keccak256(data),
            NotCanonical()
        );
    }

    /// @dev abi.encode(bytes)
    function toBytes(bytes memory data) internal pure returns (bytes memory content) {
        content = abi.decode(data, (bytes));
        require(keccak256(abi.encode(content)) == keccak256(data), NotCanonical());
    }
}
