// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

/// @title The ERC-721 that crosses the bridge on a test network.
contract DemoERC721 is ERC721, Ownable {
    constructor() ERC721("Sidewarden Demo 721", "DEMO721") Ownable(msg.sender) {}

    function mint(address account, uint256 tokenId) external onlyOwner {
        _mint(account, tokenId);
    }
}
