"""ValidatorSet: the validators in force, ascending by signer, and the count of their signatures.

The contract keeps them as the code of an account of its own; the model keeps them as they are.
"""

from dataclasses import dataclass
from functools import lru_cache

from bridge.codec.errors import SignatureError
from bridge.codec.secp256k1 import HALF_ORDER, recover_address
from bridge.codec.types import ZERO_ADDRESS, Address, Hash32, Signature
from node.simulation.chains.abi import SignatureWords, custom_error

_RECOVERED_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Entry:
    """A validator in force; `power` in whole tokens, `number` of its signer."""

    signer: Address
    power: int
    number: int


Set = tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What the signatures come to; `proposer_number` is 0 where the proposer is not in the set."""

    total: int
    signed: int
    proposer_number: int


def blob(validators: Set) -> bytes:
    """The code that the contract keeps them in: a STOP byte, and a word each."""
    return b"\x00" + b"".join(entry.signer + entry.power.to_bytes(8) + entry.number.to_bytes(4) for entry in validators)


def including(validators: Set, entry: Entry) -> Set:
    """The set with one more, in its place."""
    return tuple(sorted((*validators, entry), key=lambda each: each.signer))


def without(validators: Set, signer: Address) -> tuple[Set, Entry]:
    """The set without a signer, and the entry that he had. Raises Reverted."""
    removed = next((entry for entry in validators if entry.signer == signer), None)
    if removed is None:
        raise custom_error("UnknownSigner(address)", signer)
    return tuple(entry for entry in validators if entry is not removed), removed


def tally(validators: Set, digest: Hash32, signatures: tuple[SignatureWords, ...], proposer: Address) -> Tally:
    """Walks set and signatures side by side. Raises Reverted for a signature that is no member's, or not in order."""
    counted, total, signed, proposer_number = 0, 0, 0, 0
    signer = _recover(digest, signatures[0]) if signatures else ZERO_ADDRESS
    for entry in validators:
        total += entry.power
        if entry.signer == proposer:
            proposer_number = entry.number
        if entry.signer != signer:
            continue
        signed += entry.power
        counted += 1
        if counted == len(signatures):
            signer = ZERO_ADDRESS
            continue
        following = _recover(digest, signatures[counted])
        if following <= signer:
            raise custom_error("SignaturesNotAscending(address)", following)
        signer = following
    if counted != len(signatures):
        raise custom_error("UnknownSigner(address)", signer)
    return Tally(total, signed, proposer_number)


def _recover(digest: Hash32, signature: SignatureWords) -> Address:
    if signature.v not in (27, 28):
        raise custom_error("MalformedV(uint256)", signature.v)
    if int.from_bytes(signature.s) > HALF_ORDER:
        raise custom_error("ECDSAInvalidSignatureS(bytes32)", signature.s)
    try:
        return _recovered(digest, Signature(signature.r + signature.s + bytes((signature.v,))))
    except SignatureError as error:
        raise custom_error("ECDSAInvalidSignature()") from error


@lru_cache(_RECOVERED_KEPT)
def _recovered(digest: Hash32, signature: Signature) -> Address:
    return recover_address(digest, signature)
