// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title For tests of log readers: emits any log, also those that no honest contract would.
contract FakeStakingInfo {
    error TooManyTopics(uint256 count);

    /// @notice One log, of up to four topics.
    function emitLog(bytes32[] calldata topics, bytes calldata data) external {
        _emit(topics, data);
    }

    /// @notice The same log `count` times.
    function repeatLog(uint256 count, bytes32[] calldata topics, bytes calldata data) external {
        for (uint256 i = 0; i < count; ++i) _emit(topics, data);
    }

    function _emit(bytes32[] calldata topics, bytes memory data) private {
        require(topics.length <= 4, TooManyTopics(topics.length));
        bytes32[4] memory t;
        for (uint256 i = 0; i < topics.length; ++i) t[i] = topics[i];
        assembly ("memory-safe") {
            let start := add(data, 0x20)
            let size := mload(data)
            switch topics.length
            case 0 { log0(start, size) }
            case 1 { log1(start, size, mload(t)) }
            case 2 { log2(start, size, mload(t), mload(add(t, 0x20))) }
            case 3 { log3(start, size, mload(t), mload(add(t, 0x20)), mload(add(t, 0x40))) }
            default { log4(start, size, mload(t), mload(add(t, 0x20)), mload(add(t, 0x40)), mload(add(t, 0x60))) }
        }
    }
}
