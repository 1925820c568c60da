"""One burn has one payload: no other bytes, however near to it, take out a token of any type."""

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from bridge.burns.kinds import BurnKind
from bridge.codec import rlp
from bridge.codec.exit_payload import encode_payload
from bridge.codec.hash import keccak256
from tests.contracts.burn_logs import ACCEPTED_BY, SHAPES
from tests.contracts.tokens import NEW, Tokens, TokenType

PAIRS = [(kind, burn) for kind in NEW for burn in ACCEPTED_BY[kind]]
MASKS = ("1080", "2080", "3080", "0180", "80", "", "00", "0000", "008100", "00820000", "008080", "00850100000000")


def changed_bytes(good: bytes, seed: int) -> Iterator[bytes]:
    """Each byte in turn made another, in ways that a seed chooses; of zeros among zeros, every 16th."""
    source = random.Random(seed)
    for place, old in enumerate(good):
        if place % 16 and not any(good[max(place - 2, 0) : place + 3]):
            continue
        ways = {old ^ 1, old ^ 0x80, 0, 0xFF, (old + 1) % 256, source.randrange(256)} - {old}
        yield good[:place] + bytes((source.choice(sorted(ways)),)) + good[place + 1 :]


def other_lengths(good: bytes) -> Iterator[bytes]:
    """Cut short and made longer."""
    for count in (1, 2, 31, 32, 33, len(good) // 2, len(good) - 1, len(good)):
        yield good[:-count]
        yield good[count:]
    for more in (b"\x00", b"\x80", b"\xc0", bytes(32), good):
        yield good + more
        yield more + good


def other_writings(good: bytes) -> Iterator[bytes]:
    """The same items with longer headers and zeros before numbers, one at a time; items more and fewer."""
    items = rlp.as_list(rlp.decode(good))
    encoded = [rlp.encode(item) for item in items]
    body = b"".join(encoded)
    for size in (3, 4, 8):
        yield bytes((0xF7 + size,)) + len(body).to_bytes(size) + body
    for place, item in enumerate(items):
        content = rlp.as_bytes(item)
        padded = b"\x00" + content
        long = b"\xb8" + len(content).to_bytes(1) if len(content) < 256 else b"\xba" + len(content).to_bytes(3)
        for other in (rlp.encode(padded), long + content, rlp.encode((item,)), b""):
            if other != encoded[place]:
                yield as_list([*encoded[:place], other, *encoded[place + 1 :]])
        yield as_list([*encoded[:place], encoded[place], *encoded[place:]])


def as_list(encoded: list[bytes]) -> bytes:
    body = b"".join(encoded)
    return b"\xf9" + len(body).to_bytes(2) + body if len(body) > 255 else b"\xf8" + len(body).to_bytes(1) + body


@pytest.mark.parametrize(("kind", "burn"), PAIRS)
def test_exit__with_any_other_bytes__is_refused(tokens: Tokens, kind: TokenType, burn: BurnKind) -> None:
    payload = tokens.prove(SHAPES[burn].of(tokens.pairs[kind].child))
    good = encode_payload(payload)
    seed = int.from_bytes(keccak256(f"{kind} {burn}".encode())[:4])
    masks = (encode_payload(replace(payload, branch_mask=bytes.fromhex(mask))) for mask in MASKS)
    indexes = (encode_payload(replace(payload, log_index=index)) for index in (1, 2**64, 2**256 - 1))
    sources = (changed_bytes(good, seed), other_lengths(good), other_writings(good), masks, indexes)
    for changed in (each for source in sources for each in source):
        assert changed != good
        tokens.refusal(changed)
    tokens.exit(good)
