"""How commands take what a server may answer, and what they say to a person."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import click
import pytest

from node.cli.client import find_json, get_json
from node.cli.homes import find_home


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A server that always says the same; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_client__an_object__is_given() -> None:
    with answering(200, b'{"a": 1}') as url:
        assert get_json(url, "/x") == {"a": 1}


def test_client__a_refusal__is_told_in_the_node_s_own_words() -> None:
    with (
        answering(404, b'{"error": {"code": "NOT_THERE", "message": "look elsewhere"}}') as url,
        pytest.raises(click.ClickException, match=r"^NOT_THERE: look elsewhere$"),
    ):
        get_json(url, "/x")


@pytest.mark.parametrize(("status", "body"), [(500, b"oops"), (502, b"[]"), (503, b'{"error": "x"}')])
def test_client__a_refusal_without_words__tells_its_status(status: int, body: bytes) -> None:
    with answering(status, body) as url, pytest.raises(click.ClickException, match=f"HTTP {status}$"):
        get_json(url, "/x")


@pytest.mark.parametrize("body", [b"", b"<html>", b"[1]", b"\xff"])
def test_client__something_else_than_the_api__is_said_to_be(body: bytes) -> None:
    with answering(200, body) as url, pytest.raises(click.ClickException, match="does: name another with --api"):
        get_json(url, "/x")


@pytest.mark.parametrize("url", ["ftp://host", "localhost:1317", "", "http://"])
def test_client__no_http_address__is_refused(url: str) -> None:
    with pytest.raises(click.ClickException, match="is no HTTP address"):
        get_json(url, "/x")


def test_client__nobody_there__asks_whether_it_runs_or_gives_none() -> None:
    with answering(200, b"{}") as url:
        pass  # from here on nobody listens there

    with pytest.raises(click.ClickException, match=f"no node answers at {url} .*is it running"):
        get_json(url, "/x")
    assert find_json(url, "/x") is None


def test_home__of_a_validator__names_its_own_api(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[api]\nhost = "127.0.0.2"\nport = 99\n')

    home = find_home(tmp_path)

    assert (home.api_urls, home.validator_homes) == (("http://127.0.0.2:99",), (tmp_path,))


def test_home__of_nothing__says_what_to_start(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match=f"sidewarden devnet --home {tmp_path}"):
        find_home(tmp_path)


def test_home__of_a_localnet__names_each_validator(tmp_path: Path) -> None:
    validators = [{"api_url": f"http://127.0.0.1:{port}", "home": f"/net/{port}"} for port in (1, 2)]
    (tmp_path / "localnet.json").write_text(json.dumps({"validators": validators}))
    home = find_home(tmp_path)
    assert home.api_urls == ("http://127.0.0.1:1", "http://127.0.0.1:2")
    assert home.validator_homes == (Path("/net/1"), Path("/net/2"))
