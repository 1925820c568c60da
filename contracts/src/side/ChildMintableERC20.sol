// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChildERC20} from "./ChildERC20.sol";

/// @title An ERC-20 that its admin mints on the side chain; the root chain's predicate mints what comes out.
contract ChildMintableERC20 is ChildERC20 {
    constructor(string memory name, string memory symbol, address childChainManager)
        ChildERC20(name, symbol, childChainManager)
    {}

    function mint(address account, uint256 amount) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _mint(account, amount);
    }
}
