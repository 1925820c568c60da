// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IPlasmaToken} from "./IPlasmaToken.sol";

/// @title What all tokens of the plasma bridge know: their twin on the root chain, and who brings deposits.
abstract contract PlasmaToken is IPlasmaToken {
    /// @notice The twin on the root chain.
    address public immutable token;
    address public immutable childChain;

    error NotTheChildChain(address sender);

    modifier onlyChildChain() {
        require(msg.sender == childChain, NotTheChildChain(msg.sender));
        _;
    }

    constructor(address rootToken, address childChain_) {
        token = rootToken;
        childChain = childChain_;
    }
}
