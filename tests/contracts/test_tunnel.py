"""The tunnel: any bytes go to the side chain as messages, and come from it by proof, each once."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.codec.abi import encode_values, event_topic
from bridge.codec.exit_payload import encode_payload, exit_hash
from bridge.codec.types import Address
from contracts.deployment import DeploymentStep, contract_address
from contracts.loader import constructor_data
from contracts.plasma_calls import receive_message, send_to_child, send_to_root
from tests.contracts.crossing import BURNER, free_log
from tests.contracts.harness import DEPLOYER, STRANGER, SUBMITTER, SYNCER, invoke
from tests.contracts.plasma import Plasma, puppet_run

MESSAGES = [b"", b"\x00", b"hello from the side chain", bytes(range(256)) * 16]
MESSAGE_SENT = event_topic("MessageSent(bytes)")
FUZZED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def last_message(plasma: Plasma, at: Address, *, on_root: bool) -> bytes:
    chain = plasma.root if on_root else plasma.side
    (message,) = chain.view(at, "lastMessage()", ("bytes",))
    assert isinstance(message, bytes)
    return message


@pytest.fixture(scope="session")
def sent_once(plasma_once: Plasma) -> tuple[Plasma, bytes]:
    """A message on the side chain under a checkpoint, and the payload that proves it."""
    plasma = plasma_once.copy()
    plasma.crossing.checkpoint()
    block = plasma.side.send(BURNER, send_to_root(plasma.there, b"once")).header
    plasma.side.embedded.mine(3)
    plasma.crossing.checkpoint()
    return plasma, encode_payload(plasma.crossing.payload(block))


@pytest.mark.parametrize("message", MESSAGES, ids=len)
def test_message__to_the_side_chain__arrives_as_it_was(plasma: Plasma, message: bytes) -> None:
    (mined,) = plasma.crossing.carry(plasma.root.send(STRANGER, send_to_child(plasma.here, message)))
    assert last_message(plasma, plasma.there.demo_tunnel, on_root=False) == message
    assert [log.address for log in mined.logs] == [plasma.there.demo_tunnel]


@pytest.mark.parametrize("message", MESSAGES, ids=len)
def test_message__to_the_root_chain__arrives_as_it_was_and_once(plasma: Plasma, message: bytes) -> None:
    mined = plasma.side.send(BURNER, send_to_root(plasma.there, message))
    (log,) = mined.logs
    assert (log.topics, log.data) == ((MESSAGE_SENT,), encode_values(("bytes",), (message,)))
    plasma.crossing.checkpoint()
    payload = plasma.crossing.payload(mined.header)
    key = exit_hash(payload.block_number, payload.branch_mask, payload.log_index)
    processed = "processedExits(bytes32)"
    assert plasma.root.number(plasma.here.demo_tunnel, processed, key) == 0
    step = receive_message(plasma.here, encode_payload(payload))

    plasma.root.send(SUBMITTER, step)

    assert last_message(plasma, plasma.here.demo_tunnel, on_root=True) == message
    assert plasma.root.number(plasma.here.demo_tunnel, processed, key) == 1
    assert plasma.root.refusal(SUBMITTER, step) == "RootTunnel: EXIT_ALREADY_PROCESSED"


def test_messages__several_in_a_transaction__arrive_in_any_order(plasma: Plasma) -> None:
    steps = [send_to_root(plasma.there, b"message %d" % place) for place in range(3)]
    block = plasma.side.send(BURNER, puppet_run(steps)).header
    plasma.crossing.checkpoint()
    for place in (2, 0, 1):
        payload = plasma.crossing.payload(block, log_index=place)
        plasma.root.send(SUBMITTER, receive_message(plasma.here, encode_payload(payload)))
        assert last_message(plasma, plasma.here.demo_tunnel, on_root=True) == b"message %d" % place


def test_message__of_another_contract__is_refused(plasma: Plasma) -> None:
    data = encode_values(("bytes",), (b"forged",))
    block = plasma.burnt(free_log(plasma.crossing.free_token, (MESSAGE_SENT,), data))
    step = receive_message(plasma.here, encode_payload(plasma.crossing.payload(block)))
    assert plasma.root.refusal(SUBMITTER, step) == "RootTunnel: INVALID_CHILD_TUNNEL"


def test_log__of_the_child_tunnel_that_is_no_message_to_the_root__is_refused(plasma: Plasma) -> None:
    (mined,) = plasma.crossing.carry(plasma.root.send(STRANGER, send_to_child(plasma.here, b"received")))
    plasma.crossing.checkpoint()
    step = receive_message(plasma.here, encode_payload(plasma.crossing.payload(mined.header)))
    assert plasma.root.refusal(SUBMITTER, step) == "RootTunnel: INVALID_SIGNATURE"


def test_log__with_a_topic_too_many_or_data_that_are_no_bytes__is_refused(plasma: Plasma) -> None:
    """No honest child tunnel emits these: a root tunnel here listens to a contract that emits anything."""
    listening = contract_address(DEPLOYER.address, plasma.root.embedded.nonce(DEPLOYER.address))
    here, free_token = plasma.crossing.root.contracts, plasma.crossing.free_token
    creation = constructor_data("DemoRootTunnel", here.root_chain, here.state_sender, free_token)
    plasma.root.send(DEPLOYER, DeploymentStep("create", None, creation))
    encoded = encode_values(("bytes",), (b"message",))
    for topics, data, refusal in (
        ((), encoded, "MalformedRlp"),
        ((MESSAGE_SENT, MESSAGE_SENT), encoded, "RootTunnel: INVALID_SIGNATURE"),
        ((MESSAGE_SENT,), b"", ""),
        ((MESSAGE_SENT,), encoded[:70], ""),
        ((MESSAGE_SENT,), b"\xff" * 64, ""),
    ):
        block = plasma.burnt(free_log(free_token, topics, data))
        payload = encode_payload(plasma.crossing.payload(block))
        assert plasma.root.refusal(SUBMITTER, invoke(listening, "receiveMessage(bytes)", payload)) == refusal


def test_child_tunnel__message_of_another_or_out_of_turn__is_refused(plasma: Plasma) -> None:
    tunnel, receive = plasma.there.demo_tunnel, "onStateReceive(uint256,bytes)"
    assert plasma.side.refusal(STRANGER, invoke(tunnel, receive, 10**6, b"forged")) == "NotTheStateSyncer"
    plasma.side.send(SYNCER, invoke(tunnel, receive, 10**6, b"true"))
    for late in (10**6, 10**6 - 1):
        assert plasma.side.refusal(SYNCER, invoke(tunnel, receive, late, b"again")) == "StateIdNotAscending"


def test_root_tunnel__that_is_not_registered__cannot_send(plasma: Plasma) -> None:
    other = contract_address(DEPLOYER.address, plasma.root.embedded.nonce(DEPLOYER.address))
    here = plasma.crossing.root.contracts
    creation = constructor_data("DemoRootTunnel", here.root_chain, here.state_sender, plasma.there.demo_tunnel)
    plasma.root.send(DEPLOYER, DeploymentStep("create", None, creation))
    step = invoke(other, "sendMessageToChild(bytes)", b"forged")
    assert plasma.root.refusal(DEPLOYER, step) == "Invalid sender"


def test_message__as_deployed__says_whom_it_listens_to(plasma: Plasma) -> None:
    contracts, tunnel = plasma.crossing.root.contracts, plasma.here.demo_tunnel
    assert plasma.root.address(tunnel, "checkpointManager()") == contracts.root_chain
    assert plasma.root.address(tunnel, "stateSender()") == contracts.state_sender
    assert plasma.root.address(tunnel, "childTunnel()") == plasma.there.demo_tunnel
    assert plasma.side.address(plasma.there.demo_tunnel, "stateSyncer()") == SYNCER.address


@settings(FUZZED, max_examples=80)
@given(place=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_message__by_a_payload_with_any_flipped_bit__is_refused(
    sent_once: tuple[Plasma, bytes], place: int, bit: int
) -> None:
    plasma, good = sent_once
    changed = bytearray(good)
    changed[place % len(changed)] ^= 1 << bit
    assert plasma.root.refusal(SUBMITTER, receive_message(plasma.here, bytes(changed)))


def test_message__by_a_payload_with_another_log_or_writing__is_refused(sent_once: tuple[Plasma, bytes]) -> None:
    plasma, good = sent_once
    block = plasma.side.embedded.header(plasma.crossing.checkpoints[-1].headers[0].number)
    payload = plasma.crossing.payload(block)
    assert encode_payload(payload) == good
    for changed in (
        good[:-1],
        good + b"\x00",
        encode_payload(replace(payload, log_index=1)),
        encode_payload(replace(payload, branch_mask=b"\x20\x80")),
        encode_payload(replace(payload, branch_mask=b"\x10\x80")),
    ):
        assert plasma.root.refusal(SUBMITTER, receive_message(plasma.here, changed))
