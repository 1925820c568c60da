"""node.app's ABCI values from and to the protobuf bytes that engines speak.

What the application has no use for (a proposal's votes, consensus parameters) is not sent by us and is passed over when
CometBFT sends it. Public keys travel compressed, as `secp256k1eth`; times as seconds and nanoseconds.
"""

from dataclasses import dataclass
from typing import TypeAlias

from google.protobuf.message import DecodeError

from node.app.abci import (
    CheckTxRequest,
    CheckTxResponse,
    CheckTxType,
    CommitResponse,
    FinalizeBlockRequest,
    FinalizeBlockResponse,
    InfoResponse,
    InitChainRequest,
    InitChainResponse,
    PrepareProposalRequest,
    PrepareProposalResponse,
    ProcessProposalRequest,
    ProcessProposalResponse,
    ProposalStatus,
    QueryRequest,
    QueryResponse,
)
from node.engine.errors import WireError
from node.engine.proto import abci_pb2 as pb
from node.engine.wire_snapshots import (
    SnapshotRequest,
    SnapshotResponse,
    snapshot_request_message,
    snapshot_request_of,
    snapshot_response_message,
    snapshot_response_of,
)
from node.engine.wire_values import (
    app_hash_of,
    enum_member,
    event_message,
    event_of,
    misbehavior_message,
    misbehavior_of,
    proof_message,
    proof_of,
    result_message,
    result_of,
    time_ns_of,
    timestamp_message,
    update_message,
    update_of,
    validator_address_of,
    vote_message,
    vote_of,
)


@dataclass(frozen=True, slots=True)
class InfoRequest:
    """Asks where the application stands; the versions are the engine's."""

    version: str = ""
    block_version: int = 11
    p2p_version: int = 8
    abci_version: str = "2.0.0"


@dataclass(frozen=True, slots=True)
class CommitRequest:
    """Asks for the executed block to be made durable."""


Request: TypeAlias = (
    InfoRequest
    | InitChainRequest
    | CheckTxRequest
    | PrepareProposalRequest
    | ProcessProposalRequest
    | FinalizeBlockRequest
    | CommitRequest
    | QueryRequest
    | SnapshotRequest
)
Response: TypeAlias = (
    InfoResponse
    | InitChainResponse
    | CheckTxResponse
    | PrepareProposalResponse
    | ProcessProposalResponse
    | FinalizeBlockResponse
    | CommitResponse
    | QueryResponse
    | SnapshotResponse
)


def request_to_bytes(request: Request) -> bytes:
    """The encoded Request. Raises WireError for a public key that is no point of the curve."""
    return _request_message(request).SerializeToString(deterministic=True)


def request_from_bytes(data: bytes) -> Request:
    """The request in the bytes. Raises WireError if they hold none, or one that the application has no method for."""
    return request_of(request_message_of(data))


def request_message_of(data: bytes) -> pb.Request:
    """The message in the bytes. Raises WireError."""
    message = pb.Request()
    _parse(message, data)
    return message


def response_to_bytes(response: Response) -> bytes:
    """The encoded Response. Raises WireError for a public key that is no point of the curve."""
    return _response_message(response).SerializeToString(deterministic=True)


def response_from_bytes(data: bytes) -> Response:
    """The response in the bytes. Raises WireError if they hold none of ours."""
    message = pb.Response()
    _parse(message, data)
    return _response(message)


def _request_message(request: Request) -> pb.Request:
    match request:
        case InfoRequest(version, block_version, p2p_version, abci_version):
            return pb.Request(
                info=pb.RequestInfo(
                    version=version, block_version=block_version, p2p_version=p2p_version, abci_version=abci_version
                )
            )
        case InitChainRequest(chain_id, time_ns, initial_height, validators):
            return pb.Request(
                init_chain=pb.RequestInitChain(
                    time=timestamp_message(time_ns),
                    chain_id=chain_id,
                    initial_height=initial_height,
                    validators=map(update_message, validators),
                )
            )
        case CheckTxRequest(tx, kind):
            return pb.Request(check_tx=pb.RequestCheckTx(tx=tx, type=pb.CheckTxType.Name(kind)))
        case PrepareProposalRequest(max_tx_bytes, txs, height, time_ns, proposer):
            return pb.Request(
                prepare_proposal=pb.RequestPrepareProposal(
                    max_tx_bytes=max_tx_bytes,
                    txs=txs,
                    height=height,
                    time=timestamp_message(time_ns),
                    proposer_address=proposer,
                )
            )
        case ProcessProposalRequest(txs, height, time_ns, block_hash, proposer):
            return pb.Request(
                process_proposal=pb.RequestProcessProposal(
                    txs=txs, height=height, time=timestamp_message(time_ns), hash=block_hash, proposer_address=proposer
                )
            )
        case FinalizeBlockRequest():
            return pb.Request(finalize_block=_block_message(request))
        case CommitRequest():
            return pb.Request(commit=pb.RequestCommit())
        case QueryRequest(path, data, height, prove):
            return pb.Request(query=pb.RequestQuery(path=path, data=data, height=height, prove=prove))
        case _:
            return snapshot_request_message(request)


