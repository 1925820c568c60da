// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC721URIStorage} from "@openzeppelin/contracts/token/ERC721/extensions/ERC721URIStorage.sol";

/// @title An ERC-721 of a test network that is minted on the side chain, and here by its predicate, which owns it.
contract DemoMintableERC721 is ERC721URIStorage, Ownable {
    constructor(address predicate) ERC721("Sidewarden Mintable 721", "MINT721") Ownable(predicate) {}

    function mint(address account, uint256 tokenId) external onlyOwner {
        _mint(account, tokenId);
    }

    /// @param metadata abi.encode(string tokenURI), as ChildMintableERC721 gives it
    function mint(address account, uint256 tokenId, bytes calldata metadata) external onlyOwner {
        _mint(account, tokenId);
        _setTokenURI(tokenId, abi.decode(metadata, (string)));
    }

    function exists(uint256 tokenId) external view returns (bool) {
        return _ownerOf(tokenId) != address(0);
    }
}
