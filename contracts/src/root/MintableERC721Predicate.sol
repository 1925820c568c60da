// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BurnLog} from "./BurnLog.sol";
import {IMintableERC721} from "./IMintableERC721.sol";
import {TokenPredicate} from "./TokenPredicate.sol";

/// @title Gives out ERC-721 tokens that the side chain may have minted: those that do not exist here, it mints.
/// @dev One burn may leave two logs that are accepted here: the Transfer of each token, and a WithdrawnBatch or
/// TransferWithMetadata over them. Their exit hashes differ, so the manager takes both. A token must come back by a
/// deposit, after its exit, before it can be burnt again. So its burns are exited in the order of their transactions,
/// at most one in each: what stands no later than its last exit is that exit's twin, or older, and is refused for good.
contract MintableERC721Predicate is TokenPredicate {
    bytes32 public constant TOKEN_TYPE = keccak256("MintableERC721");
    bytes32 public constant TRANSFER_EVENT_SIG = keccak256("Transfer(address,address,uint256)");
    bytes32 public constant WITHDRAW_BATCH_EVENT_SIG = keccak256("WithdrawnBatch(address,uint256[])");
    bytes32 public constant TRANSFER_WITH_METADATA_EVENT_SIG =
        keccak256("TransferWithMetadata(address,address,uint256,bytes)");
    uint256 public constant BATCH_LIMIT = 20;

    /// @notice Where the burn stands that a token last came out by: block number << 32 | index of its transaction.
    mapping(address rootToken => mapping(uint256 tokenId => uint256 burnPlace)) public lastExit;

    event LockedMintableERC721(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256 tokenId
    );
    event LockedMintableERC721Batch(
        address indexed depositor, address indexed depositReceiver, address indexed rootToken, uint256[] tokenIds
    );
    event ExitedMintableERC721(address indexed exitor, address indexed rootToken, uint256 tokenId);
    event ExitedMintableERC721Batch(address indexed exitor, address indexed rootToken, uint256[] tokenIds);

    error AlreadyExited(address rootToken, uint256 tokenId, uint256 lastBurnPlace);

    constructor(address manager) TokenPredicate(manager) {}

    /// @param depositData abi.encode(uint256 tokenId), or abi.encode(uint256[] tokenIds) of at most BATCH_LIMIT
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external
        onlyRole(MANAGER_ROLE)
    {
        if (depositData.length == 32) {
            uint256 tokenId = _word(depositData);
            emit LockedMintableERC721(depositor, depositReceiver, rootToken, tokenId);
            IMintableERC721(rootToken).transferFrom(depositor, address(this), tokenId);
            return;
        }
        uint256[] memory tokenIds = abi.decode(depositData, (uint256[]));
        require(tokenIds.length <= BATCH_LIMIT, "MintableERC721Predicate: EXCEEDS_BATCH_LIMIT");
        emit LockedMintableERC721Batch(depositor, depositReceiver, rootToken, tokenIds);
        for (uint256 i = 0; i < tokenIds.length; ++i) {
            IMintableERC721(rootToken).transferFrom(depositor, address(this), tokenIds[i]);
        }
    }

    /// @notice Gives tokens to whoever burnt them, by any of the three events.
    function exitTokens(address rootToken, bytes calldata log, uint256 burnPlace) external onlyRole(MANAGER_ROLE) {
        bytes32 signature = BurnLog.signatureOf(log);
        if (signature == WITHDRAW_BATCH_EVENT_SIG) {
            _exitBatch(rootToken, BurnLog.read(log, 2), burnPlace);
        } else if (signature == TRANSFER_EVENT_SIG || signature == TRANSFER_WITH_METADATA_EVENT_SIG) {
            _exitOne(rootToken, BurnLog.read(log, 4), burnPlace);
        } else {
            revert("MintableERC721Predicate: INVALID_SIGNATURE");
        }
    }

    function _exitOne(address rootToken, BurnLog.Log memory burn, uint256 burnPlace) private {
        require(burn.topics[2] == 0, "MintableERC721Predicate: INVALID_RECEIVER");
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256 tokenId = uint256(burn.topics[3]);
        _markExited(rootToken, tokenId, burnPlace);
        emit ExitedMintableERC721(exitor, rootToken, tokenId);
        IMintableERC721 token = IMintableERC721(rootToken);
        if (burn.topics[0] == TRANSFER_EVENT_SIG) {
            require(burn.data.length == 0, WrongDataLength(burn.data.length));
            _give(token, exitor, tokenId);
        } else {
            bytes memory metadata = BurnLog.toBytes(burn.data);
            if (token.exists(tokenId)) token.safeTransferFrom(address(this), exitor, tokenId);
            else token.mint(exitor, tokenId, metadata);
        }
    }

    function _exitBatch(address rootToken, BurnLog.Log memory burn, uint256 burnPlace) private {
        address exitor = BurnLog.toAddress(burn.topics[1]);
        uint256[] memory tokenIds = BurnLog.toIds(burn.data);
        for (uint256 i = 0; i < tokenIds.length; ++i) _markExited(rootToken, tokenIds[i], burnPlace);
        emit ExitedMintableERC721Batch(exitor, rootToken, tokenIds);
        for (uint256 i = 0; i < tokenIds.length; ++i) _give(IMintableERC721(rootToken), exitor, tokenIds[i]);
    }

    /// @dev Before anything is given: a receiver that calls back finds the token's twins closed.
    function _markExited(address rootToken, uint256 tokenId, uint256 burnPlace) private {
        uint256 last = lastExit[rootToken][tokenId];
        require(burnPlace > last, AlreadyExited(rootToken, tokenId, last));
        lastExit[rootToken][tokenId] = burnPlace;
    }

    function _give(IMintableERC721 token, address exitor, uint256 tokenId) private {
        if (token.exists(tokenId)) token.safeTransferFrom(address(this), exitor, tokenId);
        else token.mint(exitor, tokenId);
    }
}
