"""A devnet that is killed again and again goes on where it was, and has never said or sent two different things."""

import logging
import os
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from bridge.chain.clock import SystemClock
from bridge.codec.checkpoint import CheckpointBinding, bound_digest, decode_bound_data, decode_submit_calldata
from bridge.codec.secp256k1 import recover_address
from bridge.codec.types import Address, Hash32
from node.app.genesis import Genesis, genesis_hash
from node.app.genesis_file import genesis_from_json
from node.app.messages import decode_transaction, transaction_digest
from node.devnet.accounts import draw_accounts
from node.devnet.bootstrap import ROOT
from node.devnet.chain.embedded import EmbeddedChain
from node.devnet.chains_local import LocalChains
from node.devnet.homes import DevnetFiles
from node.devnet.network import ROOT_CHAIN_ID, chains_settings
from node.devnet.ports import choose_ports
from node.devnet.settings import DevnetSettings
from node.engine.local.block_store import BlockStore
from node.keys.slots import Purpose
from node.store.state import SqliteStateStore
from tests.e2e.process import SIDEWARDEN, TEST_S, UP, WAIT_S, DevnetProcess

pytestmark = [pytest.mark.xdist_group("kill"), pytest.mark.timeout(TEST_S)]

VALIDATORS = 4
COMING_UP_S = 4.0
"""About how long a fresh devnet takes until it is up; a kill within hits its bootstrap, or its first blocks."""
ON_THE_WAY = ("proposes blocks", "signs:", "enough:", "submits with L1 transaction", "mined in L1 block", "ack: header")
"""What the story tells of one checkpoint, in order."""
ORPHAN_S = 10.0
OTHER_OPTIONS = [("--validators", "4", "1"), ("--data-form", "bound", "polygon"), ("--seed", "0", "7")]

log = logging.getLogger(__name__)


