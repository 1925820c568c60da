"""How commands ask a running node: plain JSON over its API."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from urllib.error import HTTPError

ANSWER_BYTES_MAX = 8 << 20
TIMEOUT_S = 15.0

Answer = dict[str, Any]
"""A JSON object, of the shape that openapi.yaml describes."""


def get_json(api_url: str, path: str) -> Answer:
    """The JSON that the node at `api_url` answers for `path`. No proxy is asked: a node's API is close by.

    Raises a click error in the node's own words when it refuses, and one that says what to start when it is not there.
    """
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, build_opener

    url = api_url.rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise click.ClickException(f"{api_url} is no HTTP address: give --api http://HOST:PORT")
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=TIMEOUT_S) as answer:
            found = json.loads(answer.read(ANSWER_BYTES_MAX))
    except HTTPError as refusal:
        raise click.ClickException(_words_of(refusal)) from None
    except (URLError, OSError) as error:  # a time-out is an OSError
        raise click.ClickException(f"no node answers at {api_url} ({error}): is it running?") from None
    except (HTTPException, ValueError):
        found = None
    if not isinstance(found, dict):
        raise click.ClickException(f"{url} did not answer as an API of Sidewarden does: name another with --api")
    return found


def find_json(api_url: str, path: str) -> Answer | None:
    """The JSON that a node answers, or None if none answers."""
    try:
        return get_json(api_url, path)
    except click.ClickException:
        return None


def _words_of(refusal: "HTTPError") -> str:
    try:
        error = json.loads(refusal.read(ANSWER_BYTES_MAX))["error"]
        return f"{error['code']}: {error['message']}"
    except (ValueError, KeyError, TypeError):
        return f"the node answered HTTP {refusal.code}"
