// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChildTunnel} from "./ChildTunnel.sol";

/// @title A tunnel for test networks: anybody may send, and the last message from the root is kept.
contract DemoChildTunnel is ChildTunnel {
    bytes public lastMessage;

    event MessageReceived(bytes message);

    constructor(address stateSyncer_) ChildTunnel(stateSyncer_) {}

    function sendMessageToRoot(bytes calldata message) external {
        _sendMessageToRoot(message);
    }

    function _processMessageFromRoot(bytes memory message) internal override {
        lastMessage = message;
        emit MessageReceived(message);
    }
}
