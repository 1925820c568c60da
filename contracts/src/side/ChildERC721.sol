// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IChildToken} from "./IChildToken.sol";

/// @title A root-chain ERC-721 on the side chain: minted by deposits, burnt to be taken out again.
contract ChildERC721 is ERC721, AccessControl, IChildToken {
    bytes32 public constant DEPOSITOR_ROLE = keccak256("DEPOSITOR_ROLE");
    uint256 public constant BATCH_LIMIT = 20;

    constructor(string memory name, string memory symbol, address childChainManager) ERC721(name, symbol) {
        _grantRole(DEFAULT_ADMIN_ROLE, msg.sender);
        _grantRole(DEPOSITOR_ROLE, childChainManager);
    }

    /// @dev Asks no receiver: a deposit that one refuses would be lost, for it is sent but once.
    /// @param depositData abi.encode(uint256 tokenId), or abi.encode(uint256[] tokenIds)
    function deposit(address user, bytes calldata depositData) external onlyRole(DEPOSITOR_ROLE) {
        if (depositData.length == 32) {
            _mint(user, uint256(bytes32(depositData)));
            return;
        }
        uint256[] memory tokenIds = abi.decode(depositData, (uint256[]));
        for (uint256 i = 0; i < tokenIds.length; ++i) _mint(user, tokenIds[i]);
    }

    /// @notice Burns. The log Transfer(sender, 0, tokenId) is what RootChainManager.exit takes a proof of.
    function withdraw(uint256 tokenId) external {
        _withdraw(tokenId);
    }

    /// @notice Burns several: each comes out by its own Transfer log.
    function withdrawBatch(uint256[] calldata tokenIds) external virtual {
        _withdrawBatch(tokenIds);
    }

    function _withdrawBatch(uint256[] calldata tokenIds) internal {
        require(tokenIds.length <= BATCH_LIMIT, "ChildERC721: EXCEEDS_BATCH_LIMIT");
        for (uint256 i = 0; i < tokenIds.length; ++i) _withdraw(tokenIds[i]);
    }

    /// @dev The owner alone: the root chain pays whom the log names.
    function _withdraw(uint256 tokenId) internal {
        require(msg.sender == _requireOwned(tokenId), "ChildERC721: INVALID_TOKEN_OWNER");
        _burn(tokenId);
    }

    function supportsInterface(bytes4 interfaceId) public view virtual override(ERC721, AccessControl) returns (bool) {
        return super.supportsInterface(interfaceId);
    }
}
