"""A checkpoint's root computed with nothing of ours: raw JSON-RPC, pycryptodome's keccak, and the format as it is told.

leaf = keccak(number ‖ time ‖ transactionsRoot ‖ receiptsRoot), numbers as 32 bytes; leaves are filled up with zero
words to a power of two; node = keccak(left ‖ right).
"""

from collections.abc import Awaitable, Callable
from typing import cast

from Crypto.Hash import keccak

Rpc = Callable[..., Awaitable[object]]
"""(method, *params) → result."""


def keccak_of(data: bytes) -> bytes:
    """keccak256."""
    return keccak.new(digest_bits=256, data=data).digest()


async def root_of_side_chain(rpc: Rpc, start: int, end: int) -> bytes:
    """The root over the blocks start … end as the side chain's RPC shows them."""
    level = [await _leaf(rpc, number) for number in range(start, end + 1)]
    while len(level) & (len(level) - 1):
        level.append(bytes(32))
    while len(level) > 1:
        level = [keccak_of(level[i] + level[i + 1]) for i in range(0, len(level), 2)]
    return level[0]


async def root_in_contract(rpc: Rpc, root_chain: str, header_id: int) -> tuple[bytes, int, int]:
    """Root, start and end of a header, as RootChain answers headerBlocks(uint256)."""
    data = "0x" + keccak_of(b"headerBlocks(uint256)")[:4].hex() + f"{header_id:064x}"
    answer = bytes.fromhex(cast(str, await rpc("eth_call", {"to": root_chain, "data": data}, "latest"))[2:])
    return answer[:32], int.from_bytes(answer[32:64]), int.from_bytes(answer[64:96])


async def _leaf(rpc: Rpc, number: int) -> bytes:
    block = cast(dict[str, str], await rpc("eth_getBlockByNumber", hex(number), False))
    numbers = (int(block[name], 16).to_bytes(32) for name in ("number", "timestamp"))
    roots = (bytes.fromhex(block[name][2:]) for name in ("transactionsRoot", "receiptsRoot"))
    return keccak_of(b"".join((*numbers, *roots)))
