"""The trusted header as a file, so that the next run goes on from it: JSON that only its owner may change.

Whoever can write the file decides what is trusted, so it is as good as the trust that it came from, and no better.
`root` says what that was.
"""

import json
from dataclasses import dataclass

from bridge.codec.light_block import CHAIN_ID_CHARACTERS_MAX
from bridge.codec.types import Hash32
from bridge.light.errors import SourceFailed, TrustUnusable
from bridge.light.trust import Trusted
from bridge.light.values import (
    VALIDATORS_MAX,
    as_hex,
    as_items,
    as_number,
    as_object,
    as_text,
    validator_json,
    validator_of,
)

FILE_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class KeptTrust:
    """A trusted header, and what the trust began with: a genesis or a header somebody named."""

    root: str
    trusted: Trusted


def encode_trust(kept: KeptTrust) -> bytes:
    """The file's bytes."""
    trusted = kept.trusted
    document = {
        "root": kept.root,
        "chain_id": trusted.chain_id,
        "height": str(trusted.height),
        "hash": trusted.hash.hex(),
        "time_ns": str(trusted.time_ns),
        "app_hash": trusted.app_hash.hex(),
        "next_validators_hash": trusted.next_validators_hash.hex(),
        "validators": [validator_json(validator) for validator in trusted.validators],
    }
    return (json.dumps(document, indent=1) + "\n").encode()


def decode_trust(data: bytes) -> KeptTrust:
    """What the file's bytes hold. Raises TrustUnusable."""
    try:
        if len(data) > FILE_BYTES_MAX:
            raise SourceFailed(f"over {FILE_BYTES_MAX} bytes")
        fields = as_object(json.loads(data), "trusted header")
        items = as_items(fields.get("validators"), "validators", VALIDATORS_MAX)
        if not items:
            raise SourceFailed("validators: nobody could sign anything")
        trusted = Trusted(
            chain_id=as_text(fields.get("chain_id"), "chain_id", CHAIN_ID_CHARACTERS_MAX),
            height=as_number(fields.get("height"), "height"),
            hash=Hash32(as_hex(fields.get("hash"), "hash", (32,))),
            time_ns=as_number(fields.get("time_ns"), "time_ns"),
            app_hash=as_hex(fields.get("app_hash"), "app_hash", range(65)),
            validators=tuple(validator_of(item, "validator") for item in items),
            next_validators_hash=Hash32(as_hex(fields.get("next_validators_hash"), "next_validators_hash", (32,))),
        )
        return KeptTrust(as_text(fields.get("root"), "root", 100), trusted)
    except (SourceFailed, ValueError, RecursionError) as error:
        raise TrustUnusable(
            f"the file with the trusted header is damaged ({error}): delete it and start anew"
        ) from error
