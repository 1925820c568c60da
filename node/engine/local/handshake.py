"""What happens before the first step: each application says where it stands, and engine.db must agree.

An application that has committed nothing is started from genesis. One that is behind is not brought up here: the
engine replays blocks to it, a few at a time. One that is ahead of engine.db, or holds another state than engine.db
says, cannot be helped, and the engine refuses to start.
"""

from collections.abc import Sequence

from bridge.codec.hash import keccak256
from bridge.codec.types import Hash32
from node.app.abci import InfoResponse, InitChainRequest, InitChainResponse
from node.engine import convert
from node.engine.errors import DivergenceError, MemberLostError, StoreMismatchError
from node.engine.local.block_store import BlockStore, StoredGenesis
from node.engine.local.chain import Chain
from node.engine.local.node import Node
from node.engine.local.validators import new_validator_set


def shake_hands(nodes: Sequence[Node], genesis: InitChainRequest, store: BlockStore) -> Chain:
    """Start or recognise every application, set each node's height, and return where the chain stands.

    Raises StoreMismatchError if engine.db is of another network or older than an application, DivergenceError if states
    differ, ValidatorUpdateError if genesis has no possible validator set.
    """
    digest = keccak256(convert.request_to_bytes(genesis))
    stored = store.genesis()
    if stored is not None and stored.digest != digest:
        raise StoreMismatchError("engine.db was made for another genesis: use another home")
    reports = _reports(nodes)
    fresh = [node for node, report in reports if report.last_block_height == 0]
    answers = [(node, node.application.init_chain(genesis)) for node in fresh]
    if stored is None:
        stored = _begin(answers, reports, digest, genesis, store)
    for node, answer in answers:
        _require_same_genesis(node, answer, stored)
    for node, report in reports:
        _recognise(node, report, store)
    return _chain(genesis, stored, store)


def _reports(nodes: Sequence[Node]) -> list[tuple[Node, InfoResponse]]:
    """What each application says; one that is lost already is away until it joins."""
    reports = []
    for node in nodes:
        try:
            reports.append((node, node.application.info()))
        except MemberLostError:
            node.is_paused = True
    return reports


def shake_hands_again(node: Node, genesis: InitChainRequest, store: BlockStore) -> None:
    """Start or recognise the application of one member that has come back, and set its node's height.

    Raises StoreMismatchError and DivergenceError, as for a member that was there from the start.
    """
    report = node.application.info()
    stored = store.genesis()
    if report.last_block_height > 0:
        _recognise(node, report, store)
    elif stored is not None:
        _require_same_genesis(node, node.application.init_chain(genesis), stored)


def _begin(
    answers: Sequence[tuple[Node, InitChainResponse]],
    reports: Sequence[tuple[Node, InfoResponse]],
    digest: Hash32,
    genesis: InitChainRequest,
    store: BlockStore,
) -> StoredGenesis:
    for node, report in reports:
        if report.last_block_height > 0:
            raise StoreMismatchError(_older(0, node, report))
    if not answers:
        raise StoreMismatchError("no validator is here to start the chain with")
    _, first = answers[0]
    for node, answer in answers:
        if answer.validators != first.validators:
            raise DivergenceError(f"{node.name} names other genesis validators than {answers[0][0].name}")
    validators = new_validator_set(first.validators or genesis.validators)
    begun = StoredGenesis(digest, first.app_hash)
    store.begin(begun, validators, validators.rotated())
    return begun


def _require_same_genesis(node: Node, answer: InitChainResponse, stored: StoredGenesis) -> None:
    if answer.app_hash != stored.app_hash:
        raise DivergenceError(
            f"{node.name} has app hash {answer.app_hash.hex()} after genesis, others {stored.app_hash.hex()}"
        )


def _recognise(node: Node, report: InfoResponse, store: BlockStore) -> None:
    height = report.last_block_height
    if height > store.result_height:
        raise StoreMismatchError(_older(store.result_height, node, report))
    if height > 0 and store.result(height).app_hash != report.last_block_app_hash:
        raise DivergenceError(
            f"{node.name} holds app hash {report.last_block_app_hash.hex()} at height {height}, engine.db says "
            f"{store.result(height).app_hash.hex()}: remove that validator's state.db; it is made again from the blocks"
        )
    node.height = height


def _older(height: int, node: Node, report: InfoResponse) -> str:
    return (
        f"engine.db ends at height {height}, {node.name} has committed {report.last_block_height}: "
        "restore the whole home from one backup"
    )


def _chain(genesis: InitChainRequest, stored: StoredGenesis, store: BlockStore) -> Chain:
    height = store.result_height
    app_hash = store.result(height).app_hash if height > 0 else stored.app_hash
    previous = store.result(height - 1).app_hash if height > 1 else stored.app_hash
    return Chain(
        height=height,
        next_time_ns=store.block(height).commit.time_ns if height > 0 else genesis.time_ns,
        app_hash=app_hash,
        # The first block is always made.
        app_hash_changed=height == 0 or app_hash != previous,
        validators=store.validators(height + 1),
        next_validators=store.validators(height + 2),
    )
