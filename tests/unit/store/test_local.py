"""local.db: header runs and outboxes answer like the stores in memory, over restarts and kills."""

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.header_store import HeaderChange, HeaderStore, MemoryHeaderStore, StoredHeader
from bridge.chain.outbox_store import EntryState, Intent, MemoryOutboxStore, OutboxEntry, OutboxStore
from bridge.codec.hash import keccak256
from bridge.codec.types import Address, BlockNumber, ChainId, UnixSeconds, Wei
from node.store import headers
from node.store.errors import DatabaseDamaged
from node.store.local import FACT_BYTES_MAX, LocalStore
from tests.unit.closing import opened

SENDER = Address(b"\x01" * 20)


def header(number: int, fork: int = 0, *, bloom: bytes = b"", parent_fork: int | None = None) -> StoredHeader:
    """Block `number` of a fork; its parent may be of another one."""
    parent_fork = fork if parent_fork is None else parent_fork
    return StoredHeader(
        number=BlockNumber(number),
        hash=keccak256(f"{fork} {number}".encode()),
        parent_hash=keccak256(f"{parent_fork} {number - 1}".encode()),
        timestamp=UnixSeconds(1_700_000_000 + number),
        transactions_root=keccak256(b"transactions"),
        receipts_root=keccak256(b"receipts"),
        logs_bloom=bloom,
    )


def run(start: int, count: int, fork: int = 0, *, parent_fork: int | None = None) -> tuple[StoredHeader, ...]:
    """A linked run, whose first block may stand on another fork."""
    return tuple(
        header(number, fork, parent_fork=parent_fork if number == start else None)
        for number in range(start, start + count)
    )


