// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChildERC721} from "./ChildERC721.sol";

/// @title An ERC-721 that its admin mints on the side chain; the root chain's predicate mints what comes out.
contract ChildMintableERC721 is ChildERC721 {
    /// @notice The tokens that left for the root chain, and may come back from there only.
    mapping(uint256 tokenId => bool) public withdrawnTokens;
    mapping(uint256 tokenId => string) private _tokenURIs;

    /// @notice What came out together; it exits instead of the single Transfers.
    event WithdrawnBatch(address indexed user, uint256[] tokenIds);
    /// @notice What came out with its metadata; it exits instead of the Transfer.
    event TransferWithMetadata(address indexed from, address indexed to, uint256 indexed tokenId, bytes metaData);

    constructor(string memory name, string memory symbol, address childChainManager)
        ChildERC721(name, symbol, childChainManager)
    {}

    /// @notice A new token. One that is on the root chain must be deposited instead.
    function mint(address account, uint256 tokenId) external onlyRole(DEFAULT_ADMIN_ROLE) {
        require(!withdrawnTokens[tokenId], "ChildMintableERC721: TOKEN_EXISTS_ON_ROOT_CHAIN");
        _mint(account, tokenId);
    }

    function setTokenURI(uint256 tokenId, string calldata uri) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _tokenURIs[tokenId] = uri;
    }

    function tokenURI(uint256 tokenId) public view override returns (string memory) {
        _requireOwned(tokenId);
        return _tokenURIs[tokenId];
    }

    /// @notice What the root chain is told of a token.
    function encodeTokenMetadata(uint256 tokenId) public view returns (bytes memory) {
        return abi.encode(tokenURI(tokenId));
    }

    function withdrawBatch(uint256[] calldata tokenIds) external override {
        _withdrawBatch(tokenIds);
        emit WithdrawnBatch(msg.sender, tokenIds);
    }

    /// @notice Burns; the root chain's token takes over the metadata if it is new there.
    function withdrawWithMetadata(uint256 tokenId) external {
        emit TransferWithMetadata(_requireOwned(tokenId), address(0), tokenId, encodeTokenMetadata(tokenId));
        _withdraw(tokenId);
    }

    /// @dev Keeps account of which side a token is on: burnt here, it is there, and a deposit brings it back.
    function _update(address to, uint256 tokenId, address auth) internal override returns (address from) {
        from = super._update(to, tokenId, auth);
        if (to == address(0)) withdrawnTokens[tokenId] = true;
        else if (from == address(0)) withdrawnTokens[tokenId] = false;
    }
}
