// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BurnLog} from "./BurnLog.sol";
import {ERC1155Holder} from "./ERC1155Holder.sol";
import {IMintableERC1155} from "./IMintableERC1155.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Gives out ERC-1155 tokens that the side chain may have minted: what it does not hold, it mints.
/// @dev The tokens of a batch go one after the other: an id that stands twice in it takes what is held once only.
contract MintableERC1155Predicate is ERC1155Holder {
    bytes32 public constant TOKEN_TYPE = keccak256("MintableERC1155");
    bytes32 public constant TRANSFER_SINGLE_EVENT_SIG =
        keccak256("TransferSingle(address,address,address,uint256,uint256)");
    bytes32 public constant TRANSFER_BATCH_EVENT_SIG =
        keccak256("TransferBatch(address,address,address,uint256[],uint256[])");

    event LockedBatchMintableERC1155(
        address indexed depositor,
        address indexed depositReceiver,
        address indexed rootToken,
        uint256[] ids,
        uint256[] amounts
    );
    event ExitedMintableERC1155(address indexed exitor, address indexed rootToken, uint256 id, uint256 amount);
    event ExitedBatchMintableERC1155(address indexed exitor, address indexed rootToken, uint256[] ids, uint256[] amounts);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256[] ids, uint256[] amounts, bytes data)
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        (uint256[] memory ids, uint256[] memory amounts, bytes memory data) =
            abi.decode(depositData, (uint256[], uint256[], bytes));
        emit LockedBatchMintableERC1155(depositor, depositReceiver, rootToken, ids, amounts);
        IMintableERC1155(rootToken).safeBatchTransferFrom(depositor, address(this), ids, amounts, data);
    }

    /// @notice Gives the tokens to whoever burnt them: the second address of a transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        BurnLog.Log memory burn = BurnLog.read(log, 4);
        require(burn.topics[3] == 0, "MintableERC1155Predicate: INVALID_RECEIVER");
        IMintableERC1155 token = IMintableERC1155(rootToken);
        address exitor = BurnLog.toAddress(burn.topics[2]);
        if (burn.topics[0] == TRANSFER_SINGLE_EVENT_SIG) {
            (uint256 id, uint256 amount) = BurnLog.toIdAndAmount(burn.data);
            emit ExitedMintableERC1155(exitor, rootToken, id, amount);
            _mintShortage(token, id, amount);
            token.safeTransferFrom(address(this), exitor, id, amount, "");
        } else if (burn.topics[0] == TRANSFER_BATCH_EVENT_SIG) {
            (uint256[] memory ids, uint256[] memory amounts) = BurnLog.toIdsAndAmounts(burn.data);
            emit ExitedBatchMintableERC1155(exitor, rootToken, ids, amounts);
            for (uint256 i = 0; i < ids.length; ++i) {
                _mintShortage(token, ids[i], amounts[i]);
                token.safeTransferFrom(address(this), exitor, ids[i], amounts[i], "");
            }
        } else {
            revert("MintableERC1155Predicate: INVALID_WITHDRAW_SIG");
        }
    }

    function _mintShortage(IMintableERC1155 token, uint256 id, uint256 amount) private {
        uint256 held = token.balanceOf(address(this), id);
        if (held < amount) token.mint(address(this), id, amount - held, "");
    }
}
