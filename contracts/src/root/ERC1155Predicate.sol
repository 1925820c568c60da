// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC1155} from "@openzeppelin/contracts/token/ERC1155/IERC1155.sol";
import {BurnLog} from "./BurnLog.sol";
import {ERC1155Holder} from "./ERC1155Holder.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Holds the ERC-1155 tokens that are on the side chain, and gives them out for burns.
contract ERC1155Predicate is ERC1155Holder {
    bytes32 public constant TOKEN_TYPE = keccak256("ERC1155");
    bytes32 public constant TRANSFER_SINGLE_EVENT_SIG =
        keccak256("TransferSingle(address,address,address,uint256,uint256)");
    bytes32 public constant TRANSFER_BATCH_EVENT_SIG =
        keccak256("TransferBatch(address,address,address,uint256[],uint256[])");

    event LockedBatchERC1155(
        address indexed depositor,
        address indexed depositReceiver,
        address indexed rootToken,
        uint256[] ids,
        uint256[] amounts
    );
    event ExitedERC1155(address indexed exitor, address indexed rootToken, uint256 id, uint256 amount);
    event ExitedBatchERC1155(address indexed exitor, address indexed rootToken, uint256[] ids, uint256[] amounts);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256[] ids, uint256[] amounts, bytes data)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        (uint256[] memory ids, uint256[] memory amounts, bytes memory data) =
            abi.decode(depositData, (uint256[], uint256[], bytes));
        emit LockedBatchERC1155(depositor, depositReceiver, rootToken, ids, amounts);
        IERC1155(rootToken).safeBatchTransferFrom(depositor, address(this), ids, amounts, data);
    }

    /// @notice Gives the tokens to whoever burnt them: the second address of a transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        BurnLog.Log memory burn = BurnLog.read(log, 4);
        require(burn.topics[3] == 0, "ERC1155Predicate: INVALID_RECEIVER");
        address exitor = BurnLog.toAddress(burn.topics[2]);
        if (burn.topics[0] == TRANSFER_SINGLE_EVENT_SIG) {
            (uint256 id, uint256 amount) = BurnLog.toIdAndAmount(burn.data);
            emit ExitedERC1155(exitor, rootToken, id, amount);
            IERC1155(rootToken).safeTransferFrom(address(this), exitor, id, amount, "");
        } else if (burn.topics[0] == TRANSFER_BATCH_EVENT_SIG) {
            (uint256[] memory ids, uint256[] memory amounts) = BurnLog.toIdsAndAmounts(burn.data);
            emit ExitedBatchERC1155(exitor, rootToken, ids, amounts);
            IERC1155(rootToken).safeBatchTransferFrom(address(this), exitor, ids, amounts, "");
        } else {
            revert("ERC1155Predicate: INVALID_WITHDRAW_SIG");
        }
    }
}
