// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {PlasmaToken} from "./PlasmaToken.sol";

/// @title A root-chain ERC-721 on the side chain by the plasma bridge.
contract PlasmaERC721 is ERC721, PlasmaToken {
    /// @notice What ERC721PredicateBurnOnly takes a proof of.
    event Withdraw(address indexed token, address indexed from, uint256 tokenId);

    constructor(string memory name_, string memory symbol_, address rootToken, address childChain_)
        ERC721(name_, symbol_)
        PlasmaToken(rootToken, childChain_)
    {}

    /// @dev Does not ask the receiver, who could refuse.
    function deposit(address user, uint256 tokenId) external onlyChildChain {
        _mint(user, tokenId);
    }

    /// @notice Burns a token of the sender's own. It is paid to the same address on the root chain.
    function withdraw(uint256 tokenId) external {
        require(ownerOf(tokenId) == msg.sender, ERC721IncorrectOwner(msg.sender, tokenId, ownerOf(tokenId)));
        _burn(tokenId);
        emit Withdraw(token, msg.sender, tokenId);
    }
}
