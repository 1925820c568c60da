// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RootChain} from "../RootChain.sol";
import {StateSender} from "../StateSender.sol";
import {RootTunnel} from "./RootTunnel.sol";

/// @title A tunnel for test networks: anybody may send, and the last message from the child is kept.
contract DemoRootTunnel is RootTunnel {
    bytes public lastMessage;

    event MessageReceived(bytes message);

    constructor(RootChain checkpointManager_, StateSender stateSender_, address childTunnel_)
        RootTunnel(checkpointManager_, stateSender_, childTunnel_)
    {}

    function sendMessageToChild(bytes calldata message) external {
        _sendMessageToChild(message);
    }

    function _processMessageFromChild(bytes memory message) internal override {
        lastMessage = message;
        emit MessageReceived(message);
    }
}
