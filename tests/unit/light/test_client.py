"""The light client against nodes that listen: it believes what is proved, and names what is not."""

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.codec.state_proof import decode_log_proof, encode_log_proof
from bridge.light.client import ATTEMPTS_MAX, HEADERS_MAX, LightClient
from bridge.light.errors import (
    HeaderForged,
    HeadersDiffer,
    LightError,
    NodeBehind,
    NotShown,
    ProofForged,
    SourceFailed,
    TooManySteps,
    TrustExpired,
    WitnessesSilent,
)
from bridge.light.trust import TrustRules, trust_in
from node.app.history import CHECKPOINT_LOG, CheckpointEntry, decode_entry
from tests.unit.light.chain import Chain, member, members, sign_header
from tests.unit.light.network import AgreedNetwork, Node, SteppingClock, b64, commit_json, light_client

FOUR = members(4)


def grown(blocks: int = 10) -> Chain:
    """A chain of four validators."""
    chain = Chain(FOUR)
    chain.grow(blocks)
    return chain


def forked(chain: Chain, height: int, app_hash: bytes = b"\x07" * 32) -> Chain:
    """The same chain up to a height, and from there another that the same validators signed too."""
    fork = Chain(FOUR)
    fork.grow(height - 1)
    while fork.height < chain.height:
        fork.add(app_hash)
    return fork


# --- headers


async def test_newest__of_a_long_chain_of_the_same_validators__takes_one_header() -> None:
    node = Node(grown(500))
    async with light_client(node.chain.genesis, node) as client:
        agreed = await client.newest()
    assert (agreed.header.height, agreed.signed.power, agreed.signed.total) == (500, 40, 40)
    assert client.trusted == trust_in(node.chain.block(500))
    assert node.asked == ["commit", "validators"]


async def test_newest__asked_again__goes_on_from_what_is_trusted() -> None:
    node = Node(grown(3))
    async with light_client(node.chain.genesis, node) as client:
        await client.newest()
        assert (await client.newest()).header.height == 3
        node.chain.grow(4)
        client._clock.advance(10)  # type: ignore[attr-defined]
        assert (await client.newest()).header.height == 7


