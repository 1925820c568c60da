"""What CometBFT's RPC writes comes back as it was, and the trusted header's file too."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.codec.consensus import BlockId
from bridge.codec.light_block import Header
from bridge.codec.types import Address
from bridge.light.errors import SourceFailed, TrustUnusable
from bridge.light.trust import Trusted, trust_in
from bridge.light.trust_file import KeptTrust, decode_trust, encode_trust
from bridge.light.values import as_time_ns, commit_of, header_of
from tests.unit.codec.strategies import addresses, hashes, law
from tests.unit.light.chain import Chain, members
from tests.unit.light.network import commit_json, header_json, time_json

TIMES = st.integers(-62_135_596_800 * 10**9, 253_402_300_799 * 10**9)
"""From year 1 to 9999."""
digests = st.one_of(st.just(b""), hashes)
headers = st.builds(
    Header,
    block_version=st.integers(0, 2**62),
    app_version=st.integers(0, 2**62),
    chain_id=st.text("abc-1", max_size=50),
    height=st.integers(1, 2**62),
    time_ns=TIMES,
    last_block_id=st.none() | st.builds(BlockId, hashes, st.integers(1, 2**31 - 1), hashes),
    last_commit_hash=digests,
    data_hash=digests,
    validators_hash=hashes,
    next_validators_hash=hashes,
    consensus_hash=digests,
    app_hash=st.binary(max_size=64),
    last_results_hash=digests,
    evidence_hash=digests,
    proposer=addresses.map(Address),
)


@law
@given(TIMES)
def test_time__any_of_four_digit_years__comes_back(time_ns: int) -> None:
    seconds, nanoseconds = divmod(time_ns, 10**9)
    if seconds >= 0:
        assert as_time_ns(time_json(time_ns), "time") == time_ns
    assert as_time_ns("0001-01-01T00:00:00Z", "time") == -62_135_596_800 * 10**9
    assert as_time_ns(f"1969-12-31T23:59:59.{nanoseconds:09d}Z", "time") == nanoseconds - 10**9


@law
@given(headers)
def test_header__any__comes_back_with_its_hash(header: Header) -> None:
    header = replace(header, time_ns=abs(header.time_ns))
    again = header_of(json.loads(json.dumps(header_json(header))))
    assert again == header
    assert again.hash() == header.hash()


@law
@given(headers, headers)
def test_header_hash__of_different_headers__differs(one: Header, other: Header) -> None:
    assert (one.hash() == other.hash()) is (one == other)


def test_commit__of_absent_and_present_validators__comes_back() -> None:
    who = members(4)
    chain = Chain(who)
    block = chain.add(silent=who[:1])
    assert commit_of(json.loads(json.dumps(commit_json(block)))["signed_header"]["commit"]) == block.commit


def kept() -> KeptTrust:
    """A trusted header as it is kept."""
    chain = Chain(members(4))
    chain.grow(3)
    return KeptTrust("header 3 0xab", trust_in(chain.block(3)))


def test_trust_file__what_was_kept__comes_back() -> None:
    assert decode_trust(encode_trust(kept())) == kept()
    genesis: Trusted = Chain(members(150)).genesis
    assert decode_trust(encode_trust(KeptTrust("genesis", genesis))).trusted == genesis


@pytest.mark.parametrize("name", sorted(json.loads(encode_trust(kept()))))
@pytest.mark.parametrize("value", [None, 5, "\n", [], {}])
def test_trust_file__a_field_damaged__is_unusable(name: str, value: Any) -> None:
    document = json.loads(encode_trust(kept()))
    with pytest.raises(TrustUnusable):
        decode_trust(json.dumps({**document, name: value}).encode())


def test_trust_file__over_its_limit__is_unusable() -> None:
    with pytest.raises(TrustUnusable, match="over"):
        decode_trust(b" " * (4 * 1024 * 1024 + 1))


def test_header__with_a_leap_second_or_no_day__is_refused() -> None:
    header = header_json(Chain(members(1)).next_header())
    for time in ("2023-02-30T00:00:00Z", "2023-06-30T23:59:60Z", "2023-06-30T23:59:59.1234567890Z"):
        with pytest.raises(SourceFailed):
            header_of({**header, "time": time})
