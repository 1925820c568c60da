"""The presets make a genesis that is accepted, and a configuration that fits it."""

from dataclasses import replace

import pytest

from bridge.codec.checkpoint import DataForm
from bridge.codec.hash import keccak256
from bridge.codec.secp256k1 import address_of, public_key_of
from bridge.codec.types import Address, BlockNumber, ChainId, Hash32, UnixSeconds, ValidatorId, Wei
from config.errors import ConfigContradictsGenesis
from config.file import check_against_genesis, dump_config, parse_config
from config.presets import (
    RootContracts,
    devnet_config,
    devnet_network,
    devnet_root_chain,
    polygon_network,
    polygon_root_chain,
)
from config.schema import NodeConfig, Paths
from node.app.genesis import Genesis, GenesisValidator, RootChainGenesis
from node.app.parameters import Parameters, RootChainParameters, least_no_ack_buffer_s

SIDE, ROOT = ChainId(1_337), ChainId(1_338)
CONTRACTS = RootContracts(Address(b"\x01" * 20), Address(b"\x02" * 20), Address(b"\x03" * 20))
VALIDATORS_MAX = 32


def genesis(network: Parameters, root_chain: RootChainParameters) -> Genesis:
    public_key = public_key_of(keccak256(b"validator"))
    validator = GenesisValidator(ValidatorId(1), address_of(public_key), public_key, Wei(10**20), 1, 1, 0)
    start = RootChainGenesis(
        parameters=root_chain,
        filter=(),
        block_number=BlockNumber(20),
        block_hash=keccak256(b"block"),
        block_time=UnixSeconds(1_700_000_000),
        last_header_id=0,
        last_end=BlockNumber(0),
        next_header_id=10_000,
        account_root=Hash32(bytes(32)),
        state_id=0,
    )
    return Genesis("devnet", UnixSeconds(1_700_000_010), 1, 0, network, (validator,), (start,), b"").checked()


def config() -> NodeConfig:
    return devnet_config(
        moniker="validator-0",
        api_port=1317,
        paths=Paths(genesis="../../genesis.json", engine_db="../../engine.db"),
        signer=Address(b"\x04" * 20),
        submission=Address(b"\x05" * 20),
        side_urls=("http://127.0.0.1:1417/side/v/0/a", "http://127.0.0.1:1417/side/v/0/b"),
        root_name="main",
        root_urls=("http://127.0.0.1:1417/main/v/0/a", "http://127.0.0.1:1417/main/v/0/b"),
        root_chain_manager=Address(b"\x06" * 20),
    )


@pytest.mark.parametrize("data_form", DataForm)
def test_devnet__genesis_and_configuration__fit(data_form: DataForm) -> None:
    devnet = genesis(devnet_network(SIDE), devnet_root_chain("main", ROOT, SIDE, CONTRACTS, data_form))

    check_against_genesis(config(), devnet)
    assert parse_config(dump_config(config()).encode()) == config()


def test_devnet__buffer__leaves_four_seconds() -> None:
    root_chain = devnet_root_chain("main", ROOT, SIDE, CONTRACTS, DataForm.BOUND)

    least_s = least_no_ack_buffer_s(devnet_network(SIDE), root_chain, VALIDATORS_MAX)

    assert root_chain.no_ack_buffer_s - least_s in range(1, 5)


def test_polygon__genesis__is_accepted() -> None:
    genesis(polygon_network(ChainId(137)), polygon_root_chain("ethereum", ChainId(1), ChainId(137), CONTRACTS))


@pytest.mark.parametrize(("confirmations", "fits"), [(0, True), (1, False), (2, True), (30, True)])
def test_confirmations__fewer_than_the_network_agreed__refused(confirmations: int, fits: bool) -> None:
    devnet = genesis(devnet_network(SIDE), devnet_root_chain("main", ROOT, SIDE, CONTRACTS, DataForm.BOUND))
    (root_chain,) = config().root_chains
    for name, changed in (
        ("side_chain", replace(config(), side_chain=replace(config().side_chain, confirmations=confirmations))),
        (r"root_chains \(main\)", replace(config(), root_chains=(replace(root_chain, confirmations=confirmations),))),
    ):
        if fits:
            check_against_genesis(changed, devnet)
        else:
            with pytest.raises(ConfigContradictsGenesis, match=rf"{name}\.confirmations: 1 is fewer than .* 2"):
                check_against_genesis(changed, devnet)


def test_root_chains__other_names_than_in_genesis__refused() -> None:
    devnet = genesis(devnet_network(SIDE), devnet_root_chain("other", ROOT, SIDE, CONTRACTS, DataForm.BOUND))

    with pytest.raises(ConfigContradictsGenesis, match="root_chains names main; genesis has other"):
        check_against_genesis(config(), devnet)
