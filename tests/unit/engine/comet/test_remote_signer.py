"""The remote signer against a node that speaks CometBFT's signer protocol over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.clock import SystemClock
from bridge.codec.consensus import (
    BlockId,
    Proposal,
    Vote,
    VoteType,
    proposal_sign_bytes,
    recover_signer,
    vote_sign_bytes,
)
from bridge.codec.hash import keccak256
from node.engine.comet.framing import FrameReader, encode_frame
from node.engine.comet.remote_signer import REQUEST_BYTES_MAX, RemoteSigner
from node.engine.errors import WireError
from node.engine.proto import privval_pb2 as pb
from node.engine.proto import types_pb2 as types
from node.engine.wire_values import key_message, timestamp_message
from node.keys.private_key import PrivateKey
from node.keys.record import SigningRecord
from node.keys.ring import KeyRing
from node.keys.signer import Signer
from tests.unit.keys.helpers import ALICE, BOB, CHAIN_ID, GENESIS, new_record

STAND_IN = PrivateKey(keccak256(b"nobody's"))
NOW_NS = 1_700_000_000_123_456_789
BLOCK = BlockId(keccak256(b"block"), 3, keccak256(b"parts"))


@pytest.fixture
def record(tmp_path: Path) -> SigningRecord:
    return new_record(tmp_path / "signing.db")


def remote_signer(
    record: SigningRecord,
    *keys: PrivateKey,
    votes_with: PrivateKey | None = ALICE,
    socket: Path = Path("unused.sock"),
) -> RemoteSigner:
    named = None if votes_with is None else votes_with.address
    signer = Signer(KeyRing(keys), record, GENESIS, CHAIN_ID)
    return RemoteSigner(signer, socket, SystemClock(), lambda: named, STAND_IN.public_key)


def vote_message(**changes: object) -> types.Vote:
    fields: dict[str, object] = {
        "type": types.SIGNED_MSG_TYPE_PRECOMMIT,
        "height": 7,
        "round": 1,
        "block_id": block_id_message(),
        "timestamp": timestamp_message(NOW_NS),
        "validator_address": ALICE.address,
        "validator_index": 2,
    }
    return types.Vote(**(fields | changes))  # type: ignore[arg-type]  # checked by protobuf


def proposal_message(**changes: object) -> types.Proposal:
    fields: dict[str, object] = {
        "type": types.SIGNED_MSG_TYPE_PROPOSAL,
        "height": 7,
        "round": 1,
        "pol_round": -1,
        "block_id": block_id_message(),
        "timestamp": timestamp_message(NOW_NS),
    }
    return types.Proposal(**(fields | changes))  # type: ignore[arg-type]  # checked by protobuf


def block_id_message(block_id: BlockId = BLOCK) -> types.BlockID:
    parts = types.PartSetHeader(total=block_id.parts_total, hash=block_id.parts_hash)
    return types.BlockID(hash=block_id.hash, part_set_header=parts)


def ask_vote(message: types.Vote, chain_id: str = CHAIN_ID) -> bytes:
    return pb.Message(sign_vote_request=pb.SignVoteRequest(vote=message, chain_id=chain_id)).SerializeToString()


def ask_proposal(message: types.Proposal) -> bytes:
    request = pb.SignProposalRequest(proposal=message, chain_id=CHAIN_ID)
    return pb.Message(sign_proposal_request=request).SerializeToString()


def ask_key(chain_id: str = CHAIN_ID) -> bytes:
    return pb.Message(pub_key_request=pb.PubKeyRequest(chain_id=chain_id)).SerializeToString()


PING = pb.Message(ping_request=pb.PingRequest()).SerializeToString()


def answered(signer: RemoteSigner, request: bytes) -> pb.Message:
    return pb.Message.FromString(signer.answer(request))


# What is answered


def test_answer__a_vote_for_a_block__comes_back_signed_and_otherwise_as_it_was(record: SigningRecord) -> None:
    asked = vote_message()

    signed = answered(remote_signer(record, ALICE), ask_vote(asked)).signed_vote_response

    assert not signed.HasField("error")
    said = vote_sign_bytes(Vote(VoteType.PRECOMMIT, 7, 1, BLOCK, NOW_NS), CHAIN_ID)
    assert recover_signer(said, signed.vote.signature) == ALICE.address
    signed.vote.ClearField("signature")
    assert signed.vote == asked, "no signature of an extension, which our networks do not have"


def test_answer__a_vote_for_no_block__is_signed_for_none(record: SigningRecord) -> None:
    nil = types.BlockID(part_set_header=types.PartSetHeader())

    signed = answered(remote_signer(record, ALICE), ask_vote(vote_message(block_id=nil))).signed_vote_response

    said = vote_sign_bytes(Vote(VoteType.PRECOMMIT, 7, 1, None, NOW_NS), CHAIN_ID)
    assert recover_signer(said, signed.vote.signature) == ALICE.address


def test_answer__a_vote_again_at_another_time__has_the_first_time(record: SigningRecord) -> None:
    signer = remote_signer(record, ALICE)
    first = signer.answer(ask_vote(vote_message()))

    again = signer.answer(ask_vote(vote_message(timestamp=timestamp_message(NOW_NS + 9))))

    assert again == first


def test_answer__a_proposal__is_signed_with_the_key_that_was_named_last(record: SigningRecord) -> None:
    signer = remote_signer(record, ALICE, BOB, votes_with=BOB)
    key = answered(signer, ask_key()).pub_key_response

    signed = answered(signer, ask_proposal(proposal_message())).signed_proposal_response

    assert key.pub_key == key_message(BOB.public_key)
    said = proposal_sign_bytes(Proposal(7, 1, -1, BLOCK, NOW_NS), CHAIN_ID)
    assert recover_signer(said, signed.proposal.signature) == BOB.address


def test_answer__a_vote_with_the_old_key_after_a_change__is_signed_with_that(record: SigningRecord) -> None:
    """CometBFT asks for the key once a height, and may lag behind."""
    signer = remote_signer(record, ALICE, BOB, votes_with=BOB)

    signed = answered(signer, ask_vote(vote_message(validator_address=ALICE.address))).signed_vote_response

    said = vote_sign_bytes(Vote(VoteType.PRECOMMIT, 7, 1, BLOCK, NOW_NS), CHAIN_ID)
    assert recover_signer(said, signed.vote.signature) == ALICE.address


@pytest.mark.parametrize(
    ("held", "votes_with", "named"),
    [((ALICE, BOB), BOB, BOB), ((ALICE, BOB), None, ALICE), ((), None, STAND_IN)],
)
def test_answer__who_votes__is_the_set_s_key_else_the_first_else_a_stand_in(
    record: SigningRecord, held: tuple[PrivateKey, ...], votes_with: PrivateKey | None, named: PrivateKey
) -> None:
    key = answered(remote_signer(record, *held, votes_with=votes_with), ask_key()).pub_key_response

    assert key.pub_key == key_message(named.public_key)


def test_answer__of_a_node_without_keys__signs_nothing(record: SigningRecord) -> None:
    signer = remote_signer(record, votes_with=None)
    assert answered(signer, ask_key()).pub_key_response.pub_key

    vote = answered(signer, ask_vote(vote_message(validator_address=STAND_IN.address))).signed_vote_response
    proposal = answered(signer, ask_proposal(proposal_message())).signed_proposal_response

    for refused in (vote.error, proposal.error):
        assert refused.description.startswith("KEY_NOT_HELD")


def test_answer__ping__is_a_ping(record: SigningRecord) -> None:
    assert answered(remote_signer(record, ALICE), PING).WhichOneof("sum") == "ping_response"


def test_answer__refused_by_the_guard__is_an_error_with_its_code_and_no_signature(record: SigningRecord) -> None:
    signer = remote_signer(record, ALICE)
    signer.answer(ask_vote(vote_message()))

    other = vote_message(block_id=block_id_message(BlockId(keccak256(b"other"), 1, keccak256(b"parts"))))
    refused = answered(signer, ask_vote(other)).signed_vote_response

    assert refused.error.description.startswith("DOUBLE_SIGN_REFUSED: vote 7/1/3 of votes/test-network/0x")
    assert not refused.vote.signature
    assert signer.last_refusal == refused.error.description
    signer.answer(ask_vote(vote_message(height=8)))
    assert signer.last_refusal is None


# What is refused

BAD_VOTES: dict[str, dict[str, object]] = {
    "type of a proposal": {"type": types.SIGNED_MSG_TYPE_PROPOSAL},
    "no type": {"type": types.SIGNED_MSG_TYPE_UNKNOWN},
    "height 0": {"height": 0},
    "negative height": {"height": -1},
    "negative round": {"round": -1},
    "half a block id": {"block_id": types.BlockID(hash=BLOCK.hash)},
    "block id of no parts": {
        "block_id": types.BlockID(hash=BLOCK.hash, part_set_header=types.PartSetHeader(hash=BLOCK.parts_hash))
    },
    "short hash": {
        "block_id": types.BlockID(
            hash=BLOCK.hash[1:], part_set_header=types.PartSetHeader(total=1, hash=BLOCK.parts_hash)
        )
    },
    "extension": {"extension": b"price of gold"},
    "signature of an extension": {"extension_signature": bytes(65)},
    "short address": {"validator_address": ALICE.address[1:]},
    "negative index": {"validator_index": -1},
    "time before 1970": {"timestamp": timestamp_message(-1)},
    "time beyond reason": {"timestamp": timestamp_message((1 << 33) * 10**9)},
}


@pytest.mark.parametrize("changes", BAD_VOTES.values(), ids=BAD_VOTES)
def test_answer__a_vote_that_cannot_be__refused_and_nothing_taken(
    record: SigningRecord, changes: dict[str, object]
) -> None:
    refused = answered(remote_signer(record, ALICE), ask_vote(vote_message(**changes))).signed_vote_response

    assert refused.error.description.startswith("ENGINE_MESSAGE_MALFORMED")
    assert record.tables.votes.all() == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"type": types.SIGNED_MSG_TYPE_PREVOTE},
        {"height": 0},
        {"round": -1},
        {"pol_round": -2},
        {"pol_round": 1},
        {"block_id": types.BlockID()},
    ],
)
def test_answer__a_proposal_that_cannot_be__refused_and_nothing_taken(
    record: SigningRecord, changes: dict[str, object]
) -> None:
    refused = answered(remote_signer(record, ALICE), ask_proposal(proposal_message(**changes)))

    assert refused.signed_proposal_response.error.description.startswith("ENGINE_MESSAGE_MALFORMED")
    assert record.tables.votes.all() == ()


def test_answer__of_another_network__refused(record: SigningRecord) -> None:
    signer = remote_signer(record, ALICE)

    assert "'elsewhere'" in answered(signer, ask_key("elsewhere")).pub_key_response.error.description
    assert (
        "'elsewhere'" in answered(signer, ask_vote(vote_message(), "elsewhere")).signed_vote_response.error.description
    )


@pytest.mark.parametrize("garbage", [b"", b"\xff\xff", pb.Message(ping_response=pb.PingResponse()).SerializeToString()])
def test_answer__no_request__raises(record: SigningRecord, garbage: bytes) -> None:
    with pytest.raises(WireError):
        remote_signer(record, ALICE).answer(garbage)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200))
def test_answer__any_bytes__an_answer_or_a_named_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    signer = remote_signer(new_record(tmp_path_factory.mktemp("any") / "signing.db"), ALICE)

    with suppress(WireError):
        assert answered(signer, data).WhichOneof("sum")


# Over the socket


class Node:
    """The node's end: it listens, and asks whoever dials."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._dialled: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        self._path.unlink(missing_ok=True)  # as whoever starts a node does

        async def dialled(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._dialled.put((reader, writer))

        async with await asyncio.start_unix_server(dialled, self._path):
            yield

    async def accept(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await self._dialled.get()


@asynccontextmanager
async def running(signer: RemoteSigner) -> AsyncIterator[None]:
    task = asyncio.create_task(signer.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_run__before_the_node_and_over_its_restart__dials_and_answers(
    record: SigningRecord, tmp_path: Path
) -> None:
    path = tmp_path / "signer.sock"
    node, signer = Node(path), remote_signer(record, ALICE, socket=path)
    async with running(signer):
        for _ in range(2):
            async with node.listening():
                signer.dial()
                reader, writer = await node.accept()
                writer.write(encode_frame(PING) + encode_frame(ask_key()))
                frames = FrameReader(reader)
                answers = await frames.read()
                while len(answers) < 2:
                    answers += await frames.read()
                assert [pb.Message.FromString(one).WhichOneof("sum") for one in answers] == [
                    "ping_response",
                    "pub_key_response",
                ]
                assert signer.is_connected
                writer.close()
            path.touch()  # a killed node leaves its socket; nobody listens on it
    assert not signer.is_connected


@pytest.mark.parametrize("garbage", [encode_frame(b"\xff\xff"), encode_frame(bytes(REQUEST_BYTES_MAX + 1))])
async def test_run__garbage__closes_and_dials_again(record: SigningRecord, tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "signer.sock"
    node = Node(path)
    async with node.listening(), running(remote_signer(record, ALICE, socket=path)):
        reader, writer = await node.accept()
        writer.write(garbage)
        assert await reader.read() == b""
        writer.close()

        reader, writer = await node.accept()
        writer.write(encode_frame(PING))
        assert await FrameReader(reader).read()
        writer.close()
