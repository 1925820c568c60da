// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IChildToken} from "./IChildToken.sol";

/// @title The bridge on the side chain: takes the root chain's messages, each once and in order.
contract ChildChainManager is AccessControl {
    bytes32 public constant DEPOSIT = keccak256("DEPOSIT");
    bytes32 public constant MAP_TOKEN = keccak256("MAP_TOKEN");
    bytes32 public constant MAPPER_ROLE = keccak256("MAPPER_ROLE");
    bytes32 public constant STATE_SYNCER_ROLE = keccak256("STATE_SYNCER_ROLE");

    /// @notice The last message taken. Ids may be skipped: other receivers have theirs in between.
    uint256 public lastStateId;
    mapping(address rootToken => address childToken) public rootToChildToken;
    mapping(address childToken => address rootToken) public childToRootToken;

    event TokenMapped(address indexed rootToken, address indexed childToken);

    error StateIdNotAscending(uint256 id, uint256 last);

    constructor(address stateSyncer) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(MAPPER_ROLE, msg.sender);
        _grantRole(STATE_SYNCER_ROLE, stateSyncer);
    }

    /// @notice Joins a token of the root chain and its twin here, for good.
    function mapToken(address rootToken, address childToken) external onlyRole(MAPPER_ROLE) {
        _map(rootToken, childToken);
    }

    /// @notice Takes a message of the root chain's StateSender.
    /// @param data abi.encode(DEPOSIT or MAP_TOKEN, bytes)
    function onStateReceive(uint256 id, bytes calldata data) external onlyRole(STATE_SYNCER_ROLE) {
        require(id > lastStateId, StateIdNotAscending(id, lastStateId));
        lastStateId = id;
        (bytes32 syncType, bytes memory syncData) = abi.decode(data, (bytes32, bytes));
        if (syncType == DEPOSIT) {
            (address user, address rootToken, bytes memory depositData) =
                abi.decode(syncData, (address, address, bytes));
            address childToken = rootToChildToken[rootToken];
            require(childToken != address(0), "ChildChainManager: TOKEN_NOT_MAPPED");
            IChildToken(childToken).deposit(user, depositData);
        } else if (syncType == MAP_TOKEN) {
            (address rootToken, address childToken,) = abi.decode(syncData, (address, address, bytes32));
            _map(rootToken, childToken);
        } else {
            revert("ChildChainManager: INVALID_SYNC_TYPE");
        }
    }

    /// @dev The same pair again changes nothing: a mapper may be ahead of the message.
    function _map(address rootToken, address childToken) private {
        if (rootToChildToken[rootToken] == childToken && childToRootToken[childToken] == rootToken) return;
        require(
            rootToChildToken[rootToken] == address(0) && childToRootToken[childToken] == address(0),
            "ChildChainManager: ALREADY_MAPPED"
        );
        rootToChildToken[rootToken] = childToken;
        childToRootToken[childToken] = rootToken;
        emit TokenMapped(rootToken, childToken);
    }
}
