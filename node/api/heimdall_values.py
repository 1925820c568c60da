"""Our state in the JSON of Heimdall v2's gateway: snake_case, 64-bit integers as strings, bytes as base64.

Validators are shown as the first root chain's rotation has them, for Heimdall knows one root chain only.
"""

from base64 import b64encode

from bridge.codec.hexadecimal import to_hex
from bridge.codec.types import Address
from node.api.archive import CheckpointSummary
from node.api.encoding import JsonValue
from node.app.state import WEI_PER_TOKEN, PriorityVector, Proposal, State, ValidatorRecord

UNCOMPRESSED_POINT = b"\x04"


def checkpoint(one: CheckpointSummary, side_chain_id: int) -> JsonValue:
    """An acknowledged checkpoint; its timestamp is the engine time of the ack."""
    return {
        "id": str(one.number),
        "proposer": to_hex(one.proposer),
        "start_block": str(one.start),
        "end_block": str(one.end),
        "root_hash": base64(one.root_hash),
        "bor_chain_id": str(side_chain_id),
        "timestamp": str(one.time_s),
    }


def buffered_checkpoint(proposal: Proposal | None, side_chain_id: int) -> JsonValue:
    """The proposal that is being signed; all zero where there is none, as Heimdall's empty buffer."""
    if proposal is None:
        return {
            "id": "0",
            "proposer": "",
            "start_block": "0",
            "end_block": "0",
            "root_hash": "",
            "bor_chain_id": "",
            "timestamp": "0",
        }
    return {
        "id": "0",
        "proposer": to_hex(proposal.proposer),
        "start_block": str(proposal.start),
        "end_block": str(proposal.end),
        "root_hash": base64(proposal.root_hash),
        "bor_chain_id": str(side_chain_id),
        "timestamp": str(proposal.proposed_s),
    }


def validator(record: ValidatorRecord, vector: PriorityVector) -> JsonValue:
    """A validator with its priority in the rotation; who has no place in it shows zero."""
    priority = next((one.priority for one in vector.members if one.signer == record.signer), 0)
    return {
        "val_id": str(record.id),
        "start_epoch": str(record.activation_epoch),
        "end_epoch": str(record.deactivation_epoch),
        "nonce": str(record.nonce),
        "voting_power": str(record.stake_wei // WEI_PER_TOKEN),
        "pub_key": base64(UNCOMPRESSED_POINT + record.public_key),
        "signer": to_hex(record.signer),
        "last_updated": "",
        "jailed": False,
        "proposer_priority": str(priority),
    }


def validator_set(state: State, vector: PriorityVector) -> JsonValue:
    """The set that proposes, ascending by signer, with its proposer."""
    return {
        "validators": [validator_by_signer(state, member.signer, vector) for member in vector.members],
        "proposer": validator_by_signer(state, vector.proposer, vector),
        "total_voting_power": str(total_power(vector)),
    }


def total_power(vector: PriorityVector) -> int:
    """The power of the set that proposes."""
    return sum(member.power for member in vector.members)


def validator_by_signer(state: State, signer: Address, vector: PriorityVector) -> JsonValue:
    """The validator with this signer, or None."""
    record = record_by_signer(state, signer)
    return None if record is None else validator(record, vector)


def record_by_signer(state: State, signer: Address) -> ValidatorRecord | None:
    """A member's record, else that of a former validator, newest first; None where nobody has had this signer."""
    records = (*state.validators.members, *reversed(state.validators.former))
    return next((record for record in records if record.signer == signer), None)


def base64(data: bytes) -> str:
    """Bytes as proto-JSON has them."""
    return b64encode(data).decode()
