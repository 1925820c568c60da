// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChildERC1155} from "./ChildERC1155.sol";

/// @title An ERC-1155 that its admin mints on the side chain; the root chain's predicate mints what comes out.
contract ChildMintableERC1155 is ChildERC1155 {
    constructor(string memory uri, address childChainManager) ChildERC1155(uri, childChainManager) {}

    function mint(address account, uint256 id, uint256 amount, bytes calldata data)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        _mint(account, id, amount, data);
    }

    function mintBatch(address account, uint256[] calldata ids, uint256[] calldata amounts, bytes calldata data)
        external
        onlyRole(DEFAULT_ADMIN_ROLE)
    {
        _mintBatch(account, ids, amounts, data);
    }
}
