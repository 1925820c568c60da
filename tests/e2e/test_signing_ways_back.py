"""Every stop of the signing record has a way back, and it ends with the validator signing again."""

import json
import shutil
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import BlockNumber, Hash32, Wei
from node.app.messages import Attest, Head
from node.cli.main import main
from node.devnet.bootstrap import SIDE
from node.duties.engine_view import LocalEngineView
from node.duties.identity import find_identity
from node.duties.transactions import TransactionSender
from node.keys.entries import SignedEnd
from node.keys.record import SigningRecord
from node.keys.signer import OwnTraces, Signer
from tests.e2e.harness import Network, running_network
from tests.e2e.test_signing_record import VICTIM, sent_by
from tests.unit.keys.helpers import MemoryFacts


def signing(home: Path, *arguments: str) -> Result:
    """`sidewarden signing` on a home, as a person runs it."""
    command, *others = arguments
    return CliRunner().invoke(main, ["signing", command, "--home", str(home), *others])


def succeeded(ran: Result) -> str:
    assert ran.exit_code == 0, ran.output
    return ran.output


def stop_of(network: Network, index: int = VICTIM) -> str:
    """Reason and text of a validator's stop."""
    stopped = network.status(index).stopped_signing
    return "" if stopped is None else f"{stopped.reason.value}: {stopped.text}"


async def signs_again(network: Network, index: int = VICTIM) -> None:
    """Go on until a validator has signed and a checkpoint more is acknowledged."""
    height, acks = network.devnet.local_engine.height, network.turn.acks
    await network.until_acks(acks + 2)
    assert stop_of(network, index) == ""
    assert sent_by(network, index, height)
    missing = network.state.proposals[0].acknowledged
    assert missing is not None
    assert network.validators[index].opened.config.keys.signers[0] in {one.signer for one in missing.verdicts}


@pytest.mark.parametrize("local_db_is_lost", [False, True])
async def test_stale_record__nothing_newer_is_left__merges_what_the_chain_shows(local_db_is_lost: bool) -> None:
    async with running_network() as network:
        home = network.devnet.files.validator(VICTIM)
        await network.rounds(6)
        await network.close()
        shutil.copy(home / "signing.db", home / "old.db")
        await network.start()
        await network.until_acks(1)
        await network.close()
        shutil.copy(home / "old.db", home / "signing.db")
        if local_db_is_lost:
            (home / "local.db").unlink()
        await network.start()
        await network.until_acks(2)
        assert "STALE_RECORD: STALE_RECORD: " in stop_of(network)
        assert "signing import --from-chain" in stop_of(network)

        height = network.validators[VICTIM].committed.height
        await network.close()
        assert "STOPPED     STALE_RECORD" in succeeded(signing(home, "show"))
        assert "the nonces of 1 keys" in succeeded(signing(home, "import", "--from-chain", "--reason", "disk died"))
        shown = succeeded(signing(home, "show"))
        assert "fit to sign" in shown
        assert f"last vote   vote {height}/" in shown, "nothing below what is committed"
        await network.start()
        await signs_again(network)


async def test_twin__stopped_and_exported__is_merged_and_signing_goes_on(tmp_path: Path) -> None:
    async with running_network() as network:
        await network.rounds(10)
        victim = network.validators[VICTIM].opened
        twin_home = tmp_path / "twin"
        shutil.copytree(victim.path, twin_home, ignore=shutil.ignore_patterns("*.db*"))
        SigningRecord.create(twin_home / "signing.db", lambda count: b"t" * count)
        with closing(SigningRecord.open(twin_home / "signing.db", MemoryFacts())) as record:
            speak_as_twin(network, Signer(victim.signer.ring, record, network.state.params.genesis_hash, "network"))
        await network.until(lambda: stop_of(network).startswith("TWIN_NODE"))
        assert "signing export" in stop_of(network)

        await network.restart()
        await network.rounds(6)
        assert "STALE_RECORD" in stop_of(network), "a restart alone is no way back"
        await network.close()
        exported = succeeded(signing(twin_home, "export", "--out", str(tmp_path / "twin.json")))
        assert "this home signs nothing any more" in exported
        taking_in = ("import", str(tmp_path / "twin.json"))
        assert "IMPORT_CONFLICT: transaction " in signing(victim.path, *taking_in).output
        imported = succeeded(signing(victim.path, *taking_in, "--accept-nonce-conflicts"))
        assert "merged into this home's record" in imported
        await network.start()
        await signs_again(network)


def speak_as_twin(network: Network, signer: Signer) -> None:
    """Say something under the victim's key that its own node does not know."""
    signer.caught_up(OwnTraces((), ()))
    committed = network.validators[VICTIM].committed
    identity = find_identity(committed.state, signer.ring)
    assert identity is not None
    attest_id = signer.next_attest_id()
    head = Head(BlockNumber(1), network.chain(SIDE).block(1).header.hash)
    sender = TransactionSender(signer, LocalEngineView(network.devnet.local_engine, VICTIM).submit)
    assert sender.send(Attest(attest_id.node_id, attest_id.counter, (head,), (), None), committed, identity)


