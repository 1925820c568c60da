"""`sidewarden signing` over homes on disk: what a person may do, and what is refused with a name."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hash import keccak256
from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Hash32
from config.file import Home, write_config
from config.schema import Keys, NodeConfig, RootChain, SideChain
from config.table import RpcUrl
from node.app.genesis import genesis_hash
from node.app.genesis_file import genesis_to_json
from node.cli.main import main
from node.keys import interchange
from node.keys.entries import Contents, DecisionKind, SignedEntry, VoteBytes
from node.keys.interchange import Interchange
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.slots import Purpose, Slot, VoteStep, transaction_slot, vote_slot
from node.store.files import write_private
from node.store.local import LocalStore
from tests.unit.app.network import Network, key
from tests.unit.closing import opened

SIGNER = PrivateKey(key(1).private)
DIGEST = keccak256(b"signed")


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A validator's home."""

    path: Path
    network: Hash32

    def run(self, command: str, *arguments: str, answer: str = "") -> Result:
        """`sidewarden signing` on this home."""
        return CliRunner().invoke(main, ["signing", command, "--home", str(self.path), *arguments], input=answer)

    def slot(self, nonce: int) -> Slot:
        """Of a transaction."""
        return transaction_slot(self.network, SIGNER.address, nonce)

    def open(self) -> SigningRecord:
        """Its record, as a node opens it."""
        return opened(SigningRecord.open(self.path / "signing.db", opened(LocalStore(self.path / "local.db"))))

    def sign(self, nonce: int, digest: Hash32 = DIGEST) -> None:
        """As its node would."""
        record = self.open()
        record.admit(self.slot(nonce), digest)
        record.close()


def make_home(path: Path, *, with_record: bool = True) -> OnDisk:
    """A home of the test network."""
    network, nobody = Network(), RpcUrl("http://127.0.0.1:1")
    config = NodeConfig(
        side_chain=SideChain(rpc_urls=(nobody,)),
        root_chains=(RootChain(name="root", rpc_urls=(nobody,)),),
        keys=Keys(signers=(SIGNER.address,)),
    )
    path.mkdir(mode=0o700)
    write_config(path, config)
    write_private(path / "genesis.json", genesis_to_json(network.genesis).encode())
    if with_record:
        SigningRecord.create(path / "signing.db", secrets.token_bytes)
    return OnDisk(Home(path, config).path, genesis_hash(network.genesis))


@pytest.fixture
def home(tmp_path: Path) -> OnDisk:
    return make_home(tmp_path / "home")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "moved.json"


def refused(ran: Result, code: str) -> str:
    assert ran.exit_code == 1, ran.output
    assert ran.output.startswith(f"Error: {code}: ")
    return ran.output


def succeeded(ran: Result) -> str:
    assert ran.exit_code == 0, ran.output
    return ran.output


def test_show__of_a_record__says_what_it_holds_and_leaves_it_as_it_is(home: OnDisk) -> None:
    home.sign(3)
    record = home.open()
    vote = vote_slot("test", SIGNER.address, 7, 1, VoteStep.PREVOTE)
    record.admit_vote(vote, VoteBytes(DIGEST, 1, DIGEST))
    record.close()

    told = succeeded(home.run("show"))

    assert "fit to sign" in told
    assert f"transaction 1, newest 3, of engine/{to_hex(home.network)}/{to_hex(SIGNER.address)}" in told
    assert f"last vote   vote 7/1/2 of {vote.domain}" in told
    shown = json.loads(succeeded(home.run("show", "--json")))
    assert shown["slots"][0]["newest"] == [3]
    assert shown["last_votes"] == [{"domain": vote.domain, "height": 7, "round": 1, "step": 2}]
    assert (shown["stop"], shown["signed_ends"], shown["decisions"]) == (None, [], [])


@pytest.mark.parametrize("command", [("show",), ("export", "--out", "x.json"), ("import", "--from-chain")])
def test_any__while_the_node_has_the_record__is_refused(home: OnDisk, command: tuple[str, ...]) -> None:
    home.open()

    assert "stop it first" in refused(home.run(*command), "RECORD_IN_USE")
    assert not Path("x.json").exists()


def test_move__there_and_back__the_right_to_sign_goes_with_the_newest_file(home: OnDisk, tmp_path: Path) -> None:
    home.sign(1)
    there = make_home(tmp_path / "there", with_record=False)
    succeeded(home.run("export", "--out", str(tmp_path / "1.json")))
    assert "it has one now" in succeeded(there.run("import", str(tmp_path / "1.json")))
    there.sign(2)
    assert "RECORD_RETIRED" in succeeded(home.run("show"))

    stale_file = succeeded(home.run("import", str(tmp_path / "1.json")))
    assert "nothing is signed here: RECORD_RETIRED" in stale_file, "its own export gives it nothing back"

    succeeded(there.run("export", "--out", str(tmp_path / "2.json")))
    assert "the right to sign is here again" in succeeded(home.run("import", str(tmp_path / "2.json")))
    home.sign(3)
    record = home.open()
    assert record.digest(home.slot(2)) == DIGEST
    assert "STOPPED     RECORD_RETIRED" in succeeded(there.run("show"))


