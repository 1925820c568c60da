// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What the RootChainManager asks of the contract that holds the tokens of one type.
interface ITokenPredicate {
    /// @notice Takes the depositor's tokens; the side chain will credit `depositReceiver`.
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external;

    /// @notice Pays out what was burnt on the side chain.
    /// @dev Polygon's predicates are given the sender of the exit, who has no say in it, instead of the place.
    /// @param log the side chain's burn log, RLP encoded: it names who is paid
    /// @param burnPlace where its transaction stands on the side chain: block number << 32 | index in the block
    function exitTokens(address rootToken, bytes calldata log, uint256 burnPlace) external;
}
