"""Steps of a script: checkpoints, sound and wrong in each way that a contract could be told wrongly."""

from collections.abc import Callable
from dataclasses import replace

from bridge.codec import merkle
from bridge.codec.abi import encode_call
from bridge.codec.checkpoint import (
    HEADER_ID_STEP,
    Checkpoint,
    CheckpointBinding,
    DataForm,
    bound_data,
    bound_digest,
    polygon_data,
    polygon_digest,
)
from bridge.codec.hash import keccak256
from bridge.codec.header import leaf_of
from bridge.codec.secp256k1 import ORDER, sign
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds
from node.networks.accounts import Account
from tests.unit.simulation.chains.script import ACCOUNTS, KEYS, ROOT_ID, SIDE_ID, SPARE, Script
from tests.unit.simulation.chains.staking_steps import PAYEE, account_root_for

BLOCKS_MAX = 10**6
"""After a header that ends further up no block of the side chain can be shown."""
SUBMIT = "submitCheckpoint(bytes,uint256[3][])"
Words = tuple[int, int, int]


def good(script: Script) -> None:
    """The next checkpoint, signed by all, or by as many as are just enough."""
    checkpoint, binding = next_checkpoint(script)
    data, digest = encoded(script, checkpoint, binding)
    signers = _members(script)
    if not signers:
        return
    if script.source.random() < 0.5:
        signers = sorted(script.source.sample(signers, max(1, len(signers) * 3 // 4)), key=lambda each: each.address)
    _submit(script, data, [signature_words(digest, each) for each in signers])


def of_something_else(script: Script) -> None:
    """Signed by all, but not what the contract takes next."""
    source = script.source
    checkpoint, binding = next_checkpoint(script)
    start, end = checkpoint.start, checkpoint.end
    changed = source.choice(
        (
            replace(checkpoint, side_chain_id=ChainId(1)),
            replace(checkpoint, start=BlockNumber(start + 1)),
            replace(checkpoint, end=BlockNumber(start - 1 if start else 2**32)),
            replace(checkpoint, end=BlockNumber(2**32)),
            replace(checkpoint, end=BlockNumber(2**256 - 1)),
            replace(checkpoint, end=BlockNumber(max(start, end - 1))),
            replace(checkpoint, proposer=source.choice(SPARE).address),
            replace(checkpoint, proposer=Address(bytes(20))),
            checkpoint,
        )
    )
    now = script.root.model.head.timestamp
    bound = source.choice(
        (
            replace(binding, header_id=binding.header_id + HEADER_ID_STEP),
            replace(binding, header_id=binding.header_id + 1),
            replace(binding, valid_until=UnixSeconds(now - source.randint(0, 2))),
            replace(binding, valid_until=UnixSeconds(now + source.randint(0, 4))),
            replace(binding, root_chain_id=ChainId(1)),
            binding,
        )
    )
    data, digest = encoded(script, changed, bound)
    _submit(script, data, [signature_words(digest, each) for each in _members(script)])


def badly_signed(script: Script) -> None:
    """The next checkpoint, under signatures that are wrong in some way."""
    checkpoint, binding = next_checkpoint(script)
    data, digest = encoded(script, checkpoint, binding)
    signatures = [signature_words(digest, each) for each in _members(script)]
    if not signatures:
        return
    spoil: Callable[[Script, Hash32, list[Words]], list[Words]] = script.source.choice(SPOILERS)
    _submit(script, data, spoil(script, digest, signatures))


def of_another_length(script: Script) -> None:
    """Data that is too short, too long, of the other form, or with a word that is no address."""
    checkpoint, binding = next_checkpoint(script)
    data, _ = encoded(script, checkpoint, binding)
    other = polygon_data(checkpoint) if script.form is DataForm.BOUND else bound_data(checkpoint, binding)
    data = script.source.choice((data[:-1], data + b"\x00", b"", other, b"\x01" + data[1:]))
    digest = keccak256(b"\x01" + data)
    _submit(script, data, [signature_words(digest, each) for each in _members(script)])


def reset(script: Script) -> None:
    """The owner, or another, has the contract forget headers."""
    last = script.number(script.contracts.root.root_chain, "currentHeaderBlock()")
    header_id = script.source.choice((last, last, last + HEADER_ID_STEP, last + 1, 0, last + 2 * HEADER_ID_STEP))
    sender = script.source.choice((ACCOUNTS.deployer, ACCOUNTS.deployer, script.person()))
    data = encode_call("setNextHeaderBlock(uint256)", header_id)
    script.act(script.root, sender, script.contracts.root.root_chain, data)


def _one_missing(script: Script, _digest: Hash32, signatures: list[Words]) -> list[Words]:
    keep = script.source.randrange(len(signatures) + 1)
    return [signatures[place] for place in sorted(script.source.sample(range(len(signatures)), keep))]


def _unordered(script: Script, _digest: Hash32, signatures: list[Words]) -> list[Words]:
    return script.source.sample(signatures, len(signatures))


def _doubled(script: Script, _digest: Hash32, signatures: list[Words]) -> list[Words]:
    place = script.source.randrange(len(signatures))
    return [*signatures[:place], signatures[place], *signatures[place:]]


def _of_a_stranger(script: Script, digest: Hash32, signatures: list[Words]) -> list[Words]:
    place = script.source.randrange(len(signatures) + 1)
    return [*signatures[:place], signature_words(digest, script.source.choice(SPARE)), *signatures[place:]]


def _of_other_words(script: Script, _digest: Hash32, signatures: list[Words]) -> list[Words]:
    place = script.source.randrange(len(signatures))
    return [
        *signatures[:place],
        signature_words(keccak256(b"other"), script.source.choice(SPARE)),
        *signatures[place + 1 :],
    ]


def _malformed(script: Script, _digest: Hash32, signatures: list[Words]) -> list[Words]:
    place = script.source.randrange(len(signatures))
    r, s, v = signatures[place]
    changed: Words = script.source.choice(
        (
            (r, s, v - 27),
            (r, s, 55 - v),
            (r, s, v + 256),
            (r, s, 2**256 - 1),
            (r, ORDER - s, 55 - v),
            (r, 0, v),
            (0, s, v),
            (ORDER, s, v),
            (2**256 - 1, s, v),
            (r ^ 1, s, v),
            (r, 2**256 - 1, v),
        )
    )
    return [*signatures[:place], changed, *signatures[place + 1 :]]


SPOILERS = (
    *((_one_missing,) * 3),
    _unordered,
    _doubled,
    *((_of_a_stranger,) * 2),
    _of_other_words,
    *((_malformed,) * 3),
)


def next_checkpoint(script: Script) -> tuple[Checkpoint, CheckpointBinding]:
    """What the contract takes next, over blocks of the side chain, proposed by any member."""
    contract = script.contracts.root.root_chain
    header_id = script.number(contract, "_nextHeaderBlock()")
    start = 0 if header_id == HEADER_ID_STEP else script.number(contract, "getLastChildBlock()") + 1
    head = script.side.model.head.number
    end = max(start, head) if script.source.random() < 0.5 else start + script.source.randint(0, 6)
    while script.side.model.head.number < min(end, BLOCKS_MAX):
        script.side.mine(2)
    headers = [script.side.model.header(number) for number in range(start, end + 1)] if end < BLOCKS_MAX else []
    members = _members(script)
    payee = script.source.choice((PAYEE, PAYEE, script.person()))
    checkpoint = Checkpoint(
        proposer=script.source.choice(members).address if members else Address(bytes(20)),
        start=BlockNumber(start),
        end=BlockNumber(end),
        root_hash=merkle.root([leaf_of(header) for header in headers]) if headers else Hash32(bytes(32)),
        account_root_hash=Hash32(account_root_for(payee.address)),
        side_chain_id=SIDE_ID,
    )
    valid_until = UnixSeconds(script.root.model.head.timestamp + 1_000)
    return checkpoint, CheckpointBinding(ROOT_ID, contract, header_id, valid_until)


def encoded(script: Script, checkpoint: Checkpoint, binding: CheckpointBinding) -> tuple[bytes, Hash32]:
    """Data and digest in the form that the contract takes."""
    if script.form is DataForm.POLYGON:
        return polygon_data(checkpoint), polygon_digest(checkpoint)
    return bound_data(checkpoint, binding), bound_digest(checkpoint, binding)


def _members(script: Script) -> list[Account]:
    """The keys of the validators in force, ascending."""
    manager = script.contracts.root.stake_manager
    signers, _ = script.read(script.root, manager, ("address[]", "uint256[]"), "validatorSet()")
    assert isinstance(signers, tuple)
    return [KEYS[signer] for signer in signers]


def signature_words(digest: Hash32, signer: Account) -> Words:
    """A signature as a contract takes it."""
    signature = sign(digest, signer.private_key)
    return int.from_bytes(signature[:32]), int.from_bytes(signature[32:64]), signature[64]


def _submit(script: Script, data: bytes, signatures: list[Words]) -> None:
    script.act(script.root, script.person(), script.contracts.root.root_chain, encode_call(SUBMIT, data, signatures))


STEPS = (*((good,) * 5), *((of_something_else,) * 3), *((badly_signed,) * 4), of_another_length, reset)
