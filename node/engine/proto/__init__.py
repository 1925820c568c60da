"""The engine's messages, ABCI's and the remote signer's: our `.proto` files and the stubs that `make proto` makes."""

from google.protobuf.internal import api_implementation

from node.engine.errors import ProtobufSlowError


def require_fast_protobuf() -> None:
    """Raise ProtobufSlowError unless protobuf runs on its C back end; an engine calls it when it starts.

    The pure-Python one takes 7.5 ms to encode the answer to a block of 1,000 transactions, the C one 0.05 ms.
    """
    back_end = api_implementation.Type()
    if back_end != "upb":
        raise ProtobufSlowError(
            f"protobuf runs on its back end {back_end!r}, not on the fast one: unset "
            "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION, or install protobuf from a wheel for this machine"
        )
