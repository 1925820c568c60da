"""The cache of the burn service: it holds up to its limit, outlives a restart, and a broken file costs nothing."""

from pathlib import Path

from bridge.burns.keeping import KeepKind
from node.store.burn_keep import PENDING_MAX, BurnKeep

LIMIT = 1_000


def key(number: int) -> bytes:
    return number.to_bytes(4)


def test_burn_keep__after_a_restart__holds_what_was_put(tmp_path: Path) -> None:
    keep = BurnKeep(tmp_path / "burns.db", LIMIT)
    keep.put(KeepKind.PROOF, b"key", b"first")
    keep.put(KeepKind.PROOF, b"key", b"second")
    keep.put(KeepKind.RANGE, b"key", b"another kind")
    assert keep.get(KeepKind.PROOF, b"key") == b"second"
    keep.close()
    again = BurnKeep(tmp_path / "burns.db", LIMIT)
    assert again.get(KeepKind.PROOF, b"key") == b"second"
    assert again.get(KeepKind.RANGE, b"key") == b"another kind"
    assert again.get(KeepKind.EXIT, b"key") is None
    again.close()


def test_burn_keep__killed__has_lost_no_more_than_what_waits_to_be_written(tmp_path: Path) -> None:
    killed = BurnKeep(tmp_path / "burns.db", 100_000)
    for number in range(PENDING_MAX + 2):
        killed.put(KeepKind.SEEN, key(number), b"v")
    after = BurnKeep(tmp_path / "burns.db", 100_000)
    held = [number for number in range(PENDING_MAX + 2) if after.get(KeepKind.SEEN, key(number)) is not None]
    assert held == list(range(PENDING_MAX + 1))
    after.close()


def test_burn_keep__at_its_limit__forgets_what_was_unused_for_longest(tmp_path: Path) -> None:
    keep = BurnKeep(tmp_path / "burns.db", LIMIT)
    for number in range(10):
        keep.put(KeepKind.PROOF, key(number), bytes(100))
        keep.flush()
    assert keep.get(KeepKind.PROOF, key(0)) is not None
    keep.flush()
    keep.put(KeepKind.PROOF, key(10), bytes(100))
    keep.flush()
    assert [number for number in range(11) if keep.get(KeepKind.PROOF, key(number)) is None] == [1]
    keep.put(KeepKind.PROOF, key(3), bytes(50))
    keep.put(KeepKind.PROOF, key(11), bytes(50))
    keep.flush()
    assert [number for number in range(12) if keep.get(KeepKind.PROOF, key(number)) is None] == [1]
    keep.close()


def test_burn_keep__with_a_value_too_large_for_it__does_not_hold_that(tmp_path: Path) -> None:
    keep = BurnKeep(tmp_path / "burns.db", LIMIT)
    keep.put(KeepKind.RANGE, b"small", bytes(LIMIT // 4))
    keep.put(KeepKind.RANGE, b"large", bytes(LIMIT // 4 + 1))
    assert keep.get(KeepKind.RANGE, b"small") is not None
    assert keep.get(KeepKind.RANGE, b"large") is None
    keep.close()


def test_burn_keep__whose_file_is_damaged__is_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "burns.db"
    keep = BurnKeep(path, LIMIT)
    keep.put(KeepKind.PROOF, b"key", b"value")
    keep.close()
    path.write_bytes(b"this is no database" * 100)
    again = BurnKeep(path, LIMIT)
    assert again.get(KeepKind.PROOF, b"key") is None
    again.put(KeepKind.PROOF, b"key", b"value")
    again.close()
    last = BurnKeep(path, LIMIT)
    assert last.get(KeepKind.PROOF, b"key") == b"value"
    last.close()
