"""The chain's file: what was committed is there again, and a file that cannot be ours is refused."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from bridge.codec.types import ChainId
from node.devnet.chain import ChainFileRefused
from node.devnet.chain.store import BlockStore, FileBacking, MemoryBacking
from tests.unit.devnet.world import ALICE, LOGGER, POOR, deploy, open_chain, send_and_mine, signed


def test_reopen__after_close__goes_on_with_state_blocks_and_transactions(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    chain = open_chain(path)
    logger = deploy(chain, LOGGER)
    send_and_mine(chain, logger, b"\x01" * 32)
    sent = chain.send_raw(signed(ALICE, 2, value_wei=5))
    chain.mine(3)
    head, block = chain.head, chain.block(2)
    chain.close()

    again = open_chain(path)
    assert again.head == head
    assert again.block(2) == block
    assert again.balance(POOR.address) == 5
    place = again.mined(sent)
    assert place is not None
    assert place.block.header.number == 3
    again.mine()
    assert again.head.parent_hash == head.hash
    again.close()


def test_close__leaves_one_file_that_can_be_copied(tmp_path: Path) -> None:
    chain = open_chain(tmp_path / "chain.db")
    chain.mine(3)
    chain.close()
    assert [path.name for path in tmp_path.iterdir()] == ["chain.db"]
    shutil.copyfile(tmp_path / "chain.db", tmp_path / "copy.db")
    copy = open_chain(tmp_path / "copy.db")
    assert copy.head == chain.head
    copy.close()


def test_open__while_another_has_it__is_refused(tmp_path: Path) -> None:
    chain = open_chain(tmp_path / "chain.db")
    with pytest.raises(ChainFileRefused, match="stop what uses it"):
        open_chain(tmp_path / "chain.db")
    chain.close()


def test_open__file_of_another_chain__is_refused_with_both_ids(tmp_path: Path) -> None:
    open_chain(tmp_path / "chain.db").close()
    with pytest.raises(ChainFileRefused, match="7001, not 1:"):
        open_chain(tmp_path / "chain.db", chain_id=ChainId(1))


def test_open__file_that_is_no_database__is_refused(tmp_path: Path) -> None:
    (tmp_path / "chain.db").write_bytes(b"no database" * 1_000)
    with pytest.raises(ChainFileRefused, match="not a database"):
        open_chain(tmp_path / "chain.db")


def test_open__in_a_folder_that_is_not_there__is_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainFileRefused, match="cannot be opened"):
        open_chain(tmp_path / "missing" / "chain.db")


def test_copy__of_a_chain_with_a_file__is_a_mistake_of_the_caller(tmp_path: Path) -> None:
    chain = open_chain(tmp_path / "chain.db")
    with pytest.raises(TypeError, match="copy the file"):
        chain.copy()
    chain.close()


@pytest.mark.parametrize("in_file", [True, False])
def test_store__discard__leaves_only_what_was_committed(tmp_path: Path, in_file: bool) -> None:
    store = BlockStore(FileBacking(tmp_path / "x.db") if in_file else MemoryBacking())
    store[b"kept"] = b"1"
    store[b"deleted"] = b"2"
    store.commit()
    store[b"kept"] = b"changed"
    store[b"new"] = b"3"
    del store[b"deleted"]
    assert b"deleted" not in store
    with pytest.raises(KeyError):
        del store[b"deleted"]
    store.discard()
    assert (store[b"kept"], store[b"deleted"], b"new" in store) == (b"1", b"2", False)
    del store[b"deleted"]
    store.commit()
    with pytest.raises(KeyError):
        store[b"deleted"]
    store.close()


def test_mine__write_fails__chain_and_pool_are_as_before(tmp_path: Path) -> None:
    path = tmp_path / "chain.db"
    chain = open_chain(path)
    chain.mine()
    sent = chain.send_raw(signed(ALICE, 0, value_wei=5))
    chain.close()  # what writes from now on fails, as on a full disk
    with pytest.raises(sqlite3.ProgrammingError):
        chain.mine()
    assert chain.waiting(sent) is not None
    again = open_chain(path)
    assert (again.head, again.nonce(ALICE.address)) == (chain.head, 0)
    again.close()