def _block_message(block: FinalizeBlockRequest) -> pb.RequestFinalizeBlock:
    return pb.RequestFinalizeBlock(
        txs=block.txs,
        height=block.height,
        time=timestamp_message(block.time_ns),
        hash=block.hash,
        proposer_address=block.proposer_address,
        decided_last_commit=pb.CommitInfo(votes=map(vote_message, block.last_commit)) if block.last_commit else None,
        misbehavior=map(misbehavior_message, block.misbehavior),
    )


def request_of(message: pb.Request) -> Request:
    """The request in a message. Raises WireError if the application has no method for it."""
    match message.WhichOneof("value"):
        case "info":
            info = message.info
            return InfoRequest(info.version, info.block_version, info.p2p_version, info.abci_version)
        case "init_chain":
            init = message.init_chain
            validators = tuple(map(update_of, init.validators))
            return InitChainRequest(init.chain_id, time_ns_of(init.time), init.initial_height, validators)
        case "check_tx":
            return CheckTxRequest(message.check_tx.tx, enum_member(CheckTxType, message.check_tx.type))
        case "prepare_proposal":
            prepare = message.prepare_proposal
            proposer = validator_address_of(prepare.proposer_address)
            return PrepareProposalRequest(
                prepare.max_tx_bytes, tuple(prepare.txs), prepare.height, time_ns_of(prepare.time), proposer
            )
        case "process_proposal":
            process = message.process_proposal
            proposer = validator_address_of(process.proposer_address)
            return ProcessProposalRequest(
                tuple(process.txs), process.height, time_ns_of(process.time), process.hash, proposer
            )
        case "finalize_block":
            return _block(message.finalize_block)
        case "commit":
            return CommitRequest()
        case "query":
            query = message.query
            return QueryRequest(query.path, query.data, query.height, query.prove)
        case _:
            return snapshot_request_of(message)


def _block(message: pb.RequestFinalizeBlock) -> FinalizeBlockRequest:
    return FinalizeBlockRequest(
        tuple(message.txs),
        message.height,
        time_ns_of(message.time),
        message.hash,
        validator_address_of(message.proposer_address),
        tuple(map(vote_of, message.decided_last_commit.votes)),
        tuple(map(misbehavior_of, message.misbehavior)),
    )


def _response_message(response: Response) -> pb.Response:
    match response:
        case InfoResponse(version, app_version, height, app_hash, data):
            return pb.Response(
                info=pb.ResponseInfo(
                    version=version,
                    app_version=app_version,
                    last_block_height=height,
                    last_block_app_hash=app_hash,
                    data=data,
                )
            )
        case InitChainResponse(validators, app_hash):
            updates = map(update_message, validators)
            return pb.Response(init_chain=pb.ResponseInitChain(validators=updates, app_hash=app_hash))
        case CheckTxResponse(code, log):
            return pb.Response(check_tx=pb.ResponseCheckTx(code=code, log=log))
        case PrepareProposalResponse(txs):
            return pb.Response(prepare_proposal=pb.ResponsePrepareProposal(txs=txs))
        case ProcessProposalResponse(status):
            name = pb.ResponseProcessProposal.ProposalStatus.Name(status)
            return pb.Response(process_proposal=pb.ResponseProcessProposal(status=name))
        case FinalizeBlockResponse(tx_results, validator_updates, app_hash, events):
            return pb.Response(
                finalize_block=pb.ResponseFinalizeBlock(
                    tx_results=map(result_message, tx_results),
                    validator_updates=map(update_message, validator_updates),
                    app_hash=app_hash,
                    events=map(event_message, events),
                )
            )
        case CommitResponse(retain_height):
            return pb.Response(commit=pb.ResponseCommit(retain_height=retain_height))
        case QueryResponse(code, log, key, value, height, proof):
            ops = proof_message(key, proof)
            return pb.Response(
                query=pb.ResponseQuery(code=code, log=log, key=key, value=value, height=height, proof_ops=ops)
            )
        case _:
            return snapshot_response_message(response)


def _response(message: pb.Response) -> Response:
    match message.WhichOneof("value"):
        case "info":
            info = message.info
            return InfoResponse(
                info.version, info.app_version, info.last_block_height, info.last_block_app_hash, info.data
            )
        case "init_chain":
            init = message.init_chain
            return InitChainResponse(tuple(map(update_of, init.validators)), app_hash_of(init.app_hash))
        case "check_tx":
            return CheckTxResponse(message.check_tx.code, message.check_tx.log)
        case "prepare_proposal":
            return PrepareProposalResponse(tuple(message.prepare_proposal.txs))
        case "process_proposal":
            return ProcessProposalResponse(enum_member(ProposalStatus, message.process_proposal.status))
        case "finalize_block":
            block = message.finalize_block
            return FinalizeBlockResponse(
                tuple(map(result_of, block.tx_results)),
                tuple(map(update_of, block.validator_updates)),
                app_hash_of(block.app_hash),
                tuple(map(event_of, block.events)),
            )
        case "commit":
            return CommitResponse(message.commit.retain_height)
        case "query":
            query = message.query
            proof = proof_of(query.proof_ops)
            return QueryResponse(query.code, query.log, query.key, query.value, query.height, proof)
        case _:
            return snapshot_response_of(message)


def _parse(message: pb.Request | pb.Response, data: bytes) -> None:
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise WireError(f"{len(data)} bytes are no {type(message).__name__}: {error}") from error
