"""Evidence of misbehaviour: an alarm for a week, whoever asks and however often."""

from dataclasses import replace

from node.app.abci import Misbehavior, MisbehaviorType
from node.duties.evidence import ALARM_S, EvidenceLog
from tests.unit.app.network import Network, key
from tests.unit.app.test_application import request_of


def misbehave(network: Network, number: int, height: int) -> None:
    """A block with evidence that this key signed twice at a height."""
    found = Misbehavior(MisbehaviorType.DUPLICATE_VOTE, key(number).address, 80, height, 5 * 10**9, 340)
    network.app.finalize_block(replace(request_of(network), misbehavior=(found,)))
    network.app.commit()


def test_evidence__recorded__is_an_alarm_until_a_week_has_passed() -> None:
    network = Network()
    evidence = EvidenceLog(network.store, lambda: network.app.committed)
    network.block()
    assert (evidence.alarm(), evidence.count, evidence.before(0, 5)) == (None, 0, ())
    misbehave(network, 3, height=1)
    alarm = evidence.alarm()
    assert alarm is not None
    assert alarm.startswith(
        f"MISBEHAVIOR: validator 3 (0x{key(3).address.hex()}) is proved of DUPLICATE_VOTE at block 1"
    )
    network.block(seconds=ALARM_S - 1)
    assert evidence.alarm() == alarm
    network.block(seconds=1)
    assert evidence.alarm() is None
    misbehave(network, 99, height=3)
    alarm = evidence.alarm()
    assert alarm is not None
    assert "a former validator" in alarm
    assert [one.index for one in evidence.before(evidence.count, 1)] == [1]
