"""The files and keys of one validator, opened: everything that exists before it talks to anybody."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from bridge.burns.keeping import Keep, MemoryKeep
from bridge.chain.clock import Clock
from config.file import Home
from config.schema import Engine, NodeConfig
from node.app.application import Application
from node.app.genesis import Genesis, genesis_hash
from node.app.opened import TransactionOpener
from node.app.state_sync import SnapshotPolicy
from node.engine.comet.engine import CometEngine, comet_settings
from node.engine.genesis import init_chain_request
from node.engine.local.block_store import BlockStore
from node.engine.local.engine import LocalEngine
from node.engine.local.node import Member
from node.keys.errors import RecordError
from node.keys.keystore import open_keystores, read_password
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from node.keys.submission import SubmissionKey
from node.store.burn_keep import BurnKeep
from node.store.disk import REAL_DISK, Disk
from node.store.local import LocalStore
from node.store.state import SqliteStateStore


@dataclass(frozen=True, slots=True)
class OpenHome:
    """An opened home. Close it when its validator has stopped."""

    path: Path
    config: NodeConfig
    genesis: Genesis
    state_store: SqliteStateStore
    local_store: LocalStore
    record: SigningRecord | RecordError
    application: Application
    opener: TransactionOpener
    """What the application knows of verified transactions."""
    signer: Signer
    submission_key: SubmissionKey | None
    burn_keep: Keep
    """What the burn service keeps over a restart."""

    def member(self, clock: Clock) -> Member:
        """This validator as a member of the local engine."""
        ring = self.signer.ring
        keys = tuple(ring.public_key(address) for address in ring.addresses)
        return Member(self.config.moniker, keys, self.application, clock)

    def close(self) -> None:
        """Let go of all files."""
        self.state_store.close()
        self.local_store.close()
        if isinstance(self.record, SigningRecord):
            self.record.close()
        if isinstance(self.burn_keep, BurnKeep):
            self.burn_keep.close()


@dataclass(frozen=True, slots=True)
class OpenKeys:
    """The keys of a home, out of their keystores."""

    ring: KeyRing
    submission: SubmissionKey | None


def open_home(home: Home, genesis: Genesis, opener: TransactionOpener | None = None) -> OpenHome:
    """Open the files and keys that a home's config.toml names.

    `opener` is shared by the validators of one process, so that each signature is verified once.
    A signing record that cannot guard signatures is no reason not to start: the node then signs nothing and says why.
    Raises KeystoreError, and node.store's StoreError.
    """
    with ExitStack() as unless_opened:
        path = home.locate(home.config.paths.burns_db)
        keep = unless_opened.enter_context(closing(BurnKeep(path, home.config.burns.cache_bytes_max)))
        opened = open_home_on(REAL_DISK, home, genesis, lambda: _open_keys(home), opener, keep)
        unless_opened.pop_all()
    return opened


def open_home_on(
    disk: Disk,
    home: Home,
    genesis: Genesis,
    keys: Callable[[], OpenKeys],
    opener: TransactionOpener | None,
    burn_keep: Keep | None = None,
) -> OpenHome:
    """As `open_home`, with databases on any disk and keys from anywhere; they are asked for last.

    Without a `burn_keep`, what it would hold stays in memory.
    """
    paths = home.config.paths
    with ExitStack() as unless_opened:
        local_store = unless_opened.enter_context(closing(LocalStore(home.locate(paths.local_db), disk=disk)))
        record: SigningRecord | RecordError
        try:
            record = unless_opened.enter_context(
                closing(SigningRecord.open(home.locate(paths.signing_db), local_store, disk=disk))
            )
        except RecordError as error:
            record = error
        state_store = unless_opened.enter_context(closing(SqliteStateStore(home.locate(paths.state_db), disk=disk)))
        opened_keys = keys()
        opener = opener or TransactionOpener(genesis_hash(genesis))
        opened = OpenHome(
            path=home.path,
            config=home.config,
            genesis=genesis,
            state_store=state_store,
            local_store=local_store,
            record=record,
            application=Application(genesis, state_store, opener, _snapshot_policy(home.config.engine)),
            opener=opener,
            signer=Signer(opened_keys.ring, record, genesis_hash(genesis), genesis.name),
            submission_key=opened_keys.submission,
            burn_keep=burn_keep or MemoryKeep(home.config.burns.cache_bytes_max),
        )
        unless_opened.pop_all()
    return opened


def _snapshot_policy(engine: Engine) -> SnapshotPolicy:
    """Only CometBFT's peers fetch snapshots, and only it forgets blocks."""
    if engine.kind == "local":
        return SnapshotPolicy()
    comet = engine.comet
    return SnapshotPolicy(comet.snapshot_interval_blocks, comet.snapshots_kept, comet.retain_blocks)


def local_engine(genesis: Genesis, homes: Sequence[OpenHome], store: BlockStore, clock: Clock) -> LocalEngine:
    """The local engine of these validators, not started yet; it closes `store` when it is closed."""
    network = genesis.parameters
    return LocalEngine(
        [home.member(clock) for home in homes],
        store,
        clock,
        genesis=init_chain_request(genesis),
        block_interval_s=network.engine_block_ms / 1000,
        pulse_s=float(network.pulse_s),
    )


def comet_engine(home: OpenHome, clock: Clock) -> CometEngine:
    """The CometBFT engine of this validator, not running yet. Raises EngineBinaryError."""
    config = home.config
    settings = comet_settings(config.engine.comet, home.path, config.moniker, config.log.level)
    return CometEngine(settings, home.genesis, home.application, home.opener, home.signer, clock)


def _open_keys(home: Home) -> OpenKeys:
    keys = home.config.keys
    wanted = (*keys.signers, *(() if keys.submission is None else (keys.submission,)))
    if not wanted:
        return OpenKeys(KeyRing(()), None)
    password = read_password(home.locate(keys.password_file))
    opened = open_keystores(home.locate(keys.keystore_dir), wanted, password)
    submission = None if keys.submission is None else SubmissionKey(opened[-1])
    return OpenKeys(KeyRing(opened[: len(keys.signers)]), submission)
