"""CLOCK_SKEW: produced by real UDP servers on this machine, and left again when the clock is right."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chain.clock import ManualClock
from bridge.codec.consensus import BlockId, Vote, VoteType
from bridge.codec.hash import keccak256
from node.duties.clock_watch import AGREEING_MIN, LOOK_AGAIN_S, LOOK_EVERY_S, SKEW_MAX_S, ClockWatch, Skew, find_skew
from node.duties.sntp import SntpClient, offset_of
from node.keys.errors import ClockSkewed
from node.keys.signer import Signer
from tests.unit.keys.helpers import ALICE, new_record, new_signer

NOW_S = 1_700_000_000.0
COOKIE = b"cookie42"
Answer = Callable[[bytes], bytes | None]


def timestamp(time_s: float) -> bytes:
    """As NTP has it: 32 bits of seconds since 1900, 32 of their fraction; the seconds begin anew in 2036."""
    seconds, fraction = divmod(time_s + 2_208_988_800, 1)
    return (int(seconds) % 2**32).to_bytes(4) + int(fraction * 2**32).to_bytes(4)


def packet(
    request: bytes, time_s: float, *, leap: int = 0, mode: int = 4, stratum: int = 2, cookie: bytes | None = None
) -> bytes:
    """A server's answer to a request, at its own time."""
    head = bytes((leap << 6 | 4 << 3 | mode, stratum)) + bytes(22)
    return head + (request[40:48] if cookie is None else cookie) + timestamp(time_s) + timestamp(time_s)


def telling(clock: ManualClock, ahead_s: float = 0.0) -> Answer:
    return lambda request: packet(request, clock.now() + ahead_s)


class Servers:
    """NTP servers on 127.0.0.1, each of which answers as it is told."""

    def __init__(self) -> None:
        self.asked = 0
        self.names: tuple[str, ...] = ()
        self._answers: list[Answer] = []

    def answer(self, *answers: Answer) -> None:
        self._answers = list(answers)

    @asynccontextmanager
    async def running(self, count: int) -> AsyncIterator[None]:
        loop = asyncio.get_running_loop()
        transports = []
        for index in range(count):
            transport, _ = await loop.create_datagram_endpoint(partial(_Server, self, index), ("127.0.0.1", 0))
            transports.append(transport)
        self.names = tuple(f"127.0.0.1:{one.get_extra_info('sockname')[1]}" for one in transports)
        try:
            yield
        finally:
            for one in transports:
                one.close()

    def respond(self, index: int, request: bytes) -> bytes | None:
        self.asked += 1
        return self._answers[index](request)


class _Server(asyncio.DatagramProtocol):
    def __init__(self, servers: Servers, index: int) -> None:
        self._servers = servers
        self._index = index

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        assert len(data) == 48
        answer = self._servers.respond(self._index, data)
        if answer is not None:
            self._transport.sendto(answer, addr)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW_S)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return new_signer(new_record(tmp_path / "signing.db"))


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Servers:
    monkeypatch.setattr("node.duties.sntp.ANSWER_S", 0.3)
    return Servers()


def precommit(height: int) -> Vote:
    block = BlockId(keccak256(b"block"), 1, keccak256(b"parts"))
    return Vote(VoteType.PRECOMMIT, height, 0, block, int(NOW_S * 1e9))


def watch(servers: Servers, signer: Signer, clock: ManualClock, block_time_s: float = NOW_S) -> ClockWatch:
    return ClockWatch(servers.names, SntpClient(clock), signer, lambda: block_time_s, clock)


# The duty


@pytest.mark.parametrize("ahead_s", [600.0, -600.0])
async def test_clock__ten_minutes_off__no_precommit_until_it_was_set(
    servers: Servers, signer: Signer, clock: ManualClock, ahead_s: float
) -> None:
    async with servers.running(4):
        duty = watch(servers, signer, clock)
        servers.answer(*[telling(clock, ahead_s)] * 4)
        await duty.run_once()
        side = "behind" if ahead_s > 0 else "ahead of"
        with pytest.raises(ClockSkewed, match=f"our clock is 600 s {side} that of 4 of the 4 NTP servers"):
            signer.sign_vote(precommit(1), ALICE.address)
        assert duty.status.offset_s == pytest.approx(ahead_s, abs=1e-3)

        servers.answer(*[telling(clock)] * 4)  # somebody set the clock
        clock.advance(LOOK_AGAIN_S)
        await duty.run_once()

    assert duty.status.skew is None
    assert signer.sign_vote(precommit(1), ALICE.address)


