"""Votes of a network of four on real CometBFT: whose clock is wrong, or whose record is old, does not vote."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_bytes

import pytest

from bridge.chain.clock import ManualClock, SystemClock
from bridge.codec.abi import encode_call
from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import Address
from config.file import load_home, write_config
from node.devnet.bootstrap import ROOT
from node.devnet.chains_process import ChainsProcess
from node.devnet.network import Devnet
from node.devnet.settings import DevnetSettings
from node.duties.clock_watch import LOOK_AGAIN_S, ClockWatch
from node.duties.sntp import SntpClient
from node.duties.status import Reason
from node.engine.commits import CommittedBlock
from node.keys.entries import Made
from node.keys.errors import StaleRecord
from node.keys.keystore import DEVNET, read_password, write_keystore
from node.keys.private_key import PrivateKey
from node.validator.signing import import_from_chain
from tests.e2e.test_staking import STRANGERS
from tests.unit.duties.test_clock_watch import Servers, telling

VICTIM = 3
"""It has 70 of 340 tokens, so that the others go on without it."""
MADE = Made(1_700_000_000, "me@here", "test")


class Watched:
    """A devnet on CometBFT, and whether the victim has signed each block."""

    def __init__(self, devnet: Devnet) -> None:
        self.devnet = devnet
        self.flags: list[BlockIdFlag] = []
        self.commits: list[dict[Address, BlockIdFlag]] = []
        """Who signed each block, from the first that was seen."""
        self._is_new = asyncio.Event()
        self._address = devnet.accounts.signers[VICTIM].address
        devnet.engine.subscribe(0, self._note)

    def _note(self, block: CommittedBlock) -> None:
        self.flags += [vote.flag for vote in block.last_commit if vote.address == self._address]
        self.commits.append({vote.address: vote.flag for vote in block.last_commit})
        self._is_new.set()

    async def until(self, wanted: Callable[[], bool]) -> None:
        """Run until it is as wanted after a block."""

        async def look() -> None:
            while not wanted():
                self._is_new.clear()
                await self._is_new.wait()

        async with asyncio.timeout(60):
            await look()

    async def until_signed(self, flag: BlockIdFlag, blocks: int = 3) -> None:
        """Until so many blocks in a row have this flag of the victim."""
        await self.until(lambda: len(self.flags) >= blocks and set(self.flags[-blocks:]) == {flag})


@asynccontextmanager
async def running(home: Path) -> AsyncIterator[Watched]:
    settings = DevnetSettings(home, api_port=0, engine="comet", traffic=False)
    devnet = await Devnet.start(settings, SystemClock(), ChainsProcess.start)
    try:
        watched = Watched(devnet)
        run = asyncio.create_task(devnet.run())
        try:
            yield watched
        finally:
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)
    finally:
        await devnet.close()


@pytest.mark.timeout(180)
async def test_nodes__told_to_stop_while_they_vote__end_by_themselves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(2):
        async with running(tmp_path) as network:
            await network.until_signed(BlockIdFlag.COMMIT)

    assert "did not stop in time" not in caplog.text, "a node without its signer hangs"


@pytest.mark.timeout(180)
async def test_clock__of_one_ten_minutes_off__others_go_on_without_its_precommits_until_it_is_set(
    tmp_path: Path,
) -> None:
    servers, time = Servers(), ManualClock()
    async with running(tmp_path) as network, servers.running(3):
        victim = network.devnet.validators[VICTIM]
        watch = ClockWatch(servers.names, SntpClient(time), victim.opened.signer, lambda: 0.0, time)
        await network.until_signed(BlockIdFlag.COMMIT)

        servers.answer(*[telling(time, 600)] * 3)
        await watch.run_once()
        await network.until_signed(BlockIdFlag.ABSENT)

        servers.answer(*[telling(time)] * 3)
        time.advance(LOOK_AGAIN_S)
        await watch.run_once()
        await network.until_signed(BlockIdFlag.COMMIT)


@pytest.mark.timeout(180)
async def test_record__older_copy__gives_no_vote_until_it_has_taken_in_what_the_chain_shows(tmp_path: Path) -> None:
    async with running(tmp_path) as network:
        await network.until_signed(BlockIdFlag.COMMIT)
        home = network.devnet.files.validator(VICTIM)
    shutil.copy(home / "signing.db", tmp_path / "old.db")
    async with running(tmp_path) as network:
        await network.until_signed(BlockIdFlag.COMMIT, blocks=6)
    shutil.copy(tmp_path / "old.db", home / "signing.db")
    (home / "local.db").unlink()  # with the mark of the newest record

    async with running(tmp_path) as network:
        victim = network.devnet.validators[VICTIM]
        assert isinstance(victim.opened.signer.stop, StaleRecord), "before its first vote"
        await network.until_signed(BlockIdFlag.ABSENT)
        stop = victim.status().stopped_signing
        assert stop is not None
        assert stop.reason is Reason.STALE_RECORD
    import_from_chain(load_home(home), MADE)

    async with running(tmp_path) as network:
        await network.until_signed(BlockIdFlag.COMMIT)
        assert network.devnet.validators[VICTIM].status().stopped_signing is None


@pytest.mark.timeout(240)
async def test_signers__of_over_a_third_change_at_once__each_votes_with_the_key_of_the_height(tmp_path: Path) -> None:
    """A node that voted with the wrong key for one height would be missed in that height, and two would stop all."""
    changing = {2: STRANGERS[2], 3: STRANGERS[3]}
    async with running(tmp_path) as network:
        await network.until_signed(BlockIdFlag.COMMIT)
        files, accounts = network.devnet.files, network.devnet.accounts
    for index, account in changing.items():
        home = load_home(files.validator(index))
        password = read_password(home.locate(home.config.keys.password_file))
        key, directory = PrivateKey(account.private_key), home.locate(home.config.keys.keystore_dir)
        write_keystore(directory, key, password, DEVNET, token_bytes)
        signers = (*home.config.keys.signers, account.address)
        write_config(home.path, replace(home.config, keys=replace(home.config.keys, signers=signers)))

    async with running(tmp_path) as network:
        manager = network.devnet.contracts.root.stake_manager
        for index, account in changing.items():
            call = encode_call("updateSigner(uint256,bytes)", index + 1, account.public_key)
            await network.devnet.wallet(accounts.submitters[index], ROOT).send(manager, call)
        new = {account.address for account in changing.values()}
        commits = network.commits

        await network.until(lambda: len(commits) > 5 and all(new <= set(commit) for commit in commits[-5:]))

        for index, account in changing.items():
            first = next(place for place, commit in enumerate(commits) if account.address in commit)
            assert not any(accounts.signers[index].address in commit for commit in commits[first:])
        assert all(set(commit.values()) == {BlockIdFlag.COMMIT} for commit in commits[-5:])
        assert all(validator.status().stopped_signing is None for validator in network.devnet.validators)
