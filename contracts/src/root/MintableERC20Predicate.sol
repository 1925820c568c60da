// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {BurnLog} from "./BurnLog.sol";
import {IMintableERC20} from "./IMintableERC20.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Pays out ERC-20 tokens that the side chain may have minted: what it does not hold, it mints.
contract MintableERC20Predicate is TokenPredicate {
    using SafeERC20 for IMintableERC20;

    bytes32 public constant TOKEN_TYPE = keccak256("MintableERC20");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");

    event LockedMintableERC20(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256 amount
    );
    event ExitedMintableERC20(address indexed exitor, address indexed rootToken, uint256 amount);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256 amount)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        uint256 amount = _word(depositData);
        emit LockedMintableERC20(depositor, depositReceiver, rootToken, amount);
        IMintableERC20(rootToken).safeTransferFrom(depositor, address(this), amount);
    }

    /// @notice Pays whoever burnt: the sender of a Transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        BurnLog.Log memory burn = BurnLog.read(log, 3);
        require(burn.topics[0] == TRANSFER_EVENT_SIG, "MintableERC20Predicate: INVALID_SIGNATURE");
        require(burn.topics[2] == 0, "MintableERC20Predicate: INVALID_RECEIVER");
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256 amount = _word(burn.data);
        emit ExitedMintableERC20(exitor, rootToken, amount);
        IMintableERC20 token = IMintableERC20(rootToken);
        uint256 held = token.balanceOf(address(this));
        if (held < amount) token.mint(address(this), amount - held);
        token.safeTransfer(exitor, amount);
    }
}
