"""Unix sockets in directories with long names: an address holds only some 107 bytes, homes may be deeper.

CometBFT runs in its own directory and names its sockets relative to it. We reach the same files through a descriptor of
that directory, which Linux shows under /proc.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

_ADDRESS_BYTES_MAX = 100
"""Linux takes 107, macOS 103."""


@contextmanager
def socket_address(path: Path) -> Generator[str]:
    """A name of the socket that is short enough to bind or dial, as long as the context is open. Raises OSError."""
    plain = str(path)
    if len(os.fsencode(plain)) <= _ADDRESS_BYTES_MAX:
        yield plain
        return
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)
