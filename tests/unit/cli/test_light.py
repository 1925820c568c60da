"""`sidewarden light` against a node that listens: what is agreed, what is not shown, and what is kept for next time."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.codec.hexadecimal import to_hex
from bridge.light.errors import TrustExpired
from bridge.light.trust import TrustRules
from node.app.abci import QueryRequest, QueryResponse
from node.app.apphash import hash_state
from node.app.genesis import Genesis
from node.app.genesis_file import genesis_to_json
from node.app.proofs import StateProofs
from node.app.state import Committed
from node.cli.main import main
from node.light.agreed import AgreedState
from node.light.session import LightSettings, NamedHeader, ask
from tests.unit.app import logs
from tests.unit.app.network import TOKEN
from tests.unit.light.chain import Chain
from tests.unit.light.network import AgreedNetwork, Node, SteppingClock, served

LONG = ("--trusting-period-hours", "87600")
"""The network of the tests began in 2023."""


@dataclass
class Asked:
    """A network, one of its nodes that listens, and a directory to keep trust in."""

    network: AgreedNetwork
    node: Node
    url: str
    folder: Path

    @property
    def genesis(self) -> Path:
        """The network's genesis.json."""
        path = self.folder / "genesis.json"
        path.write_text(genesis_to_json(self.network.genesis))
        return path

    async def run(self, *arguments: str, home: str = "home") -> Result:
        """A `light` command, asking the node."""
        fixed = ("--node", self.url, "--home", str(self.folder / home), *LONG)
        return await asyncio.to_thread(CliRunner().invoke, main, ["light", *arguments, *fixed])

    async def answer(self, *arguments: str, home: str = "home") -> Any:
        """The JSON of a command that succeeds."""
        result = await self.run(*arguments, "--json", home=home)
        assert result.exit_code == 0, result.output
        return json.loads(result.output)


@pytest.fixture(scope="module")
def network() -> AgreedNetwork:
    """A network with three checkpoints of which L1 deleted the last."""
    made = AgreedNetwork()
    for _ in range(3):
        made.checkpoint()
    made.l1_block(logs.reset_header(30_000))
    made.see_l1()
    made.empty_blocks(3)
    return made


@pytest.fixture
async def asked(network: AgreedNetwork, tmp_path: Path) -> AsyncIterator[Asked]:
    """One of the network's nodes."""
    node = Node(network.chain, network.app)
    async with served(node) as url:
        yield Asked(network, node, url, tmp_path)


async def test_checkpoint__that_is_agreed__is_told_with_its_header_and_power(asked: Asked) -> None:
    result = await asked.run("checkpoint", "1", "--genesis", str(asked.genesis))
    assert result.exit_code == 0, result.output
    assert "AGREED: header 10000 of root chain 0 has blocks 0 to 7" in result.output
    assert "340 of 340 power" in result.output


async def test_checkpoint__the_last__is_the_last_that_l1_still_has(asked: Asked) -> None:
    found = await asked.answer("checkpoint", "--last", "--genesis", str(asked.genesis))
    assert (found["agreed"], found["is_last"], found["is_remembered"]) == (True, True, True)
    assert found["entry"]["header_id"] == 20_000
    assert found["header"]["height"] == asked.network.chain.height
    assert found["header"]["hash"] == to_hex(asked.network.chain.blocks[-1].header.hash())


@pytest.mark.parametrize("number", ["3", "4", "99"])
async def test_checkpoint__deleted_or_never_there__is_not_shown(asked: Asked, number: str) -> None:
    result = await asked.run("checkpoint", number, "--genesis", str(asked.genesis))
    assert result.exit_code == 1
    assert "LIGHT_NOT_SHOWN" in result.output


async def test_checkpoint__deleted_one_under_the_number_of_another__is_not_believed(asked: Asked) -> None:
    """The node shows a true entry of the log, which is that of another header."""
    true_answer = asked.node.answer

    def lie(method: str, params: dict[str, Any], result: Any) -> Any:
        if method == "abci_query" and params["path"] == "/checkpoint/0/20000":
            return true_answer("abci_query", {"path": "/logs/checkpoints/0"})
        return result

    asked.node.tamper = lie
    result = await asked.run("checkpoint", "2", "--genesis", str(asked.genesis))
    assert result.exit_code == 1
    assert "LIGHT_PROOF_FORGED" in result.output


