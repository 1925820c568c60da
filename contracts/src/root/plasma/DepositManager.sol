// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {StateSender} from "../StateSender.sol";
import {Registry} from "./Registry.sol";

/// @title Holds all that was deposited through the plasma bridge, and pays it out when a predicate says so.
/// @dev Ether goes by the address Registry.ETHER. Deposits are numbered here, from 1. Tokens that keep a part of what is
/// transferred must not be mapped: the side chain is told the amount that was asked for.
contract DepositManager {
    using SafeERC20 for IERC20;

    Registry public immutable registry;
    StateSender public immutable stateSender;
    /// @notice ChildChain, the receiver of deposits on the side chain.
    address public immutable childChain;

    uint256 public depositCount;

    event NewDepositBlock(
        address indexed owner,
        address indexed token,
        uint256 amountOrNFTId,
        uint256 depositBlockId
    );

    error NotAPredicate(address sender);

    /// @dev For deposits, StateSender's owner must have registered this contract as the sender to `childChain_`.
    constructor(Registry registry_, StateSender stateSender_, address childChain_) {
        registry = registry_;
        stateSender = stateSender_;
        childChain = childChain_;
    }

    function depositERC20(address token, uint256 amount) external {
        depositERC20ForUser(token, msg.sender, amount);
    }

    function depositERC721(address token, uint256 tokenId) external {
        depositERC721ForUser(token, msg.sender, tokenId);
    }

    /// @notice Locks ether of the sender, and has the sender credited on the side chain.
    function depositEther() external payable {
        _createDeposit(msg.sender, registry.ETHER(), msg.value, false);
    }

    /// @notice Locks tokens of the sender, and has `user` credited on the side chain.
    function depositERC20ForUser(address token, address user, uint256 amount) public {
        _createDeposit(user, token, amount, false);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Locks a token of the sender, and has `user` hold it on the side chain.
    function depositERC721ForUser(address token, address user, uint256 tokenId) public {
        _createDeposit(user, token, tokenId, true);
        IERC721(token).transferFrom(msg.sender, address(this), tokenId);
    }

    /// @notice Pays out. An ERC-721 is moved without asking its receiver, who has asked for it by starting the exit.
    function transferAssets(address token, address user, uint256 amountOrNFTId) external {
        require(registry.predicates(msg.sender) != Registry.Type.Invalid, NotAPredicate(msg.sender));
        if (token == registry.ETHER()) Address.sendValue(payable(user), amountOrNFTId);
        else if (registry.isERC721(token)) IERC721(token).transferFrom(address(this), user, amountOrNFTId);
        else IERC20(token).safeTransfer(user, amountOrNFTId);
    }

    /// @dev The message goes first: all is undone if the transfer fails.
    function _createDeposit(address user, address token, uint256 amountOrNFTId, bool isERC721) private {
        require(user != address(0), "INVALID_USER");
        require(registry.isTokenMappedAndIsErc721(token) == isERC721, "INVALID_TOKEN_TYPE");
        uint256 depositId = ++depositCount;
        emit NewDepositBlock(user, token, amountOrNFTId, depositId);
        stateSender.syncState(childChain, abi.encode(user, token, amountOrNFTId, depositId));
    }
}