async def test_clock__right__asked_every_five_minutes_and_no_more_often(
    servers: Servers, signer: Signer, clock: ManualClock
) -> None:
    async with servers.running(3):
        duty = watch(servers, signer, clock)
        servers.answer(*[telling(clock, 29.0)] * 3)
        for _ in range(5):
            await duty.run_once()
            clock.advance(LOOK_EVERY_S / 4)

    assert servers.asked == 6
    assert signer.clock_skew is None
    assert duty.status.answering == 3


async def test_clock__too_few_servers_answer__signs_and_says_what_it_cannot_tell(
    servers: Servers, signer: Signer, clock: ManualClock
) -> None:
    async with servers.running(5):
        duty = watch(servers, signer, clock, block_time_s=NOW_S + 95)
        servers.answer(
            telling(clock, 600),
            telling(clock, 600),
            lambda request: None,
            lambda request: packet(request, NOW_S + 600, stratum=0),  # "ask me no more"
            lambda request: packet(request, NOW_S + 600, cookie=b"guessed!"),
        )
        await duty.run_once()

    assert signer.sign_vote(precommit(1), ALICE.address)
    assert duty.alarm is not None
    assert "95 s ahead of our clock, and 2 of 5 NTP servers" in duty.alarm


async def test_clock__block_time_behind_or_servers_enough__no_alarm(
    servers: Servers, signer: Signer, clock: ManualClock
) -> None:
    """A chain that stands still is no clock that is slow."""
    async with servers.running(3):
        assert watch(servers, signer, clock, block_time_s=NOW_S - 9_999).alarm is None
        duty = watch(servers, signer, clock, block_time_s=NOW_S + 95)
        servers.answer(*[telling(clock)] * 3)
        await duty.run_once()
        assert duty.alarm is None


async def test_client__server_that_is_not_there_or_has_no_address__no_answer(clock: ManualClock) -> None:
    client = SntpClient(clock)

    assert await client.offset_s("127.0.0.1:1") is None
    assert await client.offset_s("no.such.host.invalid") is None


# What an answer says


def test_offset__slow_way_there_and_back__is_taken_out() -> None:
    answer = packet(bytes(40) + COOKIE, NOW_S + 101)

    assert offset_of(answer, NOW_S, NOW_S + 2) == pytest.approx(100, abs=1e-6)


def test_offset__after_2036__is_of_the_next_era() -> None:
    after_s = 2_085_978_496.0 + 1_000
    answer = packet(bytes(40) + COOKIE, after_s)

    assert offset_of(answer, after_s, after_s) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("changes", [{"leap": 3}, {"mode": 3}, {"mode": 5}, {"stratum": 0}, {"stratum": 16}], ids=str)
def test_offset__of_a_server_that_does_not_know__is_none(changes: dict[str, int]) -> None:
    answer = packet(bytes(48), NOW_S, **changes)  # type: ignore[arg-type]  # all of them are numbers

    assert offset_of(answer, NOW_S, NOW_S) is None


def test_offset__without_a_time__is_none() -> None:
    assert offset_of(packet(bytes(48), NOW_S)[:40] + bytes(8), NOW_S, NOW_S) is None


# The decision


@pytest.mark.parametrize(
    ("offsets_s", "skew"),
    [
        ([], None),
        ([600, 600], None),
        ([600, 600, 600], Skew(600, 3)),
        ([600, 600, 600, 0, 0], Skew(600, 3)),
        ([600, 600, 600, 0, 0, 0], None),
        ([600, -600, 601, -601, 602], Skew(601, 3)),
        ([30, 30, 30], None),
        ([31, 31, 31], Skew(31, 3)),
        ([-31, -31, -31, -29], Skew(-31, 3)),
        ([100, 200, 300, 400, 500], None),
    ],
)
def test_skew__of_some_offsets__needs_three_who_agree_and_a_majority(offsets_s: list[float], skew: Skew | None) -> None:
    assert find_skew(offsets_s) == skew


@given(
    right=st.lists(st.floats(-SKEW_MAX_S, SKEW_MAX_S), max_size=9),
    false=st.lists(st.floats(-1e9, 1e9), max_size=9),
)
def test_skew__half_of_the_servers_say_that_we_are_right__is_none(right: list[float], false: list[float]) -> None:
    assert find_skew([*right, *false[: len(right)]]) is None


@given(offset_s=st.floats(SKEW_MAX_S + 1, 1e9), false=st.lists(st.floats(-1e9, 1e9), max_size=9))
def test_skew__more_than_half_say_the_same__is_found(offset_s: float, false: list[float]) -> None:
    honest = [offset_s] * max(AGREEING_MIN, len(false) + 1)

    found = find_skew([*honest, *false])

    assert found is not None
    assert abs(found.offset_s - offset_s) <= SKEW_MAX_S
