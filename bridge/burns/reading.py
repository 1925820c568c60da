"""What goes wrong between us and a chain, as errors about burns."""

from collections.abc import Iterator
from contextlib import contextmanager

from bridge.burns.errors import CannotTell, EndpointFalse
from bridge.chain.errors import BadAnswer, ChainError
from bridge.chain.reader import ChainReader
from bridge.codec.errors import CodecError


@contextmanager
def chain_errors(what: str, reader: ChainReader) -> Iterator[None]:
    """Turn ChainError and CodecError into EndpointFalse, which names the endpoint, or CannotTell; `what` was read."""
    try:
        yield
    except (BadAnswer, CodecError) as error:
        raise EndpointFalse(f"{what}: {error}", reader.pool.latest_label) from error
    except ChainError as error:
        raise CannotTell(f"{what}: {error}") from error