async def test_devnet__killed_at_random_moments__goes_on_and_contradicts_nothing(tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    source = random.Random(seed)

    kill_while_coming_up(tmp_path, source)
    kill_on_the_way(tmp_path, source, ON_THE_WAY[:4])
    kill_while_coming_up(tmp_path, source)
    kill_on_the_way(tmp_path, source, ON_THE_WAY[3:])
    interrupt_at_once(tmp_path)
    last = DevnetProcess(tmp_path, "--exit-after-checkpoints", "1")
    assert last.wait() == 0, last.output

    records = [signed_digests(tmp_path, index) for index in range(VALIDATORS)]
    genesis = genesis_from_json((tmp_path / "genesis.json").read_text())
    every_transaction_is_in_its_sender_s_record(tmp_path, genesis, records)
    all_have_the_app_hash_of_the_engine(tmp_path)
    await every_header_was_sent_once_and_signed_by_record(tmp_path, records)
    other_options_are_refused(tmp_path)


def kill_while_coming_up(home: Path, source: random.Random) -> None:
    devnet = DevnetProcess(home)
    time.sleep(source.uniform(0, COMING_UP_S))
    kill(devnet)


def kill_on_the_way(home: Path, source: random.Random, moments: tuple[str, ...]) -> None:
    devnet = DevnetProcess(home)
    devnet.wait_for(source.choice(moments))
    time.sleep(source.uniform(0, 0.3))
    kill(devnet)


def kill(devnet: DevnetProcess) -> None:
    """Kill the devnet; the child that serves the chains must then end by itself."""
    children = devnet.tree()[1:]
    devnet.signal(signal.SIGKILL)
    assert devnet.wait() == -signal.SIGKILL, devnet.output
    deadline_s = time.monotonic() + ORPHAN_S
    for child in children:
        while is_alive(child):
            assert time.monotonic() < deadline_s, "the child outlives its parent"
            time.sleep(0.02)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def interrupt_at_once(home: Path) -> None:
    """Ctrl-C, as soon as the devnet is up, is a clean end."""
    devnet = DevnetProcess(home)
    devnet.wait_for(UP)
    assert devnet.end() == 0, devnet.output
    assert "stopped; " in devnet.output
    assert "Traceback" not in devnet.output


def signed_digests(home: Path, index: int) -> dict[Purpose, set[bytes]]:
    """All that a validator's record holds; that a slot has one digest is the table's own constraint."""
    found: dict[Purpose, set[bytes]] = {purpose: set() for purpose in Purpose}
    with closing(sqlite3.connect(home / "validators" / str(index) / "signing.db")) as database:
        for purpose, digest in database.execute("SELECT purpose, digest FROM signed"):
            found[Purpose(purpose)].add(digest)
    return found


def every_transaction_is_in_its_sender_s_record(
    home: Path, genesis: Genesis, records: list[dict[Purpose, set[bytes]]]
) -> None:
    """And no validator had two transactions under one nonce."""
    index_of = {validator.signer: index for index, validator in enumerate(genesis.validators)}
    seen: dict[tuple[Address, int], Hash32] = {}
    with closing(BlockStore(home / "engine.db")) as store:
        for height in range(1, store.block_height + 1):
            for raw in store.block(height).request.txs:
                sent = decode_transaction(raw)
                digest = transaction_digest(genesis_hash(genesis), sent.kind, sent.nonce, sent.sender, sent.body)
                assert digest in records[index_of[sent.sender]][Purpose.TRANSACTION]
                assert seen.setdefault((sent.sender, sent.nonce), digest) == digest
    assert {sender for sender, _ in seen} == set(index_of)


def all_have_the_app_hash_of_the_engine(home: Path) -> None:
    with closing(BlockStore(home / "engine.db")) as store:
        for index in range(VALIDATORS):
            with closing(SqliteStateStore(home / "validators" / str(index) / "state.db")) as states:
                state = states.load()
            assert state is not None
            assert state.height >= store.result_height - 1
            assert state.app_hash == store.result(state.height).app_hash


async def every_header_was_sent_once_and_signed_by_record(home: Path, records: list[dict[Purpose, set[bytes]]]) -> None:
    """On the root chain: one success a header, one transaction of a sender for it, and only recorded signatures."""
    settings, files = DevnetSettings(home, api_port=0), DevnetFiles(home)
    ports = choose_ports(0, VALIDATORS, files.description)
    clock = SystemClock()
    chains = await LocalChains.start(chains_settings(settings, files, ports, clock, periodic=False), clock)
    try:
        succeeded, sent = look_at_submissions(chains.chain(ROOT), records)
    finally:
        await chains.close()
    assert sorted(succeeded) == [10_000 * (number + 1) for number in range(len(succeeded))]
    assert set(succeeded.values()) == {1}
    assert set(sent.values()) == {1}, sent
    assert succeeded


def look_at_submissions(
    chain: EmbeddedChain, records: list[dict[Purpose, set[bytes]]]
) -> tuple[Counter[int], Counter[tuple[Address, int]]]:
    """How often each header succeeded, and how many transactions each sender has in blocks for it."""
    accounts = draw_accounts(0, VALIDATORS)
    submitters = {account.address for account in accounts.submitters}
    index_of = {account.address: index for index, account in enumerate(accounts.signers)}
    succeeded: Counter[int] = Counter()
    sent: Counter[tuple[Address, int]] = Counter()
    for number in range(chain.head.number + 1):
        block = chain.block(number)
        for transaction, receipt in zip(block.transactions, block.receipts, strict=True):
            if transaction.sender not in submitters or transaction.to is None or not transaction.data:
                continue
            submission = decode_submit_calldata(transaction.data)
            bound = decode_bound_data(submission.data)
            sent[transaction.sender, bound.header_id] += 1
            if receipt.status_or_root == b"\x01":
                succeeded[bound.header_id] += 1
            binding = CheckpointBinding(ROOT_CHAIN_ID, transaction.to, bound.header_id, bound.valid_until)
            digest = bound_digest(bound.checkpoint, binding)
            for signature in submission.signatures:
                signer = recover_address(digest, signature)
                assert digest in records[index_of[signer]][Purpose.CHECKPOINT]
    return succeeded, sent


def other_options_are_refused(home: Path) -> None:
    """The home goes on as what it was made; the refusal names both values."""
    for option, made_with, value in OTHER_OPTIONS:
        ran = subprocess.run(
            [SIDEWARDEN, "devnet", "--home", str(home), "--api-port", "0", option, value],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        assert ran.returncode == 1
        assert f"was made with {option} {made_with} and this start says {option} {value}" in ran.stderr
