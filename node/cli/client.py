"""How commands ask a running node: plain JSON over its API."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from urllib.error import HTTPError

ANSWER_BYTES_MAX = 8 << 20
TIMEOUT_S = 15.0


def get_json(api_url: str, path: str) -> Any:  # the shape is the API's, described in openapi.yaml
    """The JSON that the node at `api_url` answers for `path`.

    Raises a click error in the node's own words when it refuses, and one that says what to start when it is not there.
    """
    from urllib.error import HTTPError, URLError
    from urllib.request import urlopen

    url = api_url.rstrip("/") + path
    if not url.startswith(("http://", "https://")):
        raise click.ClickException(f"{api_url} is no HTTP address: give --api http://HOST:PORT")
    try:
        with urlopen(url, timeout=TIMEOUT_S) as answer:  # noqa: S310 - only http and https come here
            return json.loads(answer.read(ANSWER_BYTES_MAX))
    except HTTPError as refusal:
        raise click.ClickException(_words_of(refusal)) from None
    except (URLError, TimeoutError, OSError) as error:
        raise click.ClickException(f"no node answers at {api_url} ({error}): is it running?") from None
    except ValueError:
        raise click.ClickException(f"{url} did not answer JSON: is it a Sidewarden API?") from None


def find_json(api_url: str, path: str) -> Any:  # as for get_json
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