class ForgetfulState:
    """The network's state, but for the headers: it remembers only the last one."""

    def __init__(self, network: AgreedNetwork) -> None:
        state = network.state
        turn = replace(state.turns[0], headers=state.turns[0].headers[-1:])
        self.hashed = hash_state(replace(state, turns=(turn,)))
        self._committed = Committed(1, 0, self.hashed.app_hash, self.hashed.state)
        self._proofs = StateProofs(network.store)

    def query(self, request: QueryRequest) -> QueryResponse:
        """As the application answers."""
        return self._proofs.answer(request, self._committed, self.hashed)


async def test_checkpoint__older_than_the_state_remembers__is_agreed_with_a_warning_and_no_other_is_taken_for_it(
    tmp_path: Path,
) -> None:
    network = AgreedNetwork()
    for _ in range(3):
        network.checkpoint()
    state, chain = ForgetfulState(network), Chain(network.members, chain_id=network.genesis.name)
    for _ in range(2):
        chain.add(state.hashed.app_hash)
    node = Node(chain, state)
    async with served(node) as url:
        asked = Asked(network, node, url, tmp_path)
        old = await asked.run("checkpoint", "1", "--genesis", str(asked.genesis))
        assert old.exit_code == 0, old.output
        assert "OLD" in old.output
        assert "OLD" not in (await asked.run("checkpoint", "3")).output

        true_query = state.query
        state.query = lambda request: true_query(  # type: ignore[method-assign]  # the node shows another old one
            replace(request, path=request.path.replace("/checkpoint/0/10000", "/checkpoint/0/20000"))
        )
        lied = await asked.run("checkpoint", "1")
        assert lied.exit_code == 1
        assert "LIGHT_PROOF_FORGED" in lied.output


async def test_validator__of_the_set__is_told_and_an_unknown_one_is_not(asked: Asked) -> None:
    found = await asked.answer("validator", "2", "--genesis", str(asked.genesis))
    assert (found["power"], found["total_power"], found["has_left"]) == (90, 340, False)
    assert found["validator"]["stake_wei"] == 90 * TOKEN
    absent = await asked.run("validator", "9")
    assert absent.exit_code == 1
    assert "there is no validator 9" in absent.output


async def test_record__of_a_log__is_told_with_its_meaning(asked: Asked) -> None:
    found = await asked.answer("record", "2", "--log", "logs/checkpoints", "--genesis", str(asked.genesis))
    assert (found["kind"], found["entry"]["header_id"]) == ("CheckpointEntry", 30_000)
    none_yet = await asked.run("record", "0")
    assert none_yet.exit_code == 1
    assert "0 entries" in none_yet.output


async def test_section__whole__is_told(asked: Asked) -> None:
    found = await asked.answer("section", "turns", "--genesis", str(asked.genesis))
    assert [span["header_id"] for span in found["value"][0]["headers"]] == [10_000, 20_000]
    unknown = await asked.run("section", "none")
    assert unknown.exit_code == 2


async def test_light__second_time__goes_on_from_the_header_it_kept(asked: Asked) -> None:
    await asked.answer("status", "--genesis", str(asked.genesis))
    kept = json.loads((asked.folder / "home" / "trusted.json").read_text())
    assert kept["height"] == str(asked.network.chain.height)
    assert (asked.folder / "home" / "trusted.json").stat().st_mode & 0o777 == 0o600
    assert (await asked.answer("status"))["agreed"]
    assert (await asked.answer("status", "--genesis", str(asked.genesis)))["agreed"]


async def test_light__without_any_start__says_what_to_give(asked: Asked) -> None:
    result = await asked.run("status")
    assert result.exit_code == 1
    assert "LIGHT_TRUST_UNUSABLE" in result.output
    assert "--genesis" in result.output


