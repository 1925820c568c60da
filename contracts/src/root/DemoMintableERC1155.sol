// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";

/// @title An ERC-1155 of a test network that is minted on the side chain, and here by its predicate, which owns it.
contract DemoMintableERC1155 is ERC1155, Ownable {
    constructor(address predicate) ERC1155("") Ownable(predicate) {}

    function mint(address account, uint256 id, uint256 amount, bytes calldata data) external onlyOwner {
        _mint(account, id, amount, data);
    }

    function mintBatch(address account, uint256[] calldata ids, uint256[] calldata amounts, bytes calldata data)
        external
        onlyOwner
    {
        _mintBatch(account, ids, amounts, data);
    }
}
