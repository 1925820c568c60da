// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {BurnLog} from "./BurnLog.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Holds the ether that is wrapped on the side chain, and pays it out for burns.
contract EtherPredicate is TokenPredicate {
    using Address for address payable;

    bytes32 public constant TOKEN_TYPE = keccak256("Ether");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");
    address private constant ETHER_ADDRESS = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    event LockedEther(address indexed depositor, address indexed depositReceiver, uint256 amount);
    event ExitedEther(address indexed exitor, uint256 amount);

    error NotEther(address rootToken);

    constructor(address manager) TokenPredicate(manager) {}

    /// @notice The ether of a deposit, which the manager sends after lockTokens.
    receive() external payable onlyRole(MANAGER_ROLE) {}

    /// @param depositData abi.encode(uint256 amount)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        require(rootToken == ETHER_ADDRESS, NotEther(rootToken));
        emit LockedEther(depositor, depositReceiver, _word(depositData));
    }

    /// @notice Pays whoever burnt: the sender of a Transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        require(rootToken == ETHER_ADDRESS, NotEther(rootToken));
        BurnLog.Log memory burn = BurnLog.read(log, 3);
        require(burn.topics[0] == TRANSFER_EVENT_SIG, "EtherPredicate: INVALID_SIGNATURE");
        require(burn.topics[2] == 0, "EtherPredicate: INVALID_RECEIVER");
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256 amount = _word(burn.data);
        emit ExitedEther(exitor, amount);
        payable(exitor).sendValue(amount);
    }
}
