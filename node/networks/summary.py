"""What a person must know about a network that was just made: no secrets."""

from collections.abc import Sequence

from bridge.codec.hexadecimal import checksum_address, to_hex
from node.app.genesis import Genesis, genesis_hash
from node.networks.contracts_file import NetworkContracts
from node.networks.homes import Member


def summary(genesis: Genesis, contracts: NetworkContracts, members: Sequence[Member], *, is_funded: bool) -> str:
    """The text for terminal and summary.txt."""
    root_chain = genesis.root_chains[0]
    total_wei = sum(validator.stake_wei for validator in genesis.validators)
    stakes_wei = {validator.signer: validator.stake_wei for validator in genesis.validators}
    lines = [
        f"network {genesis.name}, genesis hash {to_hex(genesis_hash(genesis))}",
        f"side chain {genesis.parameters.side_chain_id}; root chain {root_chain.parameters.chain_id} "
        f"at confirmed block {root_chain.block_number}",
        "",
        *(f"{name:<18} {checksum_address(address)}" for name, address in contracts.on_root.items()),
        *(f"{name:<18} {checksum_address(address)} (side chain)" for name, address in contracts.on_side.items()),
    ]
    for member in members:
        lines += ["", *_of_member(member, stakes_wei[member.signer] / total_wei)]
    if not is_funded:
        lines += ["", "The submission accounts hold nothing yet: send each some of the root chain's money."]
    return "\n".join([*lines, "", *_next_steps(members)]) + "\n"


def _of_member(member: Member, share: float) -> list[str]:
    place = member.place
    return [
        f"{member.moniker}, {share:.1%} of the power",
        f"  signer      {checksum_address(member.signer)}",
        f"  submission  {checksum_address(member.submission)}",
        f"  peer        {member.peer}",
        f"  API         port {place.api_port} on loopback" + (f" of {place.host}" if place.is_remote else ""),
        f"  home        {member.home}",
    ]


def _next_steps(members: Sequence[Member]) -> list[str]:
    if not members[0].place.is_remote:
        return ["Start each: sidewarden start --home " + str(members[0].home), "and so on for the others."]
    return [
        "Copy each home to its machine, and to no other; then remove it here. A home that runs twice signs twice.",
        *(f"  {member.home} -> {member.place.host}" for member in members),
        "On each machine: sidewarden start --home THE_COPY. They must reach each other on the peers' ports.",
    ]
