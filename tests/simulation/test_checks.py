"""The checks can fail: each is shown what it is there for."""

from types import SimpleNamespace
from typing import cast

import pytest

from bridge.burns.report import BurnStatus
from bridge.codec.hash import keccak256
from bridge.codec.types import BlockNumber, ChainId, Hash32, UnixSeconds
from node.app.abci import ExecTxResult, FinalizeBlockResponse
from node.app.messages import (
    VERSION,
    Attest,
    MessageKind,
    Transaction,
    Valid,
    encode_body,
    encode_transaction,
    transaction_digest,
)
from node.app.opened import TransactionOpener
from node.app.state import State
from node.devnet.chain import ChainGenesis
from node.engine.commits import CommittedBlock
from node.keys.private_key import PrivateKey
from node.simulation.chains.model import ModelChain
from node.simulation.checks.agreement import OneState
from node.simulation.checks.burns import BurnsNeverGoBack
from node.simulation.checks.check import Check, Violation
from node.simulation.checks.signatures import NoContradiction
from node.simulation.checks.stops import NoCauselessStop
from node.simulation.clock import MachineClock
from node.simulation.events import EventKind, Journal
from node.simulation.loop import SimulationLoop
from node.simulation.machine import Machine

GENESIS_HASH = Hash32(keccak256(b"a network"))
KEY = PrivateKey(bytes(31) + b"\x07")
NO_STATE = cast(State, None)


def _machine(index: int) -> Machine:
    """As much of a machine as a check looks at."""
    return cast(Machine, SimpleNamespace(index=index, validator=None, liar=None, is_up=False))


def _block(height: int, app_hash: bytes, *codes: int) -> CommittedBlock:
    results = tuple(ExecTxResult(code) for code in codes)
    return CommittedBlock(height, 0, (), FinalizeBlockResponse(results, (), Hash32(app_hash), ()))


def _attest(nonce: int, *statements: Valid, node_id: bytes = bytes(8)) -> bytes:
    body = encode_body(Attest(node_id, 1, statements, (), None))
    digest = transaction_digest(GENESIS_HASH, MessageKind.ATTEST, nonce, KEY.address, body)
    return encode_transaction(Transaction(VERSION, MessageKind.ATTEST, nonce, KEY.address, body, KEY.sign(digest)))


def _broken_by(check: Check, machine: Machine, transaction: bytes) -> str:
    with pytest.raises(Violation) as caught:
        check.sent(machine, transaction)
    return caught.value.rule


@pytest.mark.parametrize("other", [_block(5, b"b" * 32, 0), _block(5, b"a" * 32, 20)], ids=["state", "result"])
def test_one_state__two_validators_differ_at_a_height__violated(other: CommittedBlock) -> None:
    check = OneState()
    check.committed(_machine(0), _block(5, b"a" * 32, 0), NO_STATE)
    check.committed(_machine(1), _block(5, b"a" * 32, 0), NO_STATE)
    with pytest.raises(Violation, match="validator 2 has another state at height 5"):
        check.committed(_machine(2), other, NO_STATE)


def test_no_contradiction__a_nonce_used_twice__violated() -> None:
    check = NoContradiction(TransactionOpener(GENESIS_HASH))
    check.sent(_machine(0), _attest(1))
    check.sent(_machine(0), _attest(1))
    assert _broken_by(check, _machine(0), _attest(1, node_id=b"\x01" * 8)) == "no contradiction"


def test_no_contradiction__two_checkpoints_in_one_turn__violated() -> None:
    check = NoContradiction(TransactionOpener(GENESIS_HASH))
    first, second = (Valid(0, 3, KEY.sign(Hash32(keccak256(root)))) for root in (b"a root", b"another"))
    check.sent(_machine(0), _attest(1, first))
    check.sent(_machine(0), _attest(2, first))
    check.sent(_machine(0), _attest(3, Valid(0, 4, second.signature)))
    assert _broken_by(check, _machine(0), _attest(4, second)) == "no contradiction"


def test_burns__ready_and_then_not_while_the_block_stands__violated() -> None:
    loop = SimulationLoop()
    root = ModelChain(ChainId(1), MachineClock(loop), ChainGenesis({}, UnixSeconds(1)))
    root.mine(3)
    check, burn = BurnsNeverGoBack(root), Hash32(keccak256(b"burn"))
    stands, gone = root.header(2).hash, Hash32(keccak256(b"reorganised"))
    check.answered(0, burn, BurnStatus.READY, BlockNumber(2), gone)
    check.answered(0, burn, BurnStatus.NOT_CHECKPOINTED, BlockNumber(2), stands)
    check.answered(0, burn, BurnStatus.READY, BlockNumber(2), stands)
    check.answered(1, burn, BurnStatus.NOT_CHECKPOINTED, BlockNumber(1), root.header(1).hash)
    with pytest.raises(Violation, match="said READY at block 2, then NOT_CHECKPOINTED"):
        check.answered(0, burn, BurnStatus.NOT_CHECKPOINTED, BlockNumber(3), root.header(3).hash)
    loop.dispose()


@pytest.mark.parametrize(
    ("text", "is_allowed"),
    [("DatabaseUnwritable: /machine/1/state.db: full", True), ("KeyError: 7", False)],
)
def test_no_causeless_stop__a_process_crashes__only_a_failing_disk_is_a_cause(text: str, is_allowed: bool) -> None:
    journal = Journal()
    check = NoCauselessStop(journal, set, side_may_change=False, root_may_change=False, disk_may_fail=frozenset({1}))
    journal.note(1.0, EventKind.CRASHED, text, validator=1)
    if is_allowed:
        check.committed(_machine(0), _block(1, b""), NO_STATE)
    else:
        with pytest.raises(Violation, match="KeyError"):
            check.committed(_machine(0), _block(1, b""), NO_STATE)
