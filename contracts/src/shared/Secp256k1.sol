// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Public keys as validators give them: 64 bytes X ‖ Y, without the 0x04 prefix.
library Secp256k1 {
    uint256 private constant P = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f;

    error NotOnCurve();

    /// @dev The address of a key, which must be a point of the curve: y² = x³ + 7 modulo P.
    function addressOf(bytes calldata publicKey) internal pure returns (address) {
        require(publicKey.length == 64, "not pub");
        uint256 x = uint256(bytes32(publicKey[:32]));
        uint256 y = uint256(bytes32(publicKey[32:]));
        uint256 right = addmod(mulmod(x, mulmod(x, x, P), P), 7, P);
        require(x < P && y < P && mulmod(y, y, P) == right, NotOnCurve());
        return address(uint160(uint256(keccak256(publicKey))));
    }
}
