// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title What the plasma bridge knows of tokens: their twins on the side chain, and who may pay them out.
contract Registry is Ownable {
    enum Type {
        Invalid,
        ERC20,
        ERC721
    }

    /// @notice The root token that stands for ether.
    address public constant ETHER = 0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE;

    mapping(address rootToken => address childToken) public rootToChildToken;
    mapping(address childToken => address rootToken) public childToRootToken;
    mapping(address rootToken => bool) public isERC721;
    mapping(address predicate => Type) public predicates;

    event TokenMapped(address indexed rootToken, address indexed childToken);
    event PredicateAdded(address indexed predicate, address indexed from);

    constructor() Ownable(msg.sender) {}

    /// @notice Joins a token of this chain and its twin on the side chain, for good.
    function mapToken(address rootToken, address childToken, bool isERC721_) external onlyOwner {
        require(rootToken != address(0) && childToken != address(0), "INVALID_TOKEN_ADDRESS");
        require(
            rootToChildToken[rootToken] == address(0) && childToRootToken[childToken] == address(0), "ALREADY_MAPPED"
        );
        rootToChildToken[rootToken] = childToken;
        childToRootToken[childToken] = rootToken;
        isERC721[rootToken] = isERC721_;
        emit TokenMapped(rootToken, childToken);
    }

    function addErc20Predicate(address predicate) external onlyOwner {
        _addPredicate(predicate, Type.ERC20);
    }

    function addErc721Predicate(address predicate) external onlyOwner {
        _addPredicate(predicate, Type.ERC721);
    }

    function isTokenMapped(address rootToken) external view returns (bool) {
        return rootToChildToken[rootToken] != address(0);
    }

    /// @notice Whether a mapped token is an ERC-721. Refuses one that is not mapped.
    function isTokenMappedAndIsErc721(address rootToken) external view returns (bool) {
        require(rootToChildToken[rootToken] != address(0), "TOKEN_NOT_MAPPED");
        return isERC721[rootToken];
    }

    function _addPredicate(address predicate, Type kind) private {
        require(predicates[predicate] == Type.Invalid, "Predicate already added");
        predicates[predicate] = kind;
        emit PredicateAdded(predicate, msg.sender);
    }
}
