// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title A token of the side chain that deposits mint.
interface IChildToken {
    function deposit(address user, bytes calldata depositData) external;
}
