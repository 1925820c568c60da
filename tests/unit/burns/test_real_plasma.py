"""The service over real contracts of the Plasma bridge and a tunnel: what it calls READY can be taken, and once."""

from dataclasses import replace

from bridge.burns.kinds import BurnKind
from bridge.burns.report import BurnStatus
from bridge.burns.views import ExitContracts
from bridge.codec.types import Hash32, Wei
from contracts import plasma_calls
from contracts.deployment import DeploymentStep
from tests.contracts.crossing import BURNER, free_log, join_chains
from tests.contracts.harness import SUBMITTER
from tests.contracts.network import TOKEN
from tests.contracts.plasma import Plasma, add_plasma, puppet_run
from tests.contracts.test_plasma_attacks import free_burn
from tests.unit.burns.test_real_chains import RealWorld, real_world


def plasma_exits(plasma: Plasma) -> ExitContracts:
    """Where the exits of the Plasma bridge and the tunnel are made."""
    return ExitContracts(
        withdraw_manager=plasma.here.withdraw_manager,
        plasma_erc20_predicate=plasma.here.erc20_predicate,
        plasma_erc721_predicate=plasma.here.erc721_predicate,
        tunnels={plasma.there.demo_tunnel: plasma.here.demo_tunnel},
    )


async def burnt(world: RealWorld, *steps: DeploymentStep) -> Hash32:
    """A transaction of the burner on the side chain under a checkpoint that everybody knows."""
    world.crossing.side.send(BURNER, steps[0] if len(steps) == 1 else puppet_run(steps))
    transaction = world.last_transaction()
    world.crossing.checkpoint()
    await world.settle()
    return transaction


async def test_burns__of_plasma_tokens_several_in_a_receipt__are_ready_and_started_each_on_its_own() -> None:
    plasma = add_plasma(join_chains())
    async with real_world(plasma.crossing, plasma_exits(plasma)) as world:
        words = TOKEN.to_bytes(32) + bytes(64)
        transaction = await burnt(world, free_log(plasma.crossing.free_token, free_burn(plasma), words, count=3))
        report = await world.service.burns(transaction)
        assert [(burn.kind, burn.status) for burn in report.burns] == [(BurnKind.PLASMA_ERC20, BurnStatus.READY)] * 3
        proof = await world.service.proof(transaction, 1)
        assert proof.simulated

        plasma.root.send(BURNER, plasma.start(proof.payload))
        await world.settle()

        burns = (await world.service.burns(transaction)).burns
        assert [burn.status for burn in burns] == [BurnStatus.READY, BurnStatus.EXITED, BurnStatus.READY]
        exit_of_second = burns[1].root_chains[0].exit
        assert exit_of_second is not None
        (start,) = plasma.root.embedded.block(exit_of_second.block_number).transactions
        assert exit_of_second.transaction_hash == start.hash
        for log_index in (0, 2):
            payload = (await world.service.proof(transaction, log_index)).payload
            plasma.root.send(BURNER, plasma.start(payload))


async def test_burns__of_each_plasma_token__are_proved_for_their_predicate() -> None:
    plasma = add_plasma(join_chains())
    async with real_world(plasma.crossing, plasma_exits(plasma)) as world:
        for step, kind, predicate in (
            (
                plasma_calls.withdraw_native(plasma.there, Wei(TOKEN)),
                BurnKind.PLASMA_ERC20,
                plasma.here.erc20_predicate,
            ),
            (plasma_calls.withdraw(plasma.there.ether, TOKEN), BurnKind.PLASMA_ERC20, plasma.here.erc20_predicate),
            (plasma_calls.withdraw(plasma.there.demo_nft, 7), BurnKind.PLASMA_ERC721, plasma.here.erc721_predicate),
        ):
            transaction = await burnt(world, step)
            burns = [each for each in (await world.service.burns(transaction)).burns if each.kind == kind]
            proof = await world.service.proof(transaction, burns[0].log_index)
            assert proof.simulated
            plasma.root.send(BURNER, plasma.start(proof.payload, predicate))
            await world.settle()
            (after,) = (each for each in (await world.service.burns(transaction)).burns if each.kind == kind)
            assert after.status is BurnStatus.EXITED


async def test_messages__several_in_a_receipt__are_ready_and_taken_each_on_its_own() -> None:
    plasma = add_plasma(join_chains())
    async with real_world(plasma.crossing, plasma_exits(plasma)) as world:
        transaction = await burnt(
            world, *(plasma_calls.send_to_root(plasma.there, b"%d" % place) for place in range(2))
        )
        report = await world.service.burns(transaction)
        assert [(burn.kind, burn.status) for burn in report.burns] == [(BurnKind.MESSAGE, BurnStatus.READY)] * 2
        proof = await world.service.proof(transaction, 0)
        assert proof.simulated

        plasma.root.send(SUBMITTER, plasma_calls.receive_message(plasma.here, proof.payload))
        await world.settle()

        burns = (await world.service.burns(transaction)).burns
        assert [burn.status for burn in burns] == [BurnStatus.EXITED, BurnStatus.READY]


async def test_burns__under_a_manager_that_does_not_tell_its_exits__are_judged_by_its_logs() -> None:
    """As Polygon's: a call for a known exit reverts there. The registry stands in for it, and logs no exits."""
    plasma = add_plasma(join_chains())
    exits = replace(plasma_exits(plasma), withdraw_manager=plasma.here.registry)
    async with real_world(plasma.crossing, exits) as world:
        words = TOKEN.to_bytes(32) + bytes(64)
        transaction = await burnt(world, free_log(plasma.crossing.free_token, free_burn(plasma), words))
        assert (await world.service.burns(transaction)).status is BurnStatus.READY
        assert (await world.service.proof(transaction)).simulated
