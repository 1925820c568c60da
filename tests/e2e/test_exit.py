"""A burn comes out on the root chain once, by the proof that a node served, and by nothing that differs from it.

The client is web3 with the contracts' ABI: what a user's program would be, with none of our codecs in it.
"""

import logging
import random
from collections.abc import Callable

import pytest
import rlp  # type: ignore[import-untyped]  # ships no type stubs
from web3.exceptions import ContractLogicError

from tests.e2e.process import TEST_S, DevnetProcess, ask, wait_until
from tests.e2e.user import User

pytestmark = [pytest.mark.xdist_group("devnet"), pytest.mark.timeout(TEST_S)]

BURNT_WEI = 3 * 10**18
CHANGED_BYTES = 60
LOG_INDEX_FIELD = 9
"""Of the ten items of an exit payload."""

log = logging.getLogger(__name__)


def test_exit__by_an_independent_client__pays_once_and_for_nothing_that_differs(devnet: DevnetProcess) -> None:
    user = User(devnet)
    manager = user.contract("RootChainManager")
    burnt = user.send(user.side, user.child_token.functions.withdraw(BURNT_WEI))
    assert burnt["status"] == 1
    burn = burnt["transactionHash"].to_0x_hex()
    early, refusal = ask(f"{devnet.described['validators'][1]['api_url']}/sidewarden/v1/burns/{burn}/proof")
    assert (early, refusal["error"]["code"]) in {(409, "BURN_NOT_READY"), (503, "CANNOT_TELL")}

    wait_until(lambda: user.status(burn) == "READY")
    proof = devnet.get(f"/sidewarden/v1/burns/{burn}/proof", validator=2)
    payload = bytes.fromhex(proof["payload"][2:])

    def refused(tampered: bytes) -> bool:
        return _reverts(lambda: manager.functions.exit(tampered).call({"from": user.account.address}))

    assert not refused(payload)
    changed_bytes_are_refused(payload, refused)
    other_log_indexes_are_refused(devnet, burn, payload, refused)

    token = user.contract("DemoToken")
    before_wei = token.functions.balanceOf(user.account.address).call()
    assert user.send(user.root, manager.functions.exit(payload))["status"] == 1
    assert token.functions.balanceOf(user.account.address).call() == before_wei + BURNT_WEI

    assert refused(payload), "a second exit"
    assert user.send(user.root, manager.functions.exit(payload))["status"] == 0
    assert token.functions.balanceOf(user.account.address).call() == before_wei + BURNT_WEI
    wait_until(lambda: user.status(burn) == "EXITED")


def changed_bytes_are_refused(payload: bytes, refused: Callable[[bytes], bool]) -> None:
    """Wherever one byte is another one; and one too many, and one too few."""
    seed = random.SystemRandom().randrange(2**32)
    log.warning("seed %d", seed)
    source = random.Random(seed)
    for position in source.sample(range(len(payload)), CHANGED_BYTES):
        changed = bytearray(payload)
        changed[position] ^= source.randrange(1, 256)
        assert refused(bytes(changed)), f"byte {position} from {payload[position]} to {changed[position]}"
    assert refused(payload + b"\x00")
    assert refused(payload[:-1])
    assert refused(b"")


def other_log_indexes_are_refused(
    devnet: DevnetProcess, burn: str, payload: bytes, refused: Callable[[bytes], bool]
) -> None:
    """By the node, which gives no proof of it, and by the contract, for a payload that claims it."""
    url = f"{devnet.described['validators'][1]['api_url']}/sidewarden/v1/burns/{burn}/proof?log_index=1"
    status, refusal = ask(url)
    assert (status, refusal["error"]["code"]) == (404, "LOG_NOT_A_BURN")
    fields = list(rlp.decode(payload))
    for index in (b"\x01", b"\x7f", b"\xff" * 32):
        fields[LOG_INDEX_FIELD] = index
        assert refused(rlp.encode(fields))


def _reverts(call: Callable[[], object]) -> bool:
    try:
        call()
    except ContractLogicError:
        return True
    return False
