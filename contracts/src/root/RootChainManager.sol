// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {Rlp} from "../shared/Rlp.sol";
import {ExitPayload} from "./ExitPayload.sol";
import {ITokenPredicate} from "./ITokenPredicate.sol";
import {RootChain} from "./RootChain.sol";
import {StateSender} from "./StateSender.sol";

/// @title The bridge on the root chain: deposits to the side chain, and exits by proof of a burn there.
contract RootChainManager is AccessControl {
    using Address for address payable;
    using Rlp for bytes;

    /// @notice Stands for ether where a root token is named.
    address public constant ETHER_ADDRESS = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;
    bytes32 public constant DEPOSIT = keccak256("DEPOSIT");
    bytes32 public constant MAP_TOKEN = keccak256("MAP_TOKEN");
    bytes32 public constant MAPPER_ROLE = keccak256("MAPPER_ROLE");

    RootChain public immutable checkpointManagerAddress;
    StateSender public immutable stateSenderAddress;
    address public immutable childChainManagerAddress;

    mapping(bytes32 tokenType => ITokenPredicate) public typeToPredicate;
    mapping(address rootToken => address childToken) public rootToChildToken;
    mapping(address childToken => address rootToken) public childToRootToken;
    mapping(address rootToken => bytes32 tokenType) public tokenToType;
    mapping(bytes32 exitHash => bool) public processedExits;

    event TokenMapped(address indexed rootToken, address indexed childToken, bytes32 indexed tokenType);
    event PredicateRegistered(bytes32 indexed tokenType, address indexed predicateAddress);

    /// @param childChainManager the side of the bridge on the other chain
    constructor(RootChain checkpointManager, StateSender stateSender, address childChainManager) {
        checkpointManagerAddress = checkpointManager;
        stateSenderAddress = stateSender;
        childChainManagerAddress = childChainManager;
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(MAPPER_ROLE, msg.sender);
    }

    /// @notice Ether that is simply sent is deposited for the sender.
    receive() external payable {
        _depositEtherFor(msg.sender);
    }

    /// @notice Names the contract that holds the tokens of a type, for good: it remembers which exits of NFTs it has
    /// paid, and another one would pay them again.
    function registerPredicate(bytes32 tokenType, ITokenPredicate predicate) external onlyRole(DEFAULT_ADMIN_ROLE) {
        require(
            address(typeToPredicate[tokenType]) == address(0), "RootChainManager: PREDICATE_ALREADY_REGISTERED"
        );
        typeToPredicate[tokenType] = predicate;
        emit PredicateRegistered(tokenType, address(predicate));
    }

    /// @notice Joins a token of this chain and its twin on the side chain, for good.
    function mapToken(address rootToken, address childToken, bytes32 tokenType) external onlyRole(MAPPER_ROLE) {
        require(
            rootToChildToken[rootToken] == address(0) && childToRootToken[childToken] == address(0),
            "RootChainManager: ALREADY_MAPPED"
        );
        require(
            address(typeToPredicate[tokenType]) != address(0), "RootChainManager: TOKEN_TYPE_NOT_SUPPORTED"
        );
        rootToChildToken[rootToken] = childToken;
        childToRootToken[childToken] = rootToken;
        tokenToType[rootToken] = tokenType;
        emit TokenMapped(rootToken, childToken, tokenType);
        _send(MAP_TOKEN, abi.encode(rootToken, childToken, tokenType));
    }

    /// @notice Locks tokens of the sender, and has `user` credited on the side chain.
    function depositFor(address user, address rootToken, bytes calldata depositData) external {
        require(rootToken != ETHER_ADDRESS, "RootChainManager: INVALID_ROOT_TOKEN");
        _deposit(user, rootToken, depositData);
    }

    /// @notice Locks the ether that is sent along, and has `user` credited on the side chain.
    function depositEtherFor(address user) external payable {
        _depositEtherFor(user);
    }

    /// @notice Pays for a burn on the side chain, once. Anybody may send it: the log says who is paid.
    /// @param inputData an ExitPayload
    function exit(bytes calldata inputData) external {
        (bytes32 exitHash, uint256 burnPlace, bytes calldata log) =
            ExitPayload.verify(inputData, checkpointManagerAddress);
        require(!processedExits[exitHash], "RootChainManager: EXIT_ALREADY_PROCESSED");
        processedExits[exitHash] = true;

        (address childToken,) = log.list().takeAddress();
        address rootToken = childToRootToken[childToken];
        require(rootToken != address(0), "RootChainManager: TOKEN_NOT_MAPPED");
        _predicateOf(rootToken).exitTokens(rootToken, log, burnPlace);
    }

    function _depositEtherFor(address user) private {
        _deposit(user, ETHER_ADDRESS, abi.encode(msg.value));
        payable(address(_predicateOf(ETHER_ADDRESS))).sendValue(msg.value);
    }

    function _deposit(address user, address rootToken, bytes memory depositData) private {
        require(rootToChildToken[rootToken] != address(0), "RootChainManager: TOKEN_NOT_MAPPED");
        require(user != address(0), "RootChainManager: INVALID_USER");
        _predicateOf(rootToken).lockTokens(msg.sender, user, rootToken, depositData);
        _send(DEPOSIT, abi.encode(user, rootToken, depositData));
    }

    function _predicateOf(address rootToken) private view returns (ITokenPredicate) {
        return typeToPredicate[tokenToType[rootToken]];
    }

    function _send(bytes32 syncType, bytes memory syncData) private {
        stateSenderAddress.syncState(childChainManagerAddress, abi.encode(syncType, syncData));
    }
}