def test_export__again_from_a_retired_home__gives_the_same_file(home: OnDisk, tmp_path: Path) -> None:
    home.sign(1)
    for name in ("1.json", "2.json"):
        succeeded(home.run("export", "--out", str(tmp_path / name)))

    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_export__over_a_file_or_where_none_can_be__refused(home: OnDisk, file: Path) -> None:
    file.write_text("something")

    assert home.run("export", "--out", str(file)).exit_code == 2
    assert file.read_text() == "something"
    home.sign(1)

    refused(home.run("export", "--out", str(file / "no" / "where")), "INTERCHANGE_UNUSABLE")
    succeeded(home.run("export", "--out", str(file.with_name("other.json"))))


def test_copy__imported_elsewhere__warns_and_leaves_the_first_home_signing(
    home: OnDisk, file: Path, tmp_path: Path
) -> None:
    assert "a backup" in succeeded(home.run("export", "--copy", "--out", str(file)))
    home.sign(1)
    there = make_home(tmp_path / "there", with_record=False)

    assert "WARNING: the file is a backup" in succeeded(there.run("import", str(file)))


def test_reinstate__only_when_a_person_confirms_it(home: OnDisk, file: Path) -> None:
    succeeded(home.run("export", "--out", str(file)))
    assert home.run("reinstate", "--reason", "called off", answer="n\n").exit_code == 1
    assert "RECORD_RETIRED" in succeeded(home.run("show"))

    succeeded(home.run("reinstate", "--reason", "called off", answer="y\n"))

    home.sign(1)
    (_, reinstated) = json.loads(succeeded(home.run("show", "--json")))["decisions"]
    assert (reinstated["kind"], reinstated["reason"]) == ("reinstated", "called off")
    assert "@" in reinstated["by"]


def test_import__of_another_network__refused_but_for_its_polygon_slots(home: OnDisk, file: Path) -> None:
    polygon = SignedEntry(Slot(Purpose.CHECKPOINT, "polygon/15001", (0, 4)), DIGEST, None)
    bound = SignedEntry(Slot(Purpose.CHECKPOINT, "bound/0xaa/0xbb", (0, 4)), DIGEST, None)
    other = Interchange(keccak256(b"another network"), bytes(8), is_move=True, contents=Contents((polygon, bound)))
    interchange.write(file, other)

    told = refused(home.run("import", str(file)), "IMPORT_FOREIGN")
    assert to_hex(other.genesis_hash) in told
    assert to_hex(home.network) in told
    assert "1 of its slots are in polygon form" in told

    succeeded(home.run("import", str(file), "--polygon-only"))

    record = home.open()
    assert record.digest(polygon.slot) == DIGEST
    assert record.digest(bound.slot) is None
    (merged,) = record.decisions
    assert merged.kind is DecisionKind.MERGED, "the one that was refused has left nothing"


def test_import__conflict__refused_naming_the_slot(home: OnDisk, file: Path, tmp_path: Path) -> None:
    there = make_home(tmp_path / "there")
    home.sign(1)
    there.sign(1, keccak256(b"something else"))
    succeeded(there.run("export", "--out", str(file)))

    assert "transaction 1 of engine/" in refused(home.run("import", str(file)), "IMPORT_CONFLICT")
    succeeded(home.run("import", str(file), "--accept-nonce-conflicts"))


def test_import__damaged_file__refused(home: OnDisk, file: Path) -> None:
    succeeded(home.run("export", "--copy", "--out", str(file)))
    data = file.read_bytes()
    write_private(file, data.replace(b'"version": 2', b'"version": 2 '))

    refused(home.run("import", str(file)), "INTERCHANGE_UNUSABLE")


@pytest.mark.parametrize("arguments", [(), ("FILE", "--from-chain"), ("--from-chain", "--polygon-only")])
def test_import__neither_or_both_sources__is_a_usage_error(
    home: OnDisk, file: Path, arguments: tuple[str, ...]
) -> None:
    file.write_text("{}")

    assert home.run("import", *(str(file) if one == "FILE" else one for one in arguments)).exit_code == 2


def test_from_chain__of_a_home_that_never_ran__has_to_wait(home: OnDisk) -> None:
    assert "start the node" in refused(home.run("import", "--from-chain"), "IMPORT_NOT_YET")


def test_any__home_without_a_record__is_refused(tmp_path: Path) -> None:
    home = make_home(tmp_path / "empty", with_record=False)

    for command in (("show",), ("export", "--out", str(tmp_path / "x.json")), ("import", "--from-chain")):
        refused(home.run(*command), "RECORD_MISSING")
    assert not (home.path / "signing.db").exists()


def test_rebase__block_that_this_home_has_not_seen__refused(home: OnDisk) -> None:
    named = ("--block", "7", "--hash", to_hex(DIGEST), "--reason", "agreed")

    assert "has not confirmed side-chain block 7" in refused(home.run("rebase", *named), "REBASE_REFUSED")
    assert home.run("rebase", "--block", "7", "--hash", "0x12", "--reason", "agreed").exit_code == 2
