"""The validator set by L1's logs: who joins, grows, changes its key and leaves; what follows for tallies and engine."""

from bridge.codec.hash import keccak256
from bridge.codec.types import ValidatorId
from node.app.engine_set import checked_update, engine_members
from node.app.errors import LogOutcome, TransactionCode
from node.app.queries import is_leaving, l1_quorum, member_by_id, quorum
from node.app.state import EngineMember, Stage
from tests.unit.app import logs
from tests.unit.app.network import TOKEN, Network, Validator, key

Updates = tuple[EngineMember, ...]


class Engine:
    """What CometBFT would hold: every block's updates applied by the rules by which it would halt."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.members: Updates = network.state.engine_set.members

    def see_l1(self) -> None:
        """A block in which all attest L1, then enough blocks for the rest."""
        self.take(self.network.see_l1().validator_updates)
        for _ in range(3):
            self.take(self.network.block().validator_updates)

    def take(self, updates: object) -> None:
        """Apply a block's updates; raises where CometBFT would halt."""
        assert isinstance(updates, tuple)
        self.members = checked_update(self.members, updates)
        assert self.members == self.network.state.engine_set.members

    def ids(self) -> list[int]:
        """The ids of the engine's validators."""
        by_signer = {member.signer: member.id for member in self.network.state.validators.tally_set}
        return sorted(by_signer[member.signer] for member in self.members)


def join(network: Network, number: int, stake: int = 50, public_key: bytes | None = None) -> None:
    """Validator `number` stakes on L1."""
    new = key(number)
    public = new.public if public_key is None else public_key
    network.l1_block(logs.staked(new.address, number, stake * TOKEN, public))


def tally_ids(network: Network) -> list[int]:
    """Who counts in tallies."""
    return [member.id for member in network.state.validators.tally_set]


def test_join__counts_at_once_and_may_speak() -> None:
    network = Network()
    engine = Engine(network)
    join(network, 5)
    engine.see_l1()
    assert tally_ids(network) == [1, 2, 3, 4, 5]
    assert engine.ids() == [1, 2, 3, 4, 5]
    network.validators.append(Validator(ValidatorId(5), key(5)))
    network.report_heads(11)
    assert network.state.tallies[-1].id == 5


def test_join__off_curve_key__counts_on_l1_only_and_the_engine_set_stays_valid() -> None:
    network = Network()
    engine = Engine(network)
    off_curve = bytes(63) + b"\x05"
    signer = keccak256(off_curve)[12:]
    network.l1_block(logs.staked(type(key(1).address)(signer), 5, 100 * TOKEN, off_curve))
    engine.see_l1()
    assert tally_ids(network) == [1, 2, 3, 4]
    assert engine.ids() == [1, 2, 3, 4]
    record = member_by_id(network.state, ValidatorId(5))
    assert record is not None
    assert not record.has_usable_key

    network.report_heads(11)
    network.propose(0, 7)
    network.sign(*network.validators[:3])
    assert (quorum(network.state, network.proposal).power, quorum(network.state, network.proposal).total) == (270, 340)
    assert (l1_quorum(network.state, network.proposal).power, l1_quorum(network.state, network.proposal).total) == (
        270,
        440,
    )
    assert network.stage() is Stage.COLLECTING, "270 of 440 is no quorum for L1"
    network.sign(network.validators[3])
    assert network.stage() is Stage.OPEN


def test_join__key_of_wrong_length_or_of_another_signer__unusable() -> None:
    network = Network()
    join(network, 5, public_key=b"\x04" + key(5).public)
    join(network, 6, public_key=key(5).public)
    Engine(network).see_l1()
    assert tally_ids(network) == [1, 2, 3, 4]


def test_join_and_leave__in_one_block__engine_set_valid_and_gone_with_the_next_ack() -> None:
    network = Network()
    engine = Engine(network)
    new = key(5)
    network.l1_block(logs.staked(new.address, 5, 50 * TOKEN, new.public), logs.unstake_init(5, 2, 2))
    engine.see_l1()
    assert engine.ids() == [1, 2, 3, 4, 5]
    record = member_by_id(network.state, ValidatorId(5))
    assert record is not None
    assert is_leaving(network.state, record) == 1
    network.checkpoint()
    assert tally_ids(network) == [1, 2, 3, 4]
    assert [record.id for record in network.state.validators.former] == [5]


def test_join_and_forced_leave__in_one_block__the_engine_never_hears_of_it() -> None:
    network = Network()
    new = key(5)
    network.l1_block(logs.staked(new.address, 5, 50 * TOKEN, new.public), logs.unstake_init(5, 2, 1))
    response = network.see_l1()
    assert response.validator_updates == ()
    assert tally_ids(network) == [1, 2, 3, 4]