async def test_newest__validators_all_changed_on_the_way__is_found_by_bisection() -> None:
    chain = Chain(FOUR)
    for number in range(60):
        chain.add(then=members(4, first=number // 10 * 2))
    node = Node(chain)
    async with light_client(chain.genesis, node) as client:
        assert (await client.newest()).header.height == 60
    assert 2 < node.asked.count("commit") < 25


async def test_newest__a_set_that_changes_whole_every_block__ends_at_the_limit() -> None:
    chain = Chain(FOUR)
    for number in range(HEADERS_MAX + 60):
        chain.add(then=[member(1_000 + number)])
    async with light_client(chain.genesis, Node(chain)) as client:
        with pytest.raises(TooManySteps):
            await client.newest()
        assert client.trusted == chain.genesis
    short = Chain(FOUR)
    for number in range(HEADERS_MAX - 60):
        short.add(then=[member(1_000 + number)])
    async with light_client(short.genesis, Node(short)) as client:
        assert (await client.newest()).header.height == short.height


async def test_newest__a_hundred_and_fifty_validators__come_in_pages() -> None:
    chain = Chain(members(150))
    chain.grow(2)
    node = Node(chain)
    async with light_client(chain.genesis, node) as client:
        assert (await client.newest()).signed.total == 1_500
    assert node.asked.count("validators") == 2


async def test_newest__a_node_that_is_behind_what_is_known__is_named() -> None:
    chain = grown(10)
    async with light_client(trust_in(chain.block(10)), Node(grown(9))) as client:
        with pytest.raises(NodeBehind):
            await client.newest()


async def test_newest__another_header_where_one_is_trusted__is_named() -> None:
    chain = grown(10)
    async with light_client(trust_in(chain.block(10)), Node(forked(chain, 5))) as client:
        with pytest.raises(HeadersDiffer):
            await client.newest()


async def test_newest__trust_that_expired__is_not_gone_on_from() -> None:
    chain = grown(10)
    clock = SteppingClock(chain.time_ns + 3_600 * 10**9)
    async with light_client(chain.genesis, Node(chain), clock=clock, rules=TrustRules(3_600)) as client:
        with pytest.raises(TrustExpired):
            await client.newest()


async def test_newest__a_forged_commit__moves_no_trust() -> None:
    chain = grown(10)
    chain.blocks[-1] = sign_header(chain.blocks[-1].header, FOUR, silent=FOUR[:2])
    async with light_client(chain.genesis, Node(chain)) as client:
        with pytest.raises(HeaderForged, match="20 of 40"):
            await client.newest()
        assert client.trusted == chain.genesis


# --- witnesses


async def test_newest__witnesses_that_show_the_same__are_counted() -> None:
    chain = grown(10)
    async with light_client(chain.genesis, Node(chain), Node(chain), Node(grown(3))) as client:
        assert (await client.newest()).witnesses == 1


async def test_newest__a_witness_that_shows_another_header__is_named_and_moves_no_trust() -> None:
    chain = grown(10)
    async with light_client(chain.genesis, Node(chain), Node(chain), Node(forked(chain, 10))) as client:
        with pytest.raises(HeadersDiffer, match=r"header 10 .*127\.0\.0\.1:[0-9]+#2"):
            await client.newest()
        assert client.trusted == chain.genesis


async def test_newest__a_witness_two_blocks_behind__is_waited_for() -> None:
    chain, witness = grown(10), Node(grown(8))
    clock = SteppingClock(chain.time_ns, then=lambda: witness.chain.grow(1))
    async with light_client(chain.genesis, Node(chain), witness, clock=clock) as client:
        assert (await client.newest()).witnesses == 1


async def test_newest__witnesses_that_all_keep_silent__are_an_error() -> None:
    chain = grown(10)
    async with light_client(chain.genesis, Node(chain), Node(grown(3))) as client:
        with pytest.raises(WitnessesSilent):
            await client.newest()


# --- the state


@pytest.fixture(scope="module")
def network() -> AgreedNetwork:
    """A network with two checkpoints, and a block after the last change."""
    made = AgreedNetwork()
    made.checkpoint()
    made.checkpoint()
    made.empty_blocks(3)
    return made


def client_of(network: AgreedNetwork, tamper: Callable[[str, dict[str, Any], Any], Any] | None = None) -> Any:
    """A client of one node of the network."""
    node = Node(network.chain, network.app)
    node.tamper = tamper or node.tamper
    return light_client(network.chain.genesis, node)


async def test_section__of_an_idle_network__leads_to_the_newest_header(network: AgreedNetwork) -> None:
    async with client_of(network) as client:
        proven = await client.section("turns")
    assert proven.contents == network.app._hashed.section("turns").contents  # type: ignore[union-attr]
    assert proven.agreed.header.height == network.chain.height


async def test_checkpoint_entry__with_its_proof__is_the_entry_of_the_log(network: AgreedNetwork) -> None:
    async with client_of(network) as client:
        proven = await client.checkpoint_entry(CHECKPOINT_LOG, 0, 20_000)
        same = await client.log_entry(CHECKPOINT_LOG, proven.index)
    entry = decode_entry(proven.entry)
    assert isinstance(entry, CheckpointEntry)
    assert entry.header_id == 20_000
    assert same.entry == proven.entry


async def test_section__just_committed__is_waited_for_until_a_header_names_it() -> None:
    network = AgreedNetwork()
    network.empty_blocks(3)
    network.report_heads(5)
    clock = SteppingClock(network.chain.time_ns + 10**9, then=lambda: network.empty_blocks(1))
    node = Node(network.chain, network.app)
    async with light_client(network.chain.genesis, node, clock=clock) as client:
        proven = await client.section("tallies")
    assert clock.sleeps == 1
    assert proven.agreed.header.height == 5


async def test_section__that_no_header_ever_names__ends_at_the_limit() -> None:
    network = AgreedNetwork()
    network.empty_blocks(3)
    network.report_heads(5)
    clock = SteppingClock(network.chain.time_ns + 10**9)
    async with light_client(network.chain.genesis, Node(network.chain, network.app), clock=clock) as client:
        with pytest.raises(ProofForged):
            await client.section("tallies")
    assert clock.sleeps == ATTEMPTS_MAX - 1


def forged(name: str, change: Callable[[bytes], bytes]) -> Callable[[str, dict[str, Any], Any], Any]:
    """A node that changes the bytes of a field of its answers to queries."""

    def tamper(method: str, _params: dict[str, Any], result: Any) -> Any:
        if method == "abci_query":
            field = result["response"] if name == "value" else result["response"]["proofOps"]["ops"][0]
            field[name] = b64(change(base64.b64decode(field[name])))
        return result

    return tamper


def another_entry(value: bytes) -> bytes:
    """A log proof whose entry has one bit changed."""
    proof = decode_log_proof(value)
    return encode_log_proof(replace(proof, entry=proof.entry[:-1] + bytes((proof.entry[-1] ^ 1,))))


def another_index(value: bytes) -> bytes:
    """A log proof for the place before."""
    proof = decode_log_proof(value)
    return encode_log_proof(replace(proof, index=proof.index - 1))


def no_siblings(value: bytes) -> bytes:
    """A log proof without its siblings."""
    return encode_log_proof(replace(decode_log_proof(value), siblings=()))


def flipped(value: bytes) -> bytes:
    """One bit changed at the end."""
    return value[:-1] + bytes((value[-1] ^ 1,))


@pytest.mark.parametrize(
    "tamper",
    [
        *(forged("value", change) for change in (another_entry, another_index, no_siblings, flipped, lambda _: b"")),
        *(forged("data", change) for change in (flipped, lambda data: data[32:], lambda data: data + bytes(32))),
    ],
)
async def test_log_entry__forged_in_one_part__is_not_believed(
    network: AgreedNetwork, tamper: Callable[[str, dict[str, Any], Any], Any]
) -> None:
    async with client_of(network, tamper) as client:
        with pytest.raises(ProofForged):
            await client.log_entry(CHECKPOINT_LOG, 1)


async def test_log_entry__another_than_asked_for__is_not_believed(network: AgreedNetwork) -> None:
    other = Node(network.chain, network.app).answer("abci_query", {"path": "/logs/checkpoints/0"})
    async with client_of(
        network, lambda method, _params, result: other if method == "abci_query" else result
    ) as client:
        with pytest.raises(ProofForged, match="asked for entry 1"):
            await client.log_entry(CHECKPOINT_LOG, 1)


async def test_section__of_the_state_under_another_header__is_not_believed() -> None:
    """The node shows the newest state and says that it is an older one's, which another app hash stands for."""
    network = AgreedNetwork()
    network.empty_blocks(3)
    network.report_heads(5)
    network.empty_blocks(1)

    def older(method: str, _params: dict[str, Any], result: Any) -> Any:
        if method == "abci_query":
            result["response"]["height"] = "2"
        return result

    node = Node(network.chain, network.app)
    node.tamper = older
    async with light_client(network.chain.genesis, node) as client:
        with pytest.raises(ProofForged, match="header 3"):
            await client.section("tallies")


async def test_section__app_hash_of_a_header_forged__is_not_believed(network: AgreedNetwork) -> None:
    def tamper(method: str, _params: dict[str, Any], result: Any) -> Any:
        if method == "commit":
            result["signed_header"]["header"]["app_hash"] = "AB" * 32
        return result

    async with client_of(network, tamper) as client:
        with pytest.raises(HeaderForged, match="another block"):
            await client.section("turns")


async def test_section__of_a_chain_that_other_validators_signed__is_not_believed(network: AgreedNetwork) -> None:
    """Nobody who is trusted signed it, however well it fits together."""
    forgers = Chain(members(4, first=40), chain_id=network.genesis.name)
    for block in network.chain.blocks:
        forgers.add(block.header.app_hash, time_ns=block.header.time_ns)
    async with light_client(network.chain.genesis, Node(forgers, network.app)) as client:
        with pytest.raises(LightError) as caught:
            await client.section("turns")
    assert caught.type in {HeaderForged, TooManySteps}


async def test_section__unknown_to_the_node__is_not_shown(network: AgreedNetwork) -> None:
    async with client_of(network) as client:
        with pytest.raises(NotShown):
            await client.checkpoint_entry(CHECKPOINT_LOG, 0, 990_000)


async def test_log_entry__while_the_node_reads_its_log__is_asked_for_again(network: AgreedNetwork) -> None:
    unready = iter((2, 2, 0))

    def tamper(method: str, _params: dict[str, Any], result: Any) -> Any:
        if method == "abci_query" and (code := next(unready)):
            return {"response": {"code": code, "log": "ask again", "height": "1"}}
        return result

    async with client_of(network, tamper) as client:
        assert (await client.log_entry(CHECKPOINT_LOG, 0)).index == 0


# --- answers of the wrong form


def answered(result: Any) -> Callable[[str, dict[str, Any], Any], Any]:
    """A node that answers every call like that."""
    return lambda _method, _params, _result: result


def changed(place: tuple[str | int, ...], value: Any) -> Any:
    """The answer to `commit`, with another value at a place."""
    document: Any = commit_json(grown(1).block(1))
    inner = document["signed_header"]
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return document


@pytest.mark.parametrize(
    "result",
    [
        *([], {}, "x", 5, {"signed_header": None}, {"signed_header": {"header": {}, "commit": {}}}),
        changed(("header", "height"), 5),
        changed(("header", "height"), "05"),
        changed(("header", "height"), str(2**63)),
        changed(("header", "time"), "2023-11-14T22:13:20+00:00"),
        changed(("header", "time"), "2023-13-14T22:13:20Z"),
        changed(("header", "chain_id"), "x" * 51),
        changed(("header", "chain_id"), "\x1b[2J"),
        changed(("header", "validators_hash"), "AB" * 31),
        changed(("header", "validators_hash"), ""),
        changed(("header", "app_hash"), "0x" + "AB" * 31),
        changed(("header", "app_hash"), "AB" * 65),
        changed(("header", "proposer_address"), ""),
        changed(("header", "last_block_id"), {"hash": "AB" * 32, "parts": {"total": 0, "hash": ""}}),
        changed(("commit", "round"), -1),
        changed(("commit", "round"), True),
        changed(("commit", "block_id"), {"hash": "", "parts": {"total": 0, "hash": ""}}),
        changed(("commit", "signatures"), [None]),
        changed(("commit", "signatures"), [{}] * 10_001),
        changed(("commit", "signatures", 0, "block_id_flag"), 4),
        changed(("commit", "signatures", 0, "signature"), "not base64!"),
        changed(("commit", "signatures", 0, "signature"), b64(bytes(200))),
        changed(("commit", "signatures", 0, "validator_address"), "AB"),
    ],
)
async def test_newest__an_answer_of_the_wrong_form__is_the_nodes_failure(result: Any) -> None:
    node = Node(grown(1))
    node.tamper = answered(result)
    async with light_client(node.chain.genesis, node) as client:
        with pytest.raises(SourceFailed):
            await client.newest()


@pytest.mark.parametrize(
    "change",
    [
        {"total": "0"},
        {"total": "10001"},
        {"total": "3"},
        {"total": "5"},
        {"validators": []},
        {"validators": [{"pub_key": {"type": "tendermint/PubKeyEd25519", "value": b64(bytes(32))}}]},
        {"validators": [{"pub_key": {"type": "tendermint/PubKeySecp256k1eth", "value": b64(bytes(33))}}]},
    ],
)
async def test_newest__pages_of_validators_that_make_no_set__are_the_nodes_failure(change: dict[str, Any]) -> None:
    node = Node(grown(1))
    node.tamper = lambda method, _params, result: {**result, **change} if method == "validators" else result
    async with light_client(node.chain.genesis, node) as client:
        with pytest.raises((SourceFailed, HeaderForged)):
            await client.newest()


async def test_newest__another_height_than_asked_for__is_the_nodes_failure() -> None:
    chain = Chain(FOUR)
    chain.add(then=members(4, first=50))
    chain.grow(9)
    node = Node(chain)
    node.tamper = lambda method, params, result: (
        commit_json(chain.block(3)) if method == "commit" and "height" in params else result
    )
    async with light_client(chain.genesis, node) as client:
        with pytest.raises(SourceFailed, match="asked for header 5"):
            await client.newest()


async def test_newest__a_node_that_is_not_there__is_the_nodes_failure() -> None:
    node = Node(grown(1))
    client: LightClient
    async with light_client(node.chain.genesis, node) as client:
        node.chain.blocks.clear()
        with pytest.raises(SourceFailed, match="HTTP status 500"):
            await client.newest()
