// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Rlp} from "../../shared/Rlp.sol";

/// @title The logs by which plasma tokens of the side chain say that something was burnt.
/// @dev Read from RLP: [emitter, [signature, root token, burner], data].
library WithdrawLog {
    using Rlp for bytes;

    /// @dev Of ERC-20 tokens and the native one; data are the amount, and the burner's balance before and after.
    bytes32 internal constant ERC20_SIG = keccak256("Withdraw(address,address,uint256,uint256,uint256)");
    /// @dev Of ERC-721 tokens; data are the token's id.
    bytes32 internal constant ERC721_SIG = keccak256("Withdraw(address,address,uint256)");

    struct Burn {
        bytes32 signature;
        address childToken;
        address rootToken;
        address burner;
    }

    error NotAnAddress(bytes32 word);

    function parse(bytes calldata log) internal pure returns (Burn memory burn, bytes calldata data) {
        bytes calldata topics;
        bytes calldata rest = log.list();
        (burn.childToken, rest) = rest.takeAddress();
        (topics, rest) = rest.takeList();
        (burn.signature, topics) = topics.takeWord();
        (burn.rootToken, topics) = _takeAddressWord(topics);
        (burn.burner, topics) = _takeAddressWord(topics);
        (data, rest) = rest.takeBytes();
        require(topics.length == 0 && rest.length == 0, Rlp.MalformedRlp());
    }

    /// @dev How many of the first `count` logs of a receipt have the signature of either kind, whoever emitted them.
    function countAmong(bytes calldata logs, uint256 count) internal pure returns (uint256 found) {
        for (; count != 0; --count) {
            bytes calldata log;
            (log, logs) = logs.takeItem();
            (, bytes calldata rest) = log.list().takeAddress();
            (bytes calldata topics,) = rest.takeList();
            if (topics.length == 0) continue;
            (bytes32 signature,) = topics.takeWord();
            if (signature == ERC20_SIG || signature == ERC721_SIG) ++found;
        }
    }

    function _takeAddressWord(bytes calldata topics) private pure returns (address account, bytes calldata rest) {
        bytes32 word;
        (word, rest) = topics.takeWord();
        require(uint256(word) <= type(uint160).max, NotAnAddress(word));
        account = address(uint160(uint256(word)));
    }
}
