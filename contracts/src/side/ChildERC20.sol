// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {IChildToken} from "./IChildToken.sol";

/// @title A root-chain ERC-20 on the side chain: minted by deposits, burnt to be taken out again.
contract ChildERC20 is ERC20, AccessControl, IChildToken {
    bytes32 public constant DEPOSITOR_ROLE = keccak256("DEPOSITOR_ROLE");

    error WrongDataLength(uint256 length);

    constructor(string memory name, string memory symbol, address childChainManager) ERC20(name, symbol) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(DEPOSITOR_ROLE, childChainManager);
    }

    /// @param depositData abi.encode(uint256 amount)
    function deposit(address user, bytes calldata depositData) external onlyRole(DEPOSITOR_ROLE) {
        require(depositData.length == 32, WrongDataLength(depositData.length));
        _mint(user, uint256(bytes32(depositData)));
    }

    /// @notice Burns. The log Transfer(sender, 0, amount) is what RootChainManager.exit takes a proof of.
    function withdraw(uint256 amount) external {
        _burn(msg.sender, amount);
    }
}
