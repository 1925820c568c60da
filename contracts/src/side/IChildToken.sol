// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A token of the side chain that deposits mint.
interface IChildToken {
    /// @notice Mints what was locked on the root chain; `depositData` is what its predicate took.
    function deposit(address user, bytes calldata depositData) external;
}