def test_leave__counts_until_the_ack_that_brings_its_epoch() -> None:
    network = Network()
    engine = Engine(network)
    leaver = network.validators[0]
    network.l1_block(logs.unstake_init(1, 2, 2))
    engine.see_l1()
    assert tally_ids(network) == [1, 2, 3, 4]
    network.report_heads(11)
    network.propose(0, 7)
    network.sign()
    network.l1_block(logs.new_header(network.proposal.proposer, 10_000, 0, 7, network.proposal.root_hash))
    response = network.see_l1()
    engine.take(response.validator_updates)
    assert tally_ids(network) == [2, 3, 4]
    assert network.state.validators.epoch == 2
    assert engine.ids() == [2, 3, 4]
    assert leaver.id not in [voter.id for voter in network.state.tallies]
    assert all(leaver.key.address != member.signer for member in network.state.priorities[0].members)


def test_leave__proposer__its_turn_ends_and_the_vector_rotates_once() -> None:
    network = Network()
    network.report_heads(11)
    proposer = network.proposer
    network.propose(0, 7)
    network.l1_block(logs.unstake_init(proposer.id, 2, 1))
    network.see_l1()
    assert network.proposer is not proposer
    assert network.turn.number == 2
    assert network.state.proposals[0].current is None


def test_leave__epoch_set_by_hand__ours_follows_with_an_alert() -> None:
    network = Network()
    network.l1_block(logs.unstake_init(1, 2, 50))
    network.see_l1()
    assert network.state.validators.epoch == 49
    assert tally_ids(network) == [1, 2, 3, 4]
    alert = network.state.feeds[0].last_alert
    assert alert is not None
    assert alert.outcome is LogOutcome.EPOCH_JUMPED
    network.checkpoint()
    assert tally_ids(network) == [2, 3, 4]


def test_leave__everybody_forced_out__last_sets_stay_and_later_logs_still_apply() -> None:
    network = Network()
    engine = Engine(network)
    network.l1_block(*(logs.unstake_init(number, 2, 1) for number in (1, 2, 3, 4)))
    engine.see_l1()
    assert network.state.validators.members == ()
    assert network.state.validators.is_frozen
    frozen = tally_ids(network)
    assert frozen == [4], "the last who counted"
    assert engine.ids() == [4]
    join(network, 5)
    engine.take(network.see_l1(network.validators[3]).validator_updates)
    assert tally_ids(network) == [5]
    assert not network.state.validators.is_frozen


def test_stake_update__power_changes_at_once_and_open_tallies_are_recounted() -> None:
    network = Network()
    engine = Engine(network)
    network.report_heads(11)
    network.propose(0, 7)
    network.sign(*network.validators[2:])
    assert network.stage() is Stage.COLLECTING
    network.l1_block(logs.stake_update(1, 2, 10 * TOKEN), logs.stake_update(2, 2, 9 * TOKEN))
    engine.see_l1()
    assert network.stage() is Stage.GRACE


def test_stake_update__after_a_transaction__it_stays_used_up() -> None:
    network = Network()
    one = network.validators[0]
    old = network.attest(one)
    network.block(old)
    network.l1_block(logs.stake_update(one.id, 2, 55 * TOKEN))
    network.see_l1(*network.everybody(one))
    assert network.state.validators.tally_set[0].power == 55
    assert network.block(old).tx_results[0].code == TransactionCode.NONCE_USED


def test_stake_update__below_one_token__no_power_and_out_of_the_tally() -> None:
    network = Network()
    engine = Engine(network)
    network.l1_block(logs.stake_update(1, 2, TOKEN - 1))
    engine.see_l1()
    assert tally_ids(network) == [2, 3, 4]
    assert engine.ids() == [2, 3, 4]


def test_stake_update__beyond_the_engines_cap__engine_set_frozen_and_the_chain_goes_on() -> None:
    network = Network()
    engine = Engine(network)
    network.l1_block(logs.stake_update(1, 2, 2**61 * TOKEN))
    engine.see_l1()
    assert network.state.engine_set.is_frozen
    assert [member.power for member in engine.members if member.signer == key(1).address] == [100]
    network.l1_block(logs.stake_update(1, 3, 100 * TOKEN))
    network.see_l1()
    assert not network.state.engine_set.is_frozen


def test_nonce__out_of_order__applied_with_an_alert() -> None:
    network = Network()
    network.l1_block(logs.stake_update(1, 9, 55 * TOKEN))
    network.see_l1()
    assert network.state.validators.tally_set[0].power == 55
    alert = network.state.feeds[0].last_alert
    assert alert is not None
    assert alert.outcome is LogOutcome.NONCE_OUT_OF_ORDER
    network.l1_block(logs.stake_update(1, 10, 56 * TOKEN))
    network.see_l1()
    assert network.state.feeds[0].alerted_logs == 1


