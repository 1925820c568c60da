// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A token of the side chain that deposits through the plasma bridge bring here.
interface IPlasmaToken {
    /// @notice Gives `user` what was locked on the root chain. It must not fail: the message comes but once.
    function deposit(address user, uint256 amountOrNFTId) external;
}
