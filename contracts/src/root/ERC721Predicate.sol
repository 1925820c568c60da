// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {BurnLog} from "./BurnLog.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Holds the ERC-721 tokens that are on the side chain, and gives them out for burns.
/// @dev It is no ERC721Receiver: tokens that are sent to it past the manager by safeTransferFrom stay with the sender.
contract ERC721Predicate is TokenPredicate {
    bytes32 public constant TOKEN_TYPE = keccak256("ERC721");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");
    uint256 public constant BATCH_LIMIT = 20;

    event LockedERC721(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256 tokenId
    );
    event LockedERC721Batch(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256[] tokenIds
    );
    event ExitedERC721(address indexed exitor, address indexed rootToken, uint256 tokenId);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256 tokenId), or abi.encode(uint256[] tokenIds) of at most BATCH_LIMIT
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        if (depositData.length == 32) {
            uint256 tokenId = _word(depositData);
            emit LockedERC721(depositor, depositReceiver, rootToken, tokenId);
            IERC721(rootToken).transferFrom(depositor, address(this), tokenId);
            return;
        }
        uint256[] memory tokenIds = abi.decode(depositData, (uint256[]));
        require(tokenIds.length <= BATCH_LIMIT, "ERC721Predicate: EXCEEDS_BATCH_LIMIT");
        emit LockedERC721Batch(depositor, depositReceiver, rootToken, tokenIds);
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            IERC721(rootToken).transferFrom(depositor, address(this), tokenIds[i]);
        }
    }

    /// @notice Gives the token to whoever burnt it: the sender of a Transfer to the zero address.
    function exitTokens(address rootToken, bytes calldata log, uint256) external onlyRole(MANAGER_ROLE) {
        BurnLog.Log memory burn = BurnLog.read(log, 4);
        require(burn.topics[0] == TRANSFER_EVENT_SIG, "ERC721Predicate: INVALID_SIGNATURE");
        require(burn.topics[2] == 0, "ERC721Predicate: INVALID_RECEIVER");
        require(burn.data.length == 0, WrongDataLength(burn.data.length));
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256 tokenId = uint256(burn.topics[3]);
        emit ExitedERC721(exitor, rootToken, tokenId);
        IERC721(rootToken).safeTransferFrom(address(this), exitor, tokenId);
    }
}
