"""What running costs, beside what a transaction's data cost: a fixed amount a function, as docs/gas.md measured them.

A model does not count steps, so a call costs the same whatever it finds; one that is refused costs little.
"""

EXECUTION_GAS = 30_000
"""Of a function that is not named below."""
REFUSED_GAS = 8_000
NEVER_ENOUGH_GAS = 2**63
CODE_BYTE_GAS = 200
CREATION_GAS = 40_000

_SUBMIT_CHECKPOINT = "submitCheckpoint(bytes,uint256[3][])"
_SIGNATURE_GAS = 4_300
_SIGNATURE_BYTES = 96
_SUBMISSION_BYTES = 4 + 4 * 32 + 256
"""Without signatures."""

_GAS = {
    _SUBMIT_CHECKPOINT: 59_000,
    "stakeForPOL(address,uint256,uint256,bool,bytes)": 280_000,
    "stakeFor(address,uint256,uint256,bool,bytes)": 280_000,
    "restakePOL(uint256,uint256,bool)": 119_000,
    "updateSigner(uint256,bytes)": 173_000,
    "unstakePOL(uint256)": 68_000,
    "forceUnstakePOL(uint256)": 110_000,
    "depositFor(address,address,bytes)": 62_000,
    "exit(bytes)": 110_000,
    "mapToken(address,address,bytes32)": 104_000,
    "mapToken(address,address)": 48_000,
    "onStateReceive(uint256,bytes)": 26_000,
    "withdraw(uint256)": 12_500,
    "approve(address,uint256)": 24_500,
}


def execution_gas(signature: str, data: bytes) -> int:
    """Of a call of a function."""
    gas = _GAS.get(signature, EXECUTION_GAS)
    if signature == _SUBMIT_CHECKPOINT:
        gas += _SIGNATURE_GAS * max(0, (len(data) - _SUBMISSION_BYTES) // _SIGNATURE_BYTES)
    return gas


def creation_gas(code: bytes) -> int:
    """Of putting so much code on the chain."""
    return CREATION_GAS + CODE_BYTE_GAS * len(code)
