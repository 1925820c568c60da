// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title RLP, read in place and strictly: one value has one encoding, and nothing may follow.
/// @dev The `take` functions split the first item off a list's body. OpenZeppelin's reader tolerates encodings that are
/// not minimal, so that one exit would have many payloads.
library Rlp {
    error MalformedRlp();

    /// @dev The body of a list that is the whole of `input`.
    function list(bytes calldata input) internal pure returns (bytes calldata body) {
        bytes calldata rest;
        (body, rest) = takeList(input);
        require(rest.length == 0, MalformedRlp());
    }

    function takeList(bytes calldata input) internal pure returns (bytes calldata body, bytes calldata rest) {
        (bool isList, uint256 head, uint256 end) = _measure(input);
        require(isList, MalformedRlp());
        return (input[head:end], input[end:]);
    }

    function takeBytes(bytes calldata input) internal pure returns (bytes calldata content, bytes calldata rest) {
        (bool isList, uint256 head, uint256 end) = _measure(input);
        require(!isList, MalformedRlp());
        return (input[head:end], input[end:]);
    }

    /// @dev An item of either kind with its header, as it stands.
    function takeItem(bytes calldata input) internal pure returns (bytes calldata item, bytes calldata rest) {
        (,, uint256 end) = _measure(input);
        return (input[:end], input[end:]);
    }

    function takeUint(bytes calldata input) internal pure returns (uint256 value, bytes calldata rest) {
        bytes calldata content;
        (content, rest) = takeBytes(input);
        require(content.length <= 32 && (content.length == 0 || content[0] != 0), MalformedRlp());
        if (content.length != 0) value = uint256(bytes32(content)) >> (8 * (32 - content.length));
    }

    function takeWord(bytes calldata input) internal pure returns (bytes32 word, bytes calldata rest) {
        bytes calldata content;
        (content, rest) = takeBytes(input);
        require(content.length == 32, MalformedRlp());
        word = bytes32(content);
    }

    function takeAddress(bytes calldata input) internal pure returns (address account, bytes calldata rest) {
        bytes calldata content;
        (content, rest) = takeBytes(input);
        require(content.length == 20, MalformedRlp());
        account = address(bytes20(content));
    }

    /// @dev Where the first item's content begins, and where it ends.
    function _measure(bytes calldata input) private pure returns (bool isList, uint256 head, uint256 end) {
        require(input.length != 0, MalformedRlp());
        uint256 tag = uint8(input[0]);
        if (tag < 0x80) return (false, 0, 1);
        isList = tag >= 0xc0;
        uint256 size = tag & 0x3f;
        head = 1;
        if (size > 55) {
            head = size - 54;
            require(input.length >= head && input[1] != 0, MalformedRlp());
            size = uint256(bytes32(input[1:head])) >> (8 * (33 - head));
            require(size > 55, MalformedRlp());
        }
        end = head + size;
        require(end <= input.length && (isList || size != 1 || uint8(input[1]) >= 0x80), MalformedRlp());
    }
}
