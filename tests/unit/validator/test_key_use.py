"""What the state needs a key for, over a validator's life."""

from bridge.codec.types import Address
from node.validator.key_use import KeyReport, KeyUse, key_report
from tests.unit.app import logs
from tests.unit.app.network import Network, key

NEW = key(99)


def use_of(network: Network, address: Address) -> KeyReport:
    return key_report(network.state, address)


def test_key__of_a_validator__signs_and_is_needed() -> None:
    network = Network()

    report = use_of(network, key(1).address)

    assert (report.use, report.validator_id, report.power, report.is_needed) == (KeyUse.SIGNS, 1, 100, True)
    assert report.text == "signs for validator 1, power 100"


def test_key__that_no_validator_has__is_not_needed() -> None:
    report = use_of(Network(), NEW.address)

    assert (report.use, report.validator_id, report.is_needed) == (KeyUse.UNUSED, None, False)


def test_keys__when_a_signer_changes__swap_their_roles() -> None:
    network = Network()
    network.l1_block(logs.signer_change(2, 2, key(2).address, NEW.address, NEW.public))
    network.see_l1()

    old, new = use_of(network, key(2).address), use_of(network, NEW.address)

    assert (new.use, new.validator_id) == (KeyUse.SIGNS, 2)
    assert (old.use, old.is_needed) == (KeyUse.UNUSED, False)


def test_key__of_a_leaver__is_needed_until_its_epoch_has_come() -> None:
    network = Network()
    network.l1_block(logs.unstake_init(4, 2, network.state.validators.epoch + 1))
    network.see_l1()

    leaving = use_of(network, key(4).address)
    network.checkpoint()
    left = use_of(network, key(4).address)

    assert (leaving.use, leaving.leaving_acks, leaving.is_needed) == (KeyUse.LEAVING, 1, True)
    assert leaving.text == "signs for validator 4, which leaves in 1 acks"
    assert (left.use, left.validator_id, left.is_needed) == (KeyUse.FORMER, 4, False)
