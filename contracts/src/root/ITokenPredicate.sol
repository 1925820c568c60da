// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title What the RootChainManager asks of the contract that holds the tokens of one type.
interface ITokenPredicate {
    function lockTokens(address depositor, address depositReceiver, address rootToken, bytes calldata depositData)
        external;

    /// @param log the side chain's burn log, RLP encoded: it names who is paid, not `sender`
    function exitTokens(address sender, address rootToken, bytes calldata log) external;
}
