"""Polygon's ABI store as matic.js asks it: the addresses of a network, and the ABI of each contract by name."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

ARTIFACTS = Path(__file__).parents[3] / "contracts" / "artifacts"


def addresses(root: Mapping[str, str], side: Mapping[str, str]) -> dict[str, Any]:
    """index.json, as far as matic.js reads it, from the contracts' addresses by their Solidity names."""
    return {
        "Main": {
            "Contracts": {"RootChainProxy": root["RootChain"]},
            "POSContracts": {"RootChainManagerProxy": root["RootChainManager"]},
        },
        "Matic": {"POSContracts": {"ChildChainManagerProxy": side["ChildChainManager"]}},
    }


@contextmanager
def running_abi_store(index: Mapping[str, Any]) -> Iterator[str]:
    """The store on loopback; its URL, in place of the real one's up to the network."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """/{network}/{version}/index.json, or /{network}/{version}/artifacts/{bridge}/{contract}.json."""
            *_, name = self.path.split("/")
            artifact = ARTIFACTS / name
            if name == "index.json":
                self._answer(200, index)
            elif artifact.exists():
                self._answer(200, {"abi": json.loads(artifact.read_text())["abi"]})
            else:
                self._answer(404, {})

        def log_message(self, *_: object) -> None:
            """Say nothing."""

        def _answer(self, status: int, body: Mapping[str, Any]) -> None:
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