def with_whale_on_l1() -> tuple[Network, Validator]:
    """A network with a proposal, and a validator whose public key is of no use, so that its stake counts on L1 only."""
    network = Network()
    join(network, 5, stake=10_000, public_key=b"\x01" * 64)
    network.see_l1()
    network.report_heads(7)
    network.propose(0, 7)
    return network, Validator(ValidatorId(5), key(5))


def test_quorum__all_power_here_and_too_little_stake_on_l1__is_none() -> None:
    network, whale = with_whale_on_l1()
    network.sign()
    assert network.stage() is Stage.COLLECTING
    network.sign(whale)
    assert network.stage() is Stage.OPEN


def test_quorum__stake_enough_on_l1_and_too_little_power_here__is_none() -> None:
    network, whale = with_whale_on_l1()
    network.sign(whale)
    assert network.stage() is Stage.COLLECTING
    network.sign(*network.validators[:3])
    assert network.stage() is Stage.GRACE


def test_quorum__stake_of_who_is_leaving_l1__counts_there_until_its_epoch() -> None:
    network, _ = with_whale_on_l1()
    network.l1_block(logs.unstake_init(5, 2, network.state.validators.epoch + 1))
    network.see_l1()
    network.sign()
    assert network.stage() is Stage.COLLECTING


def test_quorum__lost_within_grace__nothing_opens_until_it_is_there_again() -> None:
    network = Network()
    network.report_heads(7)
    network.propose(0, 7)
    network.sign(*network.validators[:3])
    assert network.stage() is Stage.GRACE
    network.l1_block(logs.stake_update(4, 2, 300 * TOKEN))
    network.see_l1()
    network.empty_blocks(10)
    assert network.stage() is Stage.COLLECTING
    network.l1_block(logs.stake_update(4, 3, 70 * TOKEN))
    network.see_l1()
    assert network.stage() is Stage.GRACE


def test_signer_change__signatures_of_the_old_key_drop_and_the_new_one_signs_the_same_digest() -> None:
    network = Network()
    engine = Engine(network)
    network.report_heads(11)
    network.propose(0, 7)
    changing = next(validator for validator in network.validators if validator is not network.proposer)
    network.sign()
    assert network.stage() is Stage.OPEN
    old, new = changing.key, key(50)
    network.l1_block(logs.signer_change(changing.id, 2, old.address, new.address, new.public))
    engine.see_l1()
    opening = network.proposal.opening
    assert opening is not None
    assert old.address not in [signed.signer for signed in opening.signatures]
    assert changing.id not in [verdict.validator for verdict in network.proposal.verdicts]
    assert network.block(network.attest(changing)).tx_results[0].code == TransactionCode.UNKNOWN_SIGNER

    changing.key, changing.nonce = new, 0
    network.sign(changing)
    assert changing.id in [verdict.validator for verdict in network.proposal.verdicts]
    assert new.address in [member.signer for member in engine.members]


def test_signer_change__to_a_signer_in_use__ignored() -> None:
    network = Network()
    network.l1_block(logs.signer_change(1, 2, key(1).address, key(2).address, key(2).public))
    network.see_l1()
    alert = network.state.feeds[0].last_alert
    assert alert is not None
    assert alert.outcome is LogOutcome.SIGNER_IN_USE


def test_signer_change__old_signer_is_not_ours__applied_with_an_alert() -> None:
    network = Network()
    network.l1_block(logs.signer_change(1, 2, key(7).address, key(50).address, key(50).public))
    network.see_l1()
    alert = network.state.feeds[0].last_alert
    assert alert is not None
    assert alert.outcome is LogOutcome.SIGNER_MISMATCH
    assert network.state.validators.tally_set[0].signer == key(50).address


def test_join__takes_effect_after_its_own_step_only() -> None:
    """The step that brings a whale is agreed by the set before it; the next one needs the whale."""
    network = Network()
    join(network, 5, stake=10_000)
    network.l1_block(logs.unknown())
    network.see_l1()
    assert network.state.feeds[0].step_number == 2
    assert tally_ids(network) == [1, 2, 3, 4, 5]
    network.validators.append(Validator(ValidatorId(5), key(5)))
    network.see_l1(network.validators[4])
    assert network.state.feeds[0].step_number == 3


def test_engine_members__ascend_by_signer() -> None:
    members = engine_members(Network().state.validators.tally_set)
    assert list(members) == sorted(members, key=lambda member: member.signer)
