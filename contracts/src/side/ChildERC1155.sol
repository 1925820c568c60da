// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {IChildToken} from "./IChildToken.sol";

/// @title A root-chain ERC-1155 on the side chain: minted by deposits, burnt to be taken out again.
contract ChildERC1155 is ERC1155, AccessControl, IChildToken {
    bytes32 public constant DEPOSITOR_ROLE = keccak256("DEPOSITOR_ROLE");

    constructor(string memory uri, address childChainManager) ERC1155(uri) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(DEPOSITOR_ROLE, childChainManager);
    }

    /// @dev Asks no receiver, so none sees the data: a deposit that one refuses would be lost, for it is sent but once.
    /// @param depositData abi.encode(uint256[] ids, uint256[] amounts, bytes data)
    function deposit(address user, bytes calldata depositData) external onlyRole(DEPOSITOR_ROLE) {
        (uint256[] memory ids, uint256[] memory amounts,) = abi.decode(depositData, (uint256[], uint256[], bytes));
        require(user != address(0), ERC1155InvalidReceiver(user));
        _update(address(0), user, ids, amounts);
    }

    /// @notice Burns. The log TransferSingle(sender, sender, 0, id, amount) is what RootChainManager.exit takes a
    /// proof of.
    function withdrawSingle(uint256 id, uint256 amount) external {
        _burn(msg.sender, id, amount);
    }

    /// @notice Burns several: they come out together by the TransferBatch log, or TransferSingle if it is one.
    function withdrawBatch(uint256[] calldata ids, uint256[] calldata amounts) external {
        _burnBatch(msg.sender, ids, amounts);
    }

    function supportsInterface(bytes4 interfaceId) public view virtual override(ERC1155, AccessControl) returns (bool) {
        return super.supportsInterface(interfaceId);
    }
}
