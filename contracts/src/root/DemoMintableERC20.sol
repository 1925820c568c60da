// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title An ERC-20 of a test network that is minted on the side chain, and here by its predicate, which owns it.
contract DemoMintableERC20 is ERC20, Ownable {
    constructor(address predicate) ERC20("Sidewarden Mintable 20", "MINT20") Ownable(predicate) {}

    function mint(address account, uint256 amount) external onlyOwner {
        _mint(account, amount);
    }
}
