// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";

/// @title The validators in force, kept as the code of an account: one cold access reads them all.
/// @dev One word per validator, ascending: signer (160 bits), power in whole tokens (64), number of the signer (32).
/// The code is a STOP byte, so that a call to it does nothing, and the words.
library ValidatorSet {
    /// @dev An account's code holds 24,576 bytes: the STOP byte and this many words.
    uint256 internal constant MAX_VALIDATORS = 767;

    /// @dev Returns all of its own code that follows these eleven bytes.
    bytes11 private constant CREATION_CODE = hex"600b380380600b5f395ff3";

    error SetNotWritten();
    error UnknownSigner(address signer);
    error MalformedV(uint256 v);
    error SignaturesNotAscending(address signer);

    struct Tally {
        uint256 total;
        uint256 signed;
        uint256 proposerNumber;
    }

    function entry(address signer, uint64 power, uint32 number) internal pure returns (uint256) {
        return (uint256(uint160(signer)) << 96) | (uint256(power) << 32) | number;
    }

    function signerOf(uint256 word) internal pure returns (address) {
        return address(uint160(word >> 96));
    }

    function powerOf(uint256 word) internal pure returns (uint64) {
        return uint64(word >> 32);
    }

    function numberOf(uint256 word) internal pure returns (uint32) {
        return uint32(word);
    }

    function read(address blob) internal view returns (uint256[] memory set) {
        uint256 length = blob.code.length / 32;
        set = new uint256[](length);
        assembly ("memory-safe") {
            extcodecopy(blob, add(set, 0x20), 1, mul(length, 0x20))
        }
    }

    function write(uint256[] memory set) internal returns (address blob) {
        bytes memory creation = abi.encodePacked(CREATION_CODE, bytes1(0), set);
        assembly ("memory-safe") {
            blob := create(0, add(creation, 0x20), mload(creation))
        }
        require(blob != address(0), SetNotWritten());
    }

    /// @dev The set with one more word, in its place.
    function with(uint256[] memory set, uint256 word) internal pure returns (uint256[] memory larger) {
        larger = new uint256[](set.length + 1);
        uint256 i = 0;
        for (; i < set.length && set[i] < word; ++i) larger[i] = set[i];
        larger[i] = word;
        for (; i < set.length; ++i) larger[i + 1] = set[i];
    }

    /// @dev The set without a signer, and the word that he had.
    function without(uint256[] memory set, address signer)
        internal
        pure
        returns (uint256[] memory smaller, uint256 removed)
    {
        uint256 place = 0;
        while (place < set.length && signerOf(set[place]) != signer) ++place;
        require(place < set.length, UnknownSigner(signer));
        removed = set[place];
        smaller = new uint256[](set.length - 1);
        for (uint256 i = 0; i < smaller.length; ++i) smaller[i] = set[i < place ? i : i + 1];
    }

    /// @dev Walks set and signatures side by side. Every signature must be that of a member, and count once.
    function tally(uint256[] memory set, bytes32 digest, uint256[3][] calldata sigs, address proposer)
        internal
        pure
        returns (Tally memory result)
    {
        uint256 next = 0;
        address signer = sigs.length == 0 ? address(0) : _recover(digest, sigs[0]);
        for (uint256 i = 0; i < set.length; ++i) {
            uint256 word = set[i];
            result.total += powerOf(word);
            if (signerOf(word) == proposer) result.proposerNumber = numberOf(word);
            if (signerOf(word) != signer) continue;
            result.signed += powerOf(word);
            if (++next == sigs.length) {
                signer = address(0);
            } else {
                address following = _recover(digest, sigs[next]);
                require(following > signer, SignaturesNotAscending(following));
                signer = following;
            }
        }
        require(next == sigs.length, UnknownSigner(signer));
    }

    /// @dev A high s, and a signature that recovers to nobody, are refused by OpenZeppelin's ECDSA.
    function _recover(bytes32 digest, uint256[3] calldata sig) private pure returns (address) {
        require(sig[2] == 27 || sig[2] == 28, MalformedV(sig[2]));
        return ECDSA.recover(digest, uint8(sig[2]), bytes32(sig[0]), bytes32(sig[1]));
    }
}
