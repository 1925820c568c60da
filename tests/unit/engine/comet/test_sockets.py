"""A socket can be bound and dialled however long the name of its directory is."""

import socket
from pathlib import Path

from node.engine.comet.sockets import socket_address


def test_socket__in_a_deep_directory__is_bound_and_dialled(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 120) / "app.sock"
    path.parent.mkdir()

    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        with socket_address(path) as address:
            server.bind(address)
        server.listen()
        with socket_address(path) as address:
            client.connect(address)

    assert path.is_socket()


def test_socket__with_a_short_name__is_called_by_it() -> None:
    with socket_address(Path("/run/app.sock")) as address:
        assert address == "/run/app.sock"
