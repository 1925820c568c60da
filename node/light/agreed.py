"""What a light client proved, as the application's own values: checkpoints, validators, parameters.

The client proves bytes under the app hash of a header; here they get their meaning, and what a node's answer does not
say of itself is checked: that an entry is that of the checkpoint asked for, and that L1 still has it.
"""

from dataclasses import dataclass
from typing import Any

from bridge.codec.checkpoint import HEADER_ID_STEP
from bridge.codec.types import Hash32, ValidatorId
from bridge.light.client import Agreed, LightClient, ProvenEntry
from bridge.light.errors import NotShown, ProofForged, TrustUnusable
from node.app.apphash import section_value
from node.app.history import CHECKPOINT_LOG, CheckpointEntry, decode_entry
from node.app.state import HeaderSpan, ParametersSection, Turn, ValidatorRecord, ValidatorsSection


@dataclass(frozen=True, slots=True)
class AgreedCheckpoint:
    """A checkpoint that the validators agree L1 has accepted."""

    agreed: Agreed
    index: int
    """In logs/checkpoints."""
    entry: CheckpointEntry
    is_remembered: bool
    """Whether it is among the last headers that the state keeps. An older one may have been deleted on L1 since."""
    is_last: bool


@dataclass(frozen=True, slots=True)
class AgreedValidator:
    """A validator of the contract's set, or one that has left."""

    agreed: Agreed
    record: ValidatorRecord
    power: int
    """Whole tokens that count here; 0 for one that does not."""
    total_power: int
    has_left: bool


@dataclass(frozen=True, slots=True)
class AgreedSection:
    """A whole section of the state."""

    agreed: Agreed
    name: str
    contents: bytes
    value: Any
    """Of the type of its field in State."""


class AgreedState:
    """The state that the validators agreed on. Raises LightError's leaves, and EncodingError of a newer version."""

    def __init__(self, client: LightClient) -> None:
        self.client = client

    async def require_genesis(self, genesis_hash: Hash32) -> None:
        """Check that the network started from this genesis and not from one that only names the same validators."""
        parameters: ParametersSection = (await self.section("params")).value
        if parameters.genesis_hash != genesis_hash:
            raise TrustUnusable("the network started from another genesis than the file: get the right one")

    async def section(self, name: str) -> AgreedSection:
        """A section by its name."""
        proven = await self.client.section(name)
        return AgreedSection(proven.agreed, name, proven.contents, section_value(name, proven.contents))

    async def entry(self, log: str, index: int) -> ProvenEntry:
        """An entry of a log."""
        return await self.client.log_entry(log, index)

    async def checkpoint(self, root_chain: int, number: int | None) -> AgreedCheckpoint:
        """A checkpoint of a root chain by its number (header id / 10000), or the last one."""
        turns: tuple[Turn, ...] = (await self.section("turns")).value
        if root_chain >= len(turns):
            raise NotShown(f"the network has {len(turns)} root chains: there is none with number {root_chain}")
        headers, next_header_id = turns[root_chain].headers, turns[root_chain].next_header_id
        if number is None and not headers:
            raise NotShown("no checkpoint has been acknowledged yet")
        header_id = headers[-1].header_id if number is None else number * HEADER_ID_STEP
        _require_not_reset(header_id, headers, next_header_id)
        proven = await self.client.checkpoint_entry(CHECKPOINT_LOG, root_chain, header_id)
        entry = decode_entry(proven.entry)
        if not isinstance(entry, CheckpointEntry) or (entry.root_chain, entry.header_id) != (root_chain, header_id):
            raise ProofForged(f"the node shows another entry than that of header {header_id}")
        span = HeaderSpan(header_id, entry.end)
        is_remembered = span in headers
        if not is_remembered and headers and header_id >= headers[0].header_id:
            raise ProofForged(f"the entry of header {header_id} is of one that L1 has deleted since")
        return AgreedCheckpoint(
            proven.agreed, proven.index, entry, is_remembered, bool(headers) and span == headers[-1]
        )

    async def validator(self, validator: ValidatorId) -> AgreedValidator:
        """A validator by its id."""
        found = await self.section("validators")
        section: ValidatorsSection = found.value
        records = {record.id: record for record in (*section.former, *section.members)}
        if validator not in records:
            raise NotShown(f"by the state under header {found.agreed.header.height} there is no validator {validator}")
        powers = {member.id: member.power for member in section.tally_set}
        has_left = all(record.id != validator for record in section.members)
        power, total_power = powers.get(validator, 0), sum(powers.values())
        return AgreedValidator(found.agreed, records[validator], power, total_power, has_left)


def _require_not_reset(header_id: int, headers: tuple[HeaderSpan, ...], next_header_id: int) -> None:
    if header_id >= next_header_id:
        raise NotShown(f"header {header_id} is not there: the next one will be {next_header_id}")
    oldest = headers[0].header_id if headers else 0
    if headers and header_id > oldest and all(span.header_id != header_id for span in headers):
        raise NotShown(f"L1 has no header {header_id}")
