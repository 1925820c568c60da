// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";

/// @title A root-chain token that its predicate may mint.
interface IMintableERC1155 is IERC1155 {
    function mint(address account, uint256 id, uint256 amount, bytes calldata data) external;
}
