"""ABCI's bytes: samples taken from a running CometBFT v0.40.0, and every message there and back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.codec.consensus import BlockIdFlag
from bridge.codec.types import Address, Hash32, PublicKey
from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    ApplySnapshotChunkResult,
    CheckTxRequest,
    CheckTxResponse,
    CheckTxType,
    CommitResponse,
    CommitVote,
    Event,
    EventAttribute,
    ExecTxResult,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    ListSnapshotsResponse,
    LoadSnapshotChunkRequest,
    LoadSnapshotChunkResponse,
    Misbehavior,
    MisbehaviorType,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
    OfferSnapshotResult,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    ProposalStatus,
    QueryRequest,
    QueryResponse,
    Snapshot,
    ValidatorUpdate,
)
from node.engine import convert
from node.engine.convert import CommitRequest, InfoRequest, Request, Response
from node.engine.errors import WireError
from node.engine.proto import abci_pb2 as pb
from node.engine.proto import generate, require_fast_protobuf
from node.engine.wire_snapshots import ListSnapshotsRequest
from tests.unit.engine.network import key

heights = st.integers(0, 2**63 - 1)
times_ns = st.integers(0, 2**62)
transactions = st.lists(st.binary(max_size=40), max_size=4).map(tuple)
hashes = st.binary(min_size=32, max_size=32).map(Hash32)
addresses = st.binary(min_size=20, max_size=20).map(Address)
texts = st.text(max_size=12)
updates = st.lists(
    st.builds(ValidatorUpdate, st.integers(0, 9).map(key), st.integers(-(2**63), 2**63 - 1)), max_size=4
).map(tuple)
events = st.lists(
    st.builds(Event, texts, st.lists(st.builds(EventAttribute, texts, texts), max_size=3).map(tuple)), max_size=3
).map(tuple)
results = st.lists(st.builds(ExecTxResult, st.integers(0, 2**32 - 1), texts, texts, events), max_size=3).map(tuple)

powers = st.integers(-(2**63), 2**63 - 1)
votes = st.lists(st.builds(CommitVote, addresses, powers, st.sampled_from(BlockIdFlag)), max_size=3).map(tuple)
misbehaviors = st.lists(
    st.builds(Misbehavior, st.sampled_from(MisbehaviorType), addresses, powers, heights, times_ns, powers), max_size=3
).map(tuple)
numbers = st.integers(0, 2**32 - 1)
snapshots = st.builds(
    Snapshot, st.integers(0, 2**64 - 1), numbers, numbers, st.binary(max_size=40), st.binary(max_size=40)
)

requests: st.SearchStrategy[Request] = st.one_of(
    st.builds(InfoRequest, texts, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), texts),
    st.builds(InitChainRequest, texts, times_ns, heights, updates),
    st.builds(CheckTxRequest, st.binary(max_size=40), st.sampled_from(CheckTxType)),
    st.builds(PrepareProposalRequest, heights, transactions, heights, times_ns, addresses),
    st.builds(ProcessProposalRequest, transactions, heights, times_ns, hashes, addresses),
    st.builds(FinalizeBlockRequest, transactions, heights, times_ns, hashes, addresses, votes, misbehaviors),
    st.just(CommitRequest()),
    st.builds(QueryRequest, texts, st.binary(max_size=40), heights, st.booleans()),
    st.just(ListSnapshotsRequest()),
    st.builds(OfferSnapshotRequest, snapshots, st.binary(max_size=40)),
    st.builds(LoadSnapshotChunkRequest, st.integers(0, 2**64 - 1), numbers, numbers),
    st.builds(ApplySnapshotChunkRequest, numbers, st.binary(max_size=40), texts),
)
responses: st.SearchStrategy[Response] = st.one_of(
    st.builds(InfoResponse, texts, st.integers(0, 2**64 - 1), heights, st.one_of(st.just(b""), hashes), texts),
    st.builds(InitChainResponse, updates, hashes),
    st.builds(CheckTxResponse, st.integers(0, 2**32 - 1), texts),
    st.builds(PrepareProposalResponse, transactions),
    st.builds(ProcessProposalResponse, st.sampled_from(ProposalStatus)),
    st.builds(FinalizeBlockResponse, results, updates, hashes, events),
    st.builds(CommitResponse, heights),
    st.builds(
        QueryResponse,
        st.integers(0, 2**32 - 1),
        texts,
        st.binary(max_size=40),
        st.binary(max_size=40),
        heights,
        st.lists(hashes, max_size=4).map(tuple),
    ),
    st.builds(ListSnapshotsResponse, st.lists(snapshots, max_size=3).map(tuple)),
    st.builds(OfferSnapshotResponse, st.sampled_from(OfferSnapshotResult)),
    st.builds(LoadSnapshotChunkResponse, st.binary(max_size=40)),
    st.builds(
        ApplySnapshotChunkResponse,
        st.sampled_from(ApplySnapshotChunkResult),
        st.lists(numbers, max_size=3).map(tuple),
        st.lists(texts, max_size=3).map(tuple),
    ),
)


@pytest.mark.parametrize(
    ("request_", "sample"),
    [
        (InfoRequest("0.39.0"), "1a130a06302e33392e30100b18082205322e302e30"),
        (CheckTxRequest(b"a=1"), "42050a03613d31"),
        (CommitRequest(), "5a00"),
    ],
)
def test_request__seen_on_the_wire_of_cometbft__has_the_same_bytes(request_: Request, sample: str) -> None:
    assert convert.request_to_bytes(request_).hex() == sample
    assert convert.request_from_bytes(bytes.fromhex(sample)) == request_


def test_response__to_commit__has_the_bytes_seen_on_the_wire_of_cometbft() -> None:
    assert convert.response_to_bytes(CommitResponse(0)).hex() == "6200"


def test_envelope__of_a_decided_block__has_its_own_number_in_each_direction() -> None:
    assert pb.Request.DESCRIPTOR.fields_by_name["finalize_block"].number == 20
    assert pb.Response.DESCRIPTOR.fields_by_name["finalize_block"].number == 21
    assert pb.Response.DESCRIPTOR.fields_by_name["exception"].number == 1


@given(requests)
@settings(max_examples=100, deadline=None)
def test_request__of_any_kind__comes_back_as_it_went(request_: Request) -> None:
    assert convert.request_from_bytes(convert.request_to_bytes(request_)) == request_


@given(responses)
@settings(max_examples=100, deadline=None)
def test_response__of_any_kind__comes_back_as_it_went(response: Response) -> None:
    assert convert.response_from_bytes(convert.response_to_bytes(response)) == response


def test_validator_update__on_the_wire__is_a_compressed_secp256k1eth_key() -> None:
    response = InitChainResponse((ValidatorUpdate(key(0), 5),), Hash32(bytes(32)))
    message = pb.Response.FromString(convert.response_to_bytes(response)).init_chain.validators[0]
    # The generator of the curve: the public key of the private key 1, whose y is even.
    generator_x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    assert message.pub_key.secp256k1eth.hex() == "02" + generator_x
    assert message.power == 5


def test_decided_block__with_votes_and_misbehaviour__has_them_and_passes_over_what_we_do_not_read() -> None:
    block = pb.RequestFinalizeBlock(
        txs=[b"a"],
        decided_last_commit=pb.CommitInfo(
            votes=[
                pb.VoteInfo(validator=pb.Validator(address=bytes(20), power=3), block_id_flag="BLOCK_ID_FLAG_COMMIT")
            ]
        ),
        misbehavior=[
            pb.Misbehavior(
                type="DUPLICATE_VOTE",
                validator=pb.Validator(address=b"\x01" * 20, power=4),
                height=3,
                time={"seconds": 5, "nanos": 6},
                total_voting_power=9,
            )
        ],
        height=7,
        proposer_address=bytes(20),
        next_validators_hash=bytes(32),
    )
    request = convert.request_from_bytes(pb.Request(finalize_block=block).SerializeToString())
    votes = (CommitVote(Address(bytes(20)), 3, BlockIdFlag.COMMIT),)
    evidence = Misbehavior(MisbehaviorType.DUPLICATE_VOTE, Address(b"\x01" * 20), 4, 3, 5_000_000_006, 9)
    assert request == FinalizeBlockRequest((b"a",), 7, 0, b"", Address(bytes(20)), votes, (evidence,))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xff",
        pb.Request(echo=pb.RequestEcho(message="hello")).SerializeToString(),
        pb.Request(finalize_block=pb.RequestFinalizeBlock(proposer_address=bytes(19))).SerializeToString(),
        pb.Request(init_chain=pb.RequestInitChain(validators=[pb.ValidatorUpdate(power=3)])).SerializeToString(),
        bytes.fromhex("42021007"),  # CheckTx of a type that does not exist
        pb.Request(
            finalize_block=pb.RequestFinalizeBlock(proposer_address=bytes(20), misbehavior=[pb.Misbehavior()])
        ).SerializeToString(),
        pb.Request(
            finalize_block=pb.RequestFinalizeBlock(
                proposer_address=bytes(20), decided_last_commit={"votes": [{"validator": {"address": bytes(20)}}]}
            )
        ).SerializeToString(),
    ],
)
def test_request__of_bytes_that_are_none_of_ours__is_refused(data: bytes) -> None:
    with pytest.raises(WireError):
        convert.request_from_bytes(data)


@pytest.mark.parametrize(
    "message",
    [
        pb.Response(),
        pb.Response(exception=pb.ResponseException(error="broken")),
        pb.Response(process_proposal=pb.ResponseProcessProposal()),
        pb.Response(init_chain=pb.ResponseInitChain(app_hash=bytes(31))),
        pb.Response(query=pb.ResponseQuery(proof_ops={"ops": [{"data": bytes(33)}]})),
        pb.Response(offer_snapshot=pb.ResponseOfferSnapshot()),
        pb.Response(apply_snapshot_chunk=pb.ResponseApplySnapshotChunk(result="UNKNOWN")),
    ],
)
def test_response__that_our_application_never_gives__is_refused(message: pb.Response) -> None:
    with pytest.raises(WireError):
        convert.response_from_bytes(message.SerializeToString())


def test_validator_update__with_a_key_off_the_curve__cannot_leave() -> None:
    response = InitChainResponse((ValidatorUpdate(PublicKey(b"\x01" * 64), 5),), Hash32(bytes(32)))
    with pytest.raises(WireError, match="no point of the curve"):
        convert.response_to_bytes(response)


def test_proto__with_the_pure_python_back_end__no_engine_starts_on_it() -> None:
    require_fast_protobuf()
    result = subprocess.run(
        [sys.executable, "-c", "from node.engine.proto import require_fast_protobuf; require_fast_protobuf()"],
        env=os.environ | {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode != 0
    assert "ProtobufSlowError: protobuf runs on its back end 'python'" in result.stderr
    assert "unset PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION" in result.stderr


def test_stubs__made_again_from_the_proto_files__are_the_committed_ones(tmp_path: Path) -> None:
    assert generate.generate(tmp_path) == 0
    made = {path.name: path.read_text() for path in (tmp_path / "node/engine/proto").iterdir()}
    assert len(made) == 8
    for name, text in made.items():
        assert (generate.HERE / name).read_text() == text, name
