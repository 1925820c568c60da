// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../shared/Rlp.sol";
import {ExitPayload} from "../ExitPayload.sol";
import {RootChain} from "../RootChain.sol";
import {StateSender} from "../StateSender.sol";

/// @title One end of a tunnel: messages of any content to a contract of the side chain, and from it by proof.
/// @notice A message of the child tunnel is taken once, in whatever order and by whomever it is brought.
/// @dev The texts of ExitPayload's refusals are those of RootChainManager here too.
abstract contract RootTunnel {
    using Rlp for bytes;

    bytes32 public constant SEND_MESSAGE_EVENT_SIG = keccak256("MessageSent(bytes)");

    RootChain public immutable checkpointManager;
    StateSender public immutable stateSender;
    /// @notice The only contract of the side chain that is listened to.
    address public immutable childTunnel;

    mapping(bytes32 exitHash => bool) public processedExits;

    /// @dev For sending, StateSender's owner must have registered this contract as the sender to `childTunnel_`.
    constructor(RootChain checkpointManager_, StateSender stateSender_, address childTunnel_) {
        checkpointManager = checkpointManager_;
        stateSender = stateSender_;
        childTunnel = childTunnel_;
    }

    /// @notice Takes a message that the child tunnel has sent.
    /// @param inputData an ExitPayload that proves a log MessageSent(bytes) of the child tunnel
    function receiveMessage(bytes calldata inputData) external {
        (bytes32 exitHash,, bytes calldata log) = ExitPayload.verify(inputData, checkpointManager);
        require(!processedExits[exitHash], "RootTunnel: EXIT_ALREADY_PROCESSED");
        processedExits[exitHash] = true;
        _processMessageFromChild(abi.decode(_dataOf(log), (bytes)));
    }

    function _processMessageFromChild(bytes memory message) internal virtual;

    function _sendMessageToChild(bytes memory message) internal {
        stateSender.syncState(childTunnel, message);
    }

    function _dataOf(bytes calldata log) private view returns (bytes calldata data) {
        address emitter;
        bytes calldata topics;
        bytes32 signature;
        bytes calldata rest = log.list();
        (emitter, rest) = rest.takeAddress();
        require(emitter == childTunnel, "RootTunnel: INVALID_CHILD_TUNNEL");
        (topics, rest) = rest.takeList();
        (signature, topics) = topics.takeWord();
        require(signature == SEND_MESSAGE_EVENT_SIG && topics.length == 0, "RootTunnel: INVALID_SIGNATURE");
        (data, rest) = rest.takeBytes();
        require(rest.length == 0, Rlp.MalformedRlp());
    }
}