async def replace_signed_blocks(network: Network, first: int | None = None) -> SignedEnd:
    """The side chain replaces blocks that all have signed, the last or from `first` on; the last as it is now."""
    await network.until(lambda: network.proposal is not None and network.proposal.opening is not None)
    assert network.proposal is not None
    end = network.proposal.end
    head = network.chain(SIDE).head.number
    network.chain(SIDE).reorg(head - (end if first is None else first) + 1, with_transactions=False)
    await network.until(lambda: all(stop_of(network, i).startswith("SIDE_REORG_BELOW_SIGNED") for i in range(4)))
    return SignedEnd(end, network.chain(SIDE).block(end).header.hash)


def rebase(network: Network, index: int, block: SignedEnd, *options: str) -> Result:
    named = ("--block", str(block.number), "--hash", to_hex(block.hash), "--reason", "agreed")
    return signing(network.devnet.files.validator(index), "rebase", *named, *options)


async def test_side_reorg__bound_form__rebased_once_what_was_signed_has_expired() -> None:
    async with running_network() as network:
        block = await replace_signed_blocks(network)
        assert network.proposal is not None
        valid_until = network.proposal.valid_until
        below = SignedEnd(BlockNumber(3), network.chain(SIDE).block(3).header.hash)
        await network.close()
        for options in ((), ("--accept-risk",)):
            refused = rebase(network, VICTIM, block, *options)
            assert refused.exit_code == 1
            assert "REBASE_REFUSED: checkpoint 0/1" in refused.output
            assert f"until the root chain's clock is beyond {valid_until}" in refused.output

        wrong_hash = rebase(network, VICTIM, SignedEnd(block.number, Hash32(bytes(32))))
        assert f"has {to_hex(block.hash)} at block {block.number}" in wrong_hash.output
        wrong_block = rebase(network, VICTIM, below)
        assert f"the lowest signed block that the side chain has replaced is {block.number}" in wrong_block.output

        await network.start()
        await network.until(lambda: network.clock.now() > valid_until + 8)
        assert network.submissions() == ()
        await network.close()
        for index in range(4):
            assert f"signed ends set aside, and kept: {block.number}" in succeeded(rebase(network, index, block))
        assert "there is nothing to set aside" in rebase(network, VICTIM, block).output
        await network.start()
        await signs_again(network)
        assert network.turn.no_acks == 1, "the turn of the replaced blocks"


async def test_side_reorg__polygon_form__rebased_only_at_a_risk_that_is_told() -> None:
    async with running_network("polygon") as network:
        block = await replace_signed_blocks(network)
        await network.close()
        refused = rebase(network, VICTIM, block)
        assert refused.exit_code == 1
        assert "at any time until another checkpoint passes its start" in refused.output

        for index in range(4):
            told = succeeded(rebase(network, index, block, "--accept-risk"))
            assert "RISK: checkpoint 0/1 of polygon/" in told
            assert f"over side-chain blocks 0 to {block.number} was signed" in told
            assert "signers known for it hold 100.0 % of the stake; it may still land" in told
        await network.start()
        await signs_again(network)


async def test_stale_record__over_blocks_that_are_gone__merges_them_as_unknown_and_is_rebased() -> None:
    """The older copy lacks a signature over a side chain that nobody can show any more."""
    async with running_network() as network:
        home = network.devnet.files.validator(VICTIM)
        sent = await network.wallet(SIDE).send(network.devnet.contracts.side.demo_token, b"", Wei(0))
        await network.until(lambda: network.chain(SIDE).mined(sent) is not None)
        place = network.chain(SIDE).mined(sent)
        assert place is not None
        await network.close()
        shutil.copy(home / "signing.db", home / "old.db")
        await network.start()
        block = await replace_signed_blocks(network, place.block.header.number)
        assert network.proposal is not None
        valid_until = network.proposal.valid_until
        await network.until(lambda: network.clock.now() > valid_until + 8)
        await network.close()
        shutil.copy(home / "old.db", home / "signing.db")

        assert "merged 1 checkpoints" in succeeded(signing(home, "import", "--from-chain"))
        (end,) = json.loads(succeeded(signing(home, "show", "--json")))["signed_ends"]
        assert end == {"number": block.number, "hash": "0x" + "00" * 32}
        await network.start()
        await network.until(lambda: stop_of(network).startswith("SIDE_REORG_BELOW_SIGNED"))
        await network.close()
        for index in range(4):
            succeeded(rebase(network, index, block))
        await network.start()
        await signs_again(network)


async def test_move__to_another_machine__the_old_home_signs_nothing_and_the_new_one_does(tmp_path: Path) -> None:
    async with running_network() as network:
        home, file = network.devnet.files.validator(VICTIM), tmp_path / "moved.json"
        await network.until_acks(1)
        await network.close()
        succeeded(signing(home, "export", "--out", str(file)))
        await network.start()
        await network.rounds(4)
        assert stop_of(network).startswith("STALE_RECORD: RECORD_RETIRED: ")
        assert "signing reinstate" in stop_of(network)

        await network.close()  # the new machine's home has no databases of its own yet
        old = tmp_path / "old"
        old.mkdir()
        for name in ("signing.db", "local.db", "state.db"):
            shutil.move(home / name, old / name)
        assert "it has one now" in succeeded(signing(home, "import", str(file)))
        await network.start()
        await signs_again(network)
        await network.close()
        for name in ("signing.db", "local.db"):
            shutil.copy(old / name, home / name)
        assert "STOPPED     RECORD_RETIRED" in succeeded(signing(home, "show"))
        shown = json.loads(succeeded(signing(home, "show", "--json")))
        assert [decision["kind"] for decision in shown["decisions"]] == ["retired"]
        await network.start()
