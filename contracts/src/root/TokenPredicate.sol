// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ITokenPredicate} from "./ITokenPredicate.sol";

/// @title A holder of tokens that obeys the RootChainManager alone.
abstract contract TokenPredicate is AccessControl, ITokenPredicate {
    bytes32 public constant MANAGER_ROLE = keccak256("MANAGER_ROLE");

    error WrongDataLength(uint256 length);

    constructor(address manager) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(MANAGER_ROLE, manager);
    }

    /// @dev What abi.encode(uint256) made, and nothing else.
    function _word(bytes memory data) internal pure returns (uint256) {
        require(data.length == 32, WrongDataLength(data.length));
        return uint256(bytes32(data));
    }
}
