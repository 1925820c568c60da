// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What the WithdrawManager asks of the contract that has started an exit.
interface IExitPredicate {
    /// @notice Has the exit paid out, or fails.
    /// @param data abi.encode(uint256 exitId, address token, address exitor, uint256 amountOrNFTId)
    function onFinalizeExit(bytes calldata data) external;
}