async def test_light__from_a_named_header__is_agreed_and_a_wrong_hash_is_not(asked: Asked) -> None:
    named = asked.network.chain.block(5).header.hash().hex().upper()
    found = await asked.answer("status", "--trust-height", "5", "--trust-hash", named)
    assert found["header"]["height"] == asked.network.chain.height
    wrong = await asked.run("status", "--trust-height", "5", "--trust-hash", "0x" + "ab" * 32, home="other")
    assert wrong.exit_code == 1
    assert "LIGHT_TRUST_UNUSABLE" in wrong.output
    assert not (asked.folder / "other").exists()


async def test_light__with_the_genesis_of_another_network__is_refused(asked: Asked) -> None:
    """Of another name; and of the same name and validators, but with other parameters."""
    genesis = asked.network.genesis
    others: dict[str, Genesis] = {
        "LIGHT_HEADER_FORGED": replace(genesis, name="another"),
        "LIGHT_TRUST_UNUSABLE": replace(genesis, epoch=genesis.epoch + 1),
    }
    for code, other in others.items():
        path = asked.folder / f"{code}.json"
        path.write_text(genesis_to_json(other))
        result = await asked.run("status", "--genesis", str(path), home=code)
        assert result.exit_code == 1
        assert code in result.output
        assert not (asked.folder / code).exists()


async def test_light__a_home_that_keeps_another_network__is_not_overwritten(asked: Asked) -> None:
    await asked.answer("status", "--genesis", str(asked.genesis))
    before = (asked.folder / "home" / "trusted.json").read_bytes()
    other = asked.folder / "other.json"
    other.write_text(genesis_to_json(replace(asked.network.genesis, name="another")))
    result = await asked.run("status", "--genesis", str(other))
    assert "another --home" in result.output
    assert (asked.folder / "home" / "trusted.json").read_bytes() == before


@pytest.mark.parametrize("damage", [b"", b"{}", b"[]", b"{", b'{"height": 5}', b"[" * 5_000])
async def test_light__a_kept_header_that_is_damaged__is_named(asked: Asked, damage: bytes) -> None:
    await asked.answer("status", "--genesis", str(asked.genesis))
    (asked.folder / "home" / "trusted.json").write_bytes(damage)
    result = await asked.run("status")
    assert result.exit_code == 1
    assert "LIGHT_TRUST_UNUSABLE" in result.output


async def test_light__a_kept_header_that_others_can_write__is_refused(asked: Asked) -> None:
    await asked.answer("status", "--genesis", str(asked.genesis))
    (asked.folder / "home" / "trusted.json").chmod(0o666)
    result = await asked.run("status")
    assert result.exit_code == 1
    assert "chmod 600" in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("checkpoint",),
        ("checkpoint", "1", "--last"),
        ("status", "--trust-height", "5"),
        ("status", "--trust-height", "5", "--trust-hash", "abc"),
        ("status", "--node", "ftp://nowhere"),
    ],
)
async def test_light__options_that_do_not_fit__are_told_apart_from_what_is_not_agreed(
    asked: Asked, arguments: tuple[str, ...]
) -> None:
    assert (await asked.run(*arguments)).exit_code == 2


async def test_light__genesis_and_named_header_together__are_refused(asked: Asked) -> None:
    named = ("--trust-height", "5", "--trust-hash", "ab" * 32)
    assert (await asked.run("status", *named, "--genesis", str(asked.genesis))).exit_code == 2


async def test_ask__trust_that_expired__needs_a_newer_header(asked: Asked) -> None:
    chain = asked.network.chain
    rules = TrustRules(trusting_period_s=3_600)
    settings = LightSettings((asked.url,), asked.folder / "home", asked.network.genesis, rules)
    late = SteppingClock(chain.genesis_ns + 3_600 * 10**9)

    async def newest(state: AgreedState) -> int:
        return (await state.client.newest()).header.height

    with pytest.raises(TrustExpired):
        await ask(settings, newest, late)
    named = NamedHeader(chain.height - 1, chain.block(chain.height - 1).header.hash())
    assert await ask(replace(settings, start=named), newest, late) == chain.height