@given(data=st.data(), newest_held=st.sampled_from((1, 3, headers.NEWEST_HELD)))
@settings(max_examples=40, deadline=None)
def test_header_store__any_changes_and_restarts__equals_the_store_in_memory(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, newest_held: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(headers, "NEWEST_HELD", newest_held)
        _any_changes_and_restarts(tmp_path_factory, data)


def _any_changes_and_restarts(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("local") / "local.db"
    local, oracle = opened(LocalStore(path)), MemoryHeaderStore()
    local.headers("other").apply(HeaderChange(append=run(3, 4, fork=9)))
    forks = {-1: 0}  # the fork of each block held
    for fork in range(data.draw(st.integers(1, 6))):
        last = oracle.last()
        top = -1 if last is None else last.number
        cut = data.draw(st.integers(0, top + 1))
        count = data.draw(st.integers(0, 5))
        change = HeaderChange(
            remove_from=BlockNumber(cut) if cut <= top else None,
            append=run(cut, count, fork, parent_fork=forks.get(cut - 1, fork)),
            confirmed=data.draw(st.none() | st.integers(0, cut + count - 1).map(BlockNumber)) if cut + count else None,
        )
        prune = data.draw(st.none() | st.integers(0, 12).map(BlockNumber))
        accepted = _try(oracle, change, prune)
        assert _try(local.headers("side"), change, prune) == accepted
        if accepted:
            forks |= dict.fromkeys(range(cut, cut + count), fork)
        if data.draw(st.booleans()):
            local.close()
            local = opened(LocalStore(path))
        assert _contents(local.headers("side")) == _contents(oracle)
    assert local.headers("other").headers(BlockNumber(0), 100) == run(3, 4, fork=9)
    local.close()


def _try(store: HeaderStore, change: HeaderChange, prune_below: BlockNumber | None) -> bool:
    """Whether the store takes the change; one that would break the run it does not."""
    try:
        store.apply(change)
    except ValueError:
        return False
    if prune_below is not None:
        store.prune_below(prune_below)
    return True


def _contents(store: HeaderStore) -> tuple[object, ...]:
    return (
        store.first(),
        store.last(),
        store.confirmed(),
        store.headers(BlockNumber(0), 100),
        store.headers(BlockNumber(2), 3),
        store.header(BlockNumber(4)),
    )


def test_header_store__bloom__comes_back(tmp_path: Path) -> None:
    store = opened(LocalStore(tmp_path / "local.db")).headers("main")
    blooms = (header(0, bloom=b"\x01" * 256), header(1, bloom=bytes(256)), header(2))
    store.apply(HeaderChange(append=blooms))
    assert store.headers(BlockNumber(0), 3) == blooms
    again = opened(LocalStore(tmp_path / "local.db")).headers("main")
    assert again.headers(BlockNumber(0), 3) == blooms


@pytest.mark.parametrize(
    "change",
    [
        HeaderChange(append=run(6, 1)),
        HeaderChange(append=run(5, 1, fork=1)),
        HeaderChange(append=(*run(5, 1), *run(7, 1))),
        HeaderChange(remove_from=BlockNumber(3), append=run(3, 1, fork=1)),
        HeaderChange(remove_from=BlockNumber(9), append=run(9, 1)),
        HeaderChange(confirmed=BlockNumber(5)),
        HeaderChange(remove_from=BlockNumber(3), confirmed=BlockNumber(3)),
    ],
)
def test_header_store__change_would_break_the_run__refused_as_a_whole(tmp_path: Path, change: HeaderChange) -> None:
    store = opened(LocalStore(tmp_path / "local.db")).headers("side")
    store.apply(HeaderChange(append=run(0, 5), confirmed=BlockNumber(2)))
    before = _contents(store)

    with pytest.raises(ValueError, match=r"does not follow|beyond the last"):
        store.apply(change)

    assert _contents(store) == before


def test_header_store__write_fails_half_way__shows_what_is_on_disk_and_goes_on(tmp_path: Path) -> None:
    store = opened(LocalStore(tmp_path / "local.db")).headers("side")
    store.apply(HeaderChange(append=run(0, 5), confirmed=BlockNumber(2)))
    before = _contents(store)
    good, bad = run(5, 2)

    with pytest.raises(OverflowError):
        store.apply(HeaderChange(append=(good, replace(bad, timestamp=UnixSeconds(2**64))), confirmed=BlockNumber(5)))

    assert _contents(store) == before
    store.apply(HeaderChange(append=(good, bad)))
    assert store.headers(BlockNumber(0), 10) == run(0, 7)


_APPEND_FOR_EVER = """
import sys
from pathlib import Path
from bridge.chain.header_store import HeaderChange
from bridge.codec.types import BlockNumber
from node.store.local import LocalStore
from tests.unit.store.test_local import run
store = LocalStore(Path(sys.argv[1])).headers("side")
for start in range(0, 1 << 40, 50):
    store.apply(HeaderChange(append=run(start, 50), confirmed=BlockNumber(start + 40)))
    print(start + 49, flush=True)
"""


@pytest.mark.parametrize("kills_after", [1, 20])
def test_header_store__process_killed_while_writing__whole_changes_only(tmp_path: Path, kills_after: int) -> None:
    path = tmp_path / "local.db"
    with subprocess.Popen([sys.executable, "-c", _APPEND_FOR_EVER, str(path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(kills_after)]
        process.send_signal(signal.SIGKILL)
        said += [line for line in process.stdout if line.endswith(b"\n")]

    store = opened(LocalStore(path)).headers("side")
    last = store.last()

    assert last is not None
    assert last.number >= int(said[-1])
    assert last.number % 50 == 49
    assert store.confirmed() == last.number - 9
    assert store.headers(BlockNumber(0), last.number + 1) == run(0, last.number + 1)


def entry(key: str, state: EntryState = EntryState.PLANNED) -> OutboxEntry:
    return OutboxEntry(Intent(key, SENDER, b"data", Wei(1), 21_000), state, nonce=7)


def test_outbox__saved_replaced_and_removed__equals_the_store_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "local.db"
    oracle = MemoryOutboxStore()
    actions: list[Callable[[OutboxStore], None]] = [
        lambda store: store.save(entry("b")),
        lambda store: store.save(entry("a")),
        lambda store: store.save(entry("c")),
        lambda store: store.save(entry("b", EntryState.FINAL)),
        lambda store: store.remove("a"),
        lambda store: store.remove("never there"),
        lambda store: store.save(entry("a", EntryState.LOST)),
    ]
    for action in actions:
        local = opened(LocalStore(path))
        action(local.outbox(ChainId(1), SENDER))
        action(oracle)
        assert local.outbox(ChainId(1), SENDER).entries() == oracle.entries()
        local.close()


def test_outbox__other_sender_or_chain__sees_nothing(tmp_path: Path) -> None:
    local = opened(LocalStore(tmp_path / "local.db"))
    local.outbox(ChainId(1), SENDER).save(entry("a"))

    assert local.outbox(ChainId(2), SENDER).entries() == ()
    assert local.outbox(ChainId(1), Address(b"\x02" * 20)).entries() == ()


def test_outbox__row_does_not_decode__damaged_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "local.db"
    local = opened(LocalStore(path))
    local.outbox(ChainId(1), SENDER).save(replace(entry("a"), detail="something"))
    local._database.execute("UPDATE outbox_entry SET contents = x'00'")

    with pytest.raises(DatabaseDamaged, match="rebuilt from the chains"):
        local.outbox(ChainId(1), SENDER).entries()


def test_facts__saved__come_back_after_a_restart(tmp_path: Path) -> None:
    local = opened(LocalStore(tmp_path / "local.db"))
    local.save_fact("a", b"1")
    local.save_fact("a", b"2")
    local.close()

    local = opened(LocalStore(tmp_path / "local.db"))

    assert local.fact("a") == b"2"
    assert local.fact("b") is None
    local.save_fact("big", bytes(FACT_BYTES_MAX))
    with pytest.raises(ValueError, match="over 65536"):
        local.save_fact("big", bytes(FACT_BYTES_MAX + 1))
