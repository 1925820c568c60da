"""ABCI's four snapshot calls from and to protobuf (`…_message` makes a message, `…_of` reads one)."""

from dataclasses import dataclass
from typing import TypeAlias

from node.app.abci import (
    ApplySnapshotChunkRequest,
    ApplySnapshotChunkResponse,
    ApplySnapshotChunkResult,
    ListSnapshotsResponse,
    LoadSnapshotChunkRequest,
    LoadSnapshotChunkResponse,
    OfferSnapshotRequest,
    OfferSnapshotResponse,
    OfferSnapshotResult,
)
from node.engine.errors import WireError
from node.engine.proto import abci_pb2 as pb
from node.engine.wire_values import enum_member, snapshot_message, snapshot_of


@dataclass(frozen=True, slots=True)
class ListSnapshotsRequest:
    """Asks which snapshots the application holds."""


SnapshotRequest: TypeAlias = (
    ListSnapshotsRequest | OfferSnapshotRequest | LoadSnapshotChunkRequest | ApplySnapshotChunkRequest
)
SnapshotResponse: TypeAlias = (
    ListSnapshotsResponse | OfferSnapshotResponse | LoadSnapshotChunkResponse | ApplySnapshotChunkResponse
)


def snapshot_request_message(request: SnapshotRequest) -> pb.Request:
    """The call's message."""
    match request:
        case ListSnapshotsRequest():
            return pb.Request(list_snapshots=pb.RequestListSnapshots())
        case OfferSnapshotRequest(snapshot, app_hash):
            offer = pb.RequestOfferSnapshot(snapshot=snapshot_message(snapshot), app_hash=app_hash)
            return pb.Request(offer_snapshot=offer)
        case LoadSnapshotChunkRequest(height, number, chunk):
            load = pb.RequestLoadSnapshotChunk(height=height, format=number, chunk=chunk)
            return pb.Request(load_snapshot_chunk=load)
        case ApplySnapshotChunkRequest(index, contents, sender):
            apply = pb.RequestApplySnapshotChunk(index=index, chunk=contents, sender=sender)
            return pb.Request(apply_snapshot_chunk=apply)


def snapshot_request_of(message: pb.Request) -> SnapshotRequest:
    """The call in the message. Raises WireError if it holds another one."""
    match message.WhichOneof("value"):
        case "list_snapshots":
            return ListSnapshotsRequest()
        case "offer_snapshot":
            offer = message.offer_snapshot
            return OfferSnapshotRequest(snapshot_of(offer.snapshot), offer.app_hash)
        case "load_snapshot_chunk":
            load = message.load_snapshot_chunk
            return LoadSnapshotChunkRequest(load.height, load.format, load.chunk)
        case "apply_snapshot_chunk":
            apply = message.apply_snapshot_chunk
            return ApplySnapshotChunkRequest(apply.index, apply.chunk, apply.sender)
        case other:
            raise WireError(f"the application has no answer to the request {other!r}")


def snapshot_response_message(response: SnapshotResponse) -> pb.Response:
    """The answer's message."""
    match response:
        case ListSnapshotsResponse(snapshots):
            return pb.Response(list_snapshots=pb.ResponseListSnapshots(snapshots=map(snapshot_message, snapshots)))
        case OfferSnapshotResponse(offered):
            name = pb.ResponseOfferSnapshot.Result.Name(offered)
            return pb.Response(offer_snapshot=pb.ResponseOfferSnapshot(result=name))
        case LoadSnapshotChunkResponse(chunk):
            return pb.Response(load_snapshot_chunk=pb.ResponseLoadSnapshotChunk(chunk=chunk))
        case ApplySnapshotChunkResponse(applied, refetch_chunks, reject_senders):
            name = pb.ResponseApplySnapshotChunk.Result.Name(applied)
            return pb.Response(
                apply_snapshot_chunk=pb.ResponseApplySnapshotChunk(
                    result=name, refetch_chunks=refetch_chunks, reject_senders=reject_senders
                )
            )


def snapshot_response_of(message: pb.Response) -> SnapshotResponse:
    """The answer in the message. Raises WireError if it holds another one."""
    match message.WhichOneof("value"):
        case "list_snapshots":
            return ListSnapshotsResponse(tuple(map(snapshot_of, message.list_snapshots.snapshots)))
        case "offer_snapshot":
            return OfferSnapshotResponse(enum_member(OfferSnapshotResult, message.offer_snapshot.result))
        case "load_snapshot_chunk":
            return LoadSnapshotChunkResponse(message.load_snapshot_chunk.chunk)
        case "apply_snapshot_chunk":
            apply = message.apply_snapshot_chunk
            return ApplySnapshotChunkResponse(
                enum_member(ApplySnapshotChunkResult, apply.result),
                tuple(apply.refetch_chunks),
                tuple(apply.reject_senders),
            )
        case other:
            raise WireError(f"the application never answers {other!r}")
