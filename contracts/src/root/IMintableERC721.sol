// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";

/// @title A root-chain token that its predicate may mint.
interface IMintableERC721 is IERC721 {
    function mint(address account, uint256 tokenId) external;

    /// @param metadata what the child token says of the token, as its encodeTokenMetadata gives it
    function mint(address account, uint256 tokenId, bytes calldata metadata) external;

    function exists(uint256 tokenId) external view returns (bool);
}
