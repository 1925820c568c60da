"""engine.db: decided blocks, what the applications answered, and the validator sets to come.

Two writes per height, each on disk when it returns. A block and its precommits are written before any application
sees FinalizeBlock, so a decided block is never decided anew. The answer to it, with the validator set two heights on,
is written before any application commits, so that an application that lost its last commit can be brought to the same
state and compared. One process holds the file at a time; `engine.db.holder` names it.
"""

from dataclasses import dataclass
from pathlib import Path

from bridge.codec.types import Address, Hash32, PublicKey
from node.app.abci import FinalizeBlockRequest, FinalizeBlockResponse
from node.engine import convert
from node.engine.errors import StoreMismatchError
from node.engine.local.block import Block, Commit, Precommit
from node.engine.local.validators import Validator, ValidatorSet
from node.store.disk import REAL_DISK, Disk
from node.store.sqlite import Database, Schema

_SCHEMA = Schema(
    version=1,
    script="""
        CREATE TABLE genesis (digest BLOB NOT NULL, app_hash BLOB NOT NULL);
        CREATE TABLE blocks (height INTEGER PRIMARY KEY, round INTEGER NOT NULL, request BLOB NOT NULL);
        CREATE TABLE precommits (
            height INTEGER NOT NULL, position INTEGER NOT NULL, address BLOB NOT NULL, power INTEGER NOT NULL,
            time_ns INTEGER NOT NULL, PRIMARY KEY (height, position)
        ) WITHOUT ROWID;
        CREATE TABLE results (height INTEGER PRIMARY KEY, response BLOB NOT NULL);
        CREATE TABLE validators (
            height INTEGER NOT NULL, position INTEGER NOT NULL, public_key BLOB NOT NULL, address BLOB NOT NULL,
            power INTEGER NOT NULL, priority INTEGER NOT NULL, is_proposer INTEGER NOT NULL,
            PRIMARY KEY (height, position)
        ) WITHOUT ROWID
    """,
    remedy="Restore the whole home from one backup, or make a new devnet",
    exclusive=True,
)


@dataclass(frozen=True, slots=True)
class StoredGenesis:
    """Which network the file belongs to, and the app hash after InitChain."""

    digest: Hash32
    app_hash: bytes


class BlockStore:
    """The local engine's own database. Every method raises node.store's StoreError when the file fails."""

    def __init__(self, path: Path, *, disk: Disk = REAL_DISK) -> None:
        """Open or make `path`. Raises StoreError, also when another process holds it."""
        self._database = Database(path, _SCHEMA, disk=disk)

    def close(self) -> None:
        """Let another process have the file."""
        self._database.close()

    def genesis(self) -> StoredGenesis | None:
        """What `begin` wrote; None in a new file."""
        row = self._database.row("SELECT digest, app_hash FROM genesis")
        return None if row is None else StoredGenesis(Hash32(row[0]), row[1])

    def begin(self, genesis: StoredGenesis, first: ValidatorSet, second: ValidatorSet) -> None:
        """Write what InitChain settled: the sets of heights 1 and 2."""
        with self._database.transaction():
            self._database.execute("INSERT INTO genesis VALUES (?, ?)", (genesis.digest, genesis.app_hash))
            self._insert_validators(1, first)
            self._insert_validators(2, second)

    @property
    def block_height(self) -> int:
        """The height of the last decided block; 0 before the first."""
        return self._last_height("blocks")

    @property
    def result_height(self) -> int:
        """The height of the last block whose answer is known: `block_height`, or one less after a crash in between."""
        return self._last_height("results")

    def save_block(self, block: Block) -> None:
        """Write a decided block with the precommits that decided it."""
        height = block.height
        with self._database.transaction():
            self._database.execute(
                "INSERT INTO blocks VALUES (?, ?, ?)",
                (height, block.commit.round, convert.request_to_bytes(block.request)),
            )
            self._database.execute_many(
                "INSERT INTO precommits VALUES (?, ?, ?, ?, ?)",
                (
                    (height, position, vote.address, vote.power, vote.time_ns)
                    for position, vote in enumerate(block.commit.precommits)
                ),
            )

    def block(self, height: int) -> Block:
        """A decided block. Raises StoreMismatchError if it is not held."""
        row = self._database.row("SELECT round, request FROM blocks WHERE height = ?", (height,))
        request = None if row is None else convert.request_from_bytes(row[1])
        if row is None or not isinstance(request, FinalizeBlockRequest):
            raise StoreMismatchError(f"engine.db does not hold block {height}: restore the whole home from one backup")
        votes = self._database.rows(
            "SELECT address, power, time_ns FROM precommits WHERE height = ? ORDER BY position", (height,)
        )
        precommits = tuple(Precommit(Address(vote[0]), vote[1], vote[2]) for vote in votes)
        return Block(request, Commit(row[0], precommits))

    def save_result(self, height: int, response: FinalizeBlockResponse, validators: ValidatorSet) -> None:
        """Write the answer to the block of `height`, and the validator set of `height` + 2 that follows from it."""
        with self._database.transaction():
            self._database.execute("INSERT INTO results VALUES (?, ?)", (height, convert.response_to_bytes(response)))
            self._insert_validators(height + 2, validators)
            self._database.execute("DELETE FROM validators WHERE height <= ?", (height,))

    def result(self, height: int) -> FinalizeBlockResponse:
        """The answer to a block. Raises StoreMismatchError if it is not held."""
        row = self._database.row("SELECT response FROM results WHERE height = ?", (height,))
        response = None if row is None else convert.response_from_bytes(row[0])
        if not isinstance(response, FinalizeBlockResponse):
            raise StoreMismatchError(
                f"engine.db has no result of block {height}: restore the whole home from one backup"
            )
        return response

    def validators(self, height: int) -> ValidatorSet:
        """The validator set of a height that is still to come. Raises StoreMismatchError if it is not held."""
        rows = self._database.rows(
            "SELECT public_key, address, power, priority, is_proposer FROM validators "
            "WHERE height = ? ORDER BY position",
            (height,),
        )
        proposers = [Address(row[1]) for row in rows if row[4]]
        if len(proposers) != 1:
            raise StoreMismatchError(f"engine.db has no validators of {height}: restore the whole home from one backup")
        members = tuple(Validator(PublicKey(row[0]), Address(row[1]), row[2], row[3]) for row in rows)
        return ValidatorSet(members, proposers[0])

    def _last_height(self, table: str) -> int:
        row = self._database.row(f"SELECT max(height) FROM {table}")
        return 0 if row is None or row[0] is None else int(row[0])

    def _insert_validators(self, height: int, validators: ValidatorSet) -> None:
        self._database.execute_many(
            "INSERT INTO validators VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    height,
                    position,
                    member.public_key,
                    member.address,
                    member.power,
                    member.priority,
                    member.address == validators.proposer,
                )
                for position, member in enumerate(validators.validators)
            ),
        )
