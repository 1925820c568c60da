// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ExitPayload} from "../ExitPayload.sol";
import {DepositManager} from "./DepositManager.sol";
import {IExitPredicate} from "./IExitPredicate.sol";
import {WithdrawLog} from "./WithdrawLog.sol";
import {WithdrawManager} from "./WithdrawManager.sol";

/// @title Starts plasma exits for burns of one kind of token, and has them paid.
abstract contract BurnOnlyPredicate is IExitPredicate {
    WithdrawManager public immutable withdrawManager;
    DepositManager public immutable depositManager;
    bytes32 public immutable WITHDRAW_EVENT_SIG;
    uint256 private immutable _dataLength;

    error WrongDataLength(uint256 length);
    error NotTheWithdrawManager(address sender);

    constructor(
        WithdrawManager withdrawManager_,
        DepositManager depositManager_,
        bytes32 withdrawEventSig,
        uint256 dataLength
    ) {
        withdrawManager = withdrawManager_;
        depositManager = depositManager_;
        WITHDRAW_EVENT_SIG = withdrawEventSig;
        _dataLength = dataLength;
    }

    /// @notice Starts the exit of what the sender burnt on the side chain. Only the burner may.
    /// @param data an ExitPayload
    function startExitWithBurntTokens(bytes calldata data) external {
        uint256 age = withdrawManager.verifyInclusion(data, 0, false);
        (WithdrawLog.Burn memory burn, bytes calldata words) = WithdrawLog.parse(ExitPayload.claimedLog(data));
        require(burn.signature == WITHDRAW_EVENT_SIG, "Not a withdraw event signature");
        require(burn.burner == msg.sender, "Withdrawer and burn exit tx do not match");
        require(words.length == _dataLength, WrongDataLength(words.length));
        withdrawManager.addExitToQueue(
            burn.burner, burn.childToken, burn.rootToken, uint256(bytes32(words)), bytes32(0), true, age << 1
        );
    }

    /// @inheritdoc IExitPredicate
    function onFinalizeExit(bytes calldata data) external {
        require(msg.sender == address(withdrawManager), NotTheWithdrawManager(msg.sender));
        (, address token, address exitor, uint256 amountOrNFTId) =
            abi.decode(data, (uint256, address, address, uint256));
        depositManager.transferAssets(token, exitor, amountOrNFTId);
    }
}
