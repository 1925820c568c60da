"""One event a line, in both formats."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.validator.logs import FACT_CHARACTERS_MAX, OWN_LOGGERS, LogFormat, TextFormatter, configure_logging


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Other tests log as if these had not been here."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    own = {name: logging.getLogger(name).level for name in OWN_LOGGERS}
    yield
    root.handlers[:], root.level = handlers, level
    for name, before in own.items():
        logging.getLogger(name).setLevel(before)


def logged(log_format: LogFormat, level: str = "info") -> io.StringIO:
    """Where events go from now on."""
    stream = io.StringIO()
    configure_logging(level, log_format, stream)
    return stream


def test_text__an_event_with_facts__is_one_line_of_keys_and_values() -> None:
    stream = logged("text")

    logging.getLogger("node.validator.start").info(
        "api listening", extra={"url": "http://x:1", "text": 'a "b"', "height": 3}
    )

    time, level, rest = stream.getvalue().rstrip("\n").split(maxsplit=2)
    assert time.endswith("Z")
    assert level == "info"
    assert rest == 'api listening url=http://x:1 text="a \\"b\\"" height=3'


def test_json__an_event_with_an_error__is_one_object_a_line() -> None:
    stream = logged("json")
    try:
        raise ValueError("wrong")
    except ValueError:
        logging.getLogger("node.x").exception("duty failed", extra={"duty": "attest", "last": None})

    (line,) = stream.getvalue().splitlines()
    told = json.loads(line)
    assert (told["level"], told["logger"], told["event"]) == ("error", "node.x", "duty failed")
    assert (told["duty"], told["last"]) == ("attest", None)
    assert told["exception"].endswith("ValueError: wrong")


def test_level__of_our_own_packages_only__is_the_configured_one() -> None:
    stream = logged("text", "debug")

    logging.getLogger("bridge.chain").debug("ours")
    logging.getLogger("aiohttp.access").info("theirs")
    logging.getLogger("aiohttp.access").warning("theirs, and it matters")

    assert [line.split(maxsplit=2)[2] for line in stream.getvalue().splitlines()] == ["ours", "theirs, and it matters"]


@given(st.text(max_size=40))
def test_text__any_fact__stays_on_its_line(fact: str) -> None:
    record = logging.makeLogRecord({"msg": "event", "levelname": "INFO", "fact": fact})

    assert len(TextFormatter().format(record).splitlines()) == 1


def test_text__a_huge_fact__is_cut() -> None:
    record = logging.makeLogRecord({"msg": "event", "levelname": "INFO", "fact": "x" * 10 * FACT_CHARACTERS_MAX})

    assert len(TextFormatter().format(record)) < FACT_CHARACTERS_MAX + 100
