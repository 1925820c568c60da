"""The real data under tests/vectors: checkpoint roots of a Bor devnet, and exit payloads that contracts took."""

import json
from dataclasses import dataclass
from pathlib import Path

from bridge.codec.hexadecimal import from_hex
from bridge.codec.types import Hash32

_FOLDER = Path(__file__).parents[2] / "vectors"

DEVNET_GENESIS_TIME = 1_558_348_305
DEVNET_FIRST_BLOCK_TIME = 1_726_149_971


@dataclass(frozen=True, slots=True)
class DevnetRoot:
    """A checkpoint of empty blocks, two seconds apart from block 1 on, later blocks shifted by `time_offset_s`."""

    start: int
    end: int
    root: Hash32
    time_offset_s: int

    def timestamp(self, number: int) -> int:
        """The time of one of its blocks."""
        if number == 0:
            return DEVNET_GENESIS_TIME
        return DEVNET_FIRST_BLOCK_TIME + 2 * (number - 1) + self.time_offset_s


@dataclass(frozen=True, slots=True)
class RealPayload:
    """An exit payload, and what an independent decoder read in it."""

    name: str
    payload: bytes
    header_id: int
    block_number: int
    timestamp: int
    proof_length: int
    transaction_index: int
    log_index: int
    log_count: int
    receipt_type: int
    cumulative_gas_used: int
    log_address: bytes
    log_data: bytes
    leaf: bytes
    exit_hash: bytes


def devnet_roots() -> list[DevnetRoot]:
    """The 45 roots that Bor computed."""
    content = json.loads((_FOLDER / "devnet-roots.json").read_text())
    return [
        DevnetRoot(entry["start"], entry["end"], Hash32(from_hex(entry["root"], 32)), entry["timeOffset"])
        for entry in content["checkpoints"]
    ]


def real_payloads() -> list[RealPayload]:
    """Payloads of an ERC-20 burn on mainnet, one on Mumbai, and a mainnet exit inside a state-sync receipt (0x7f)."""
    content = json.loads((_FOLDER / "real-vectors.json").read_text())
    found = []
    for name, entry in content.items():
        if "payload" not in entry:
            continue
        decoded = entry["decoded"]
        found.append(
            RealPayload(
                name=name,
                payload=from_hex(entry["payload"]),
                header_id=decoded["headerNumber"],
                block_number=decoded["blockNumber"],
                timestamp=decoded["timestamp"],
                proof_length=decoded["proofLen"] // 32,
                transaction_index=decoded["txIndex"],
                log_index=decoded["logIndex"],
                log_count=decoded["nlogs"],
                receipt_type=decoded["receiptType"],
                cumulative_gas_used=decoded["cumGas"],
                log_address=bytes.fromhex(decoded["log"]["address"]),
                log_data=bytes.fromhex(decoded["log"]["data"]),
                leaf=bytes.fromhex(decoded["leaf"]),
                exit_hash=bytes.fromhex(decoded["exitHash"]),
            )
        )
    return found
