// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {PlasmaToken} from "./PlasmaToken.sol";

/// @title A root-chain ERC-20, or ether, on the side chain by the plasma bridge.
contract PlasmaERC20 is ERC20, PlasmaToken {
    /// @notice What ERC20PredicateBurnOnly takes a proof of; the last two are the balance before and after.
    event Withdraw(address indexed token, address indexed from, uint256 amount, uint256 input1, uint256 output1);

    constructor(string memory name_, string memory symbol_, address rootToken, address childChain_)
        ERC20(name_, symbol_)
        PlasmaToken(rootToken, childChain_)
    {}

    function deposit(address user, uint256 amount) external onlyChildChain {
        _mint(user, amount);
    }

    /// @notice Burns. It is paid to the same address on the root chain.
    function withdraw(uint256 amount) external {
        uint256 input = balanceOf(msg.sender);
        _burn(msg.sender, amount);
        emit Withdraw(token, msg.sender, amount, input, input - amount);
    }
}
