// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IPlasmaToken} from "./IPlasmaToken.sol";

/// @title The plasma bridge on the side chain: takes the root chain's deposits, each once and in order.
contract ChildChain is Ownable {
    /// @notice Who brings the messages: the state receiver of the side chain.
    address public immutable stateSyncer;
    /// @notice The last message taken. Ids may be skipped: other receivers have theirs in between.
    uint256 public lastStateId;
    mapping(address rootToken => address childToken) public tokens;
    mapping(address rootToken => bool) public isERC721;

    event NewToken(address indexed rootToken, address indexed token);
    event TokenDeposited(
        address indexed rootToken,
        address indexed childToken,
        address indexed user,
        uint256 amount,
        uint256 depositCount
    );

    error NotTheStateSyncer(address sender);
    error StateIdNotAscending(uint256 id, uint256 last);

    constructor(address stateSyncer_) Ownable(msg.sender) {
        stateSyncer = stateSyncer_;
    }

    /// @notice Joins a token of the root chain and its twin here, for good.
    function mapToken(address rootToken, address token, bool isERC721_) external onlyOwner {
        require(tokens[rootToken] == address(0) && token != address(0), "Token already mapped");
        tokens[rootToken] = token;
        isERC721[rootToken] = isERC721_;
        emit NewToken(rootToken, token);
    }

    /// @notice Takes a deposit of the root chain's DepositManager.
    /// @param data abi.encode(address user, address rootToken, uint256 amountOrNFTId, uint256 depositId)
    function onStateReceive(uint256 id, bytes calldata data) external {
        require(msg.sender == stateSyncer, NotTheStateSyncer(msg.sender));
        require(id > lastStateId, StateIdNotAscending(id, lastStateId));
        lastStateId = id;
        (address user, address rootToken, uint256 amountOrNFTId, uint256 depositId) =
            abi.decode(data, (address, address, uint256, uint256));
        address childToken = tokens[rootToken];
        require(childToken != address(0), "TOKEN_NOT_MAPPED");
        emit TokenDeposited(rootToken, childToken, user, amountOrNFTId, depositId);
        IPlasmaToken(childToken).deposit(user, amountOrNFTId);
    }
}
