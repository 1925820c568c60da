// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BurnLog} from "./BurnLog.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Holds the ERC-20 tokens that are on the side chain, and pays them out for burns.
contract ERC20Predicate is TokenPredicate {
    using SafeERC20 for IERC20;

    bytes32 public constant TOKEN_TYPE = keccak256("ERC20");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");

    event LockedERC20(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256 amount
    );
    event ExitedERC20(address indexed exitor, address indexed rootToken, uint256 amount);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256 amount)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        uint256 amount = _word(depositData);
        emit LockedERC20(depositor, depositReceiver, rootToken, amount);
        IERC20(rootToken).safeTransferFrom(depositor, address(this), amount);
    }

    /// @notice Pays whoever burnt: the sender of a Transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        BurnLog.Log memory burn = BurnLog.read(log, 3);
        require(burn.topics[0] == TRANSFER_EVENT_SIG, "ERC20Predicate: INVALID_SIGNATURE");
        require(burn.topics[2] == 0, "ERC20Predicate: INVALID_RECEIVER");
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256 amount = _word(burn.data);
        emit ExitedERC20(exitor, rootToken, amount);
        IERC20(rootToken).safeTransfer(exitor, amount);
    }
}
