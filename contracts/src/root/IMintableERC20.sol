// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";

/// @title A root-chain token that its predicate may mint.
interface IMintableERC20 is IERC20 {
    function mint(address account, uint256 amount) external;
}
