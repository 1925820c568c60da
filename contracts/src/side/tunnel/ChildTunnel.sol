// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title The end of a tunnel on the side chain: takes the root tunnel's messages, and logs those that it sends there.
abstract contract ChildTunnel {
    /// @notice Who brings the messages: the state receiver of the side chain.
    address public immutable stateSyncer;
    /// @notice The last message taken. Ids may be skipped: other receivers have theirs in between.
    uint256 public lastStateId;

    /// @notice What RootTunnel.receiveMessage takes a proof of.
    event MessageSent(bytes message);

    error NotTheStateSyncer(address sender);
    error StateIdNotAscending(uint256 id, uint256 last);

    constructor(address stateSyncer_) {
        stateSyncer = stateSyncer_;
    }

    /// @notice Takes a message of the root tunnel, each once and in order.
    function onStateReceive(uint256 id, bytes calldata message) external {
        require(msg.sender == stateSyncer, NotTheStateSyncer(msg.sender));
        require(id > lastStateId, StateIdNotAscending(id, lastStateId));
        lastStateId = id;
        _processMessageFromRoot(message);
    }

    function _processMessageFromRoot(bytes memory message) internal virtual;

    function _sendMessageToRoot(bytes memory message) internal {
        emit MessageSent(message);
    }
}
