"""config.toml: what is right is read back the same, and what is wrong is named."""

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.chain.fees import FeePolicy
from bridge.chain.rpc import ENDPOINTS_MAX, RpcLimits
from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address, Hash32
from config.errors import ConfigInvalid, ConfigUnreadable
from config.file import FILE_BYTES_MAX, FILE_NAME, dump_config, load_home, parse_config, write_config
from config.schema import Api, Comet, Engine, Fees, Keys, Log, NodeConfig, Paths, RootChain, Rpc, SideChain
from config.table import FreeTable, RpcUrl, Setting
from node.api.settings import ApiSettings
from node.app.messages import Upgrade

ADDRESS = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
SECRET_URL = "https://user:hunter2@rpc.example/v3/0123456789abcdef"
LEAST = f"""
[side_chain]
rpc_urls = ["http://127.0.0.1:8545"]

[[root_chains]]
name = "main"
rpc_urls = ["{SECRET_URL}"]
"""


def read(text: str) -> NodeConfig:
    return parse_config(text.encode())


def test_config__least_that_is_needed__has_the_defaults() -> None:
    config = read(LEAST)

    assert config.side_chain.rpc_urls == ("http://127.0.0.1:8545",)
    assert config.root_chain("main").confirmations == 0
    assert (config.api, config.paths, config.keys) == (Api(), Paths(), Keys())
    assert config.api.settings == ApiSettings()
    assert config.rpc.limits == RpcLimits()
    assert config.root_chain("main").fees.policy == FeePolicy()


def test_config__every_table_given__is_read() -> None:
    config = read(
        f"""
        moniker = "a"
        poll_interval_s = 2
        [keys]
        signers = ["{ADDRESS}", "{ADDRESS.lower()}"]
        submission = "{ADDRESS}"
        [log]
        level = "debug"
        {LEAST}
        confirmations = 9
        root_chain_manager = "{ADDRESS}"
        [root_chains.fees]
        fee_cap_wei = 30_000_000_000
        [root_chains.exits]
        withdraw_manager = "{ADDRESS}"
        tunnels = ["{ADDRESS.lower()}:0x{"07" * 20}"]
        [burns]
        cache_bytes_max = 2_000_000
        """
    )

    address = Address(bytes.fromhex(ADDRESS[2:]))
    assert config.keys == Keys(signers=(address, address), submission=address)
    assert config.poll_interval_s == 2.0
    assert config.log.level == "debug"
    assert config.root_chain("main").confirmations == 9
    assert config.root_chain("main").root_chain_manager == address
    assert config.root_chain("main").fees.fee_cap_wei == 30_000_000_000
    assert config.root_chain("main").exits.withdraw_manager == address
    assert config.root_chain("main").exits.pairs() == ((address, Address(b"\x07" * 20)),)
    assert config.burns.cache_bytes_max == 2_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LEAST + f'exits = {{ tunnels = ["{ADDRESS}"] }}', "two addresses each, CHILD:ROOT"),
        (LEAST + f'exits = {{ tunnels = ["{ADDRESS.lower()}:0x1"] }}', "two addresses each, CHILD:ROOT"),
        (LEAST + f"exits = {{ tunnels = {[f'{ADDRESS.lower()}:{ADDRESS.lower()}'] * 2} }}", "two have the same end"),
        ("", "side_chain is missing"),
        ("colour = 1\n" + LEAST, "colour is not a known key; there are: side_chain, root_chains, moniker"),
        (LEAST + "[api]\nprot = 1", r"api\.prot is not a known key; there are: host, port"),
        (LEAST + "gas = 1", r"root_chains\[0\]\.gas is not a known key"),
        (LEAST + "[api]\nport = 65536", r"api\.port is not allowed; it must be: integer from 0 to 65,535"),
        (LEAST + "[api]\nport = -1", r"api\.port"),
        (LEAST + "[api]\nport = true", r"api\.port"),
        (LEAST + "[api]\nport = '1317'", r"api\.port"),
        (LEAST + "[api]\nport = 1.5", r"api\.port"),
        (LEAST + "[api]\nrequest_timeout_s = nan", r"api\.request_timeout_s .* number from 0\.1 to 600"),
        (LEAST + "[api]\nrequest_timeout_s = inf", r"api\.request_timeout_s"),
        (LEAST + "[log]\nlevel = 'loud'", r'log\.level .* "debug" or "info" or "warning" or "error"'),
        (LEAST + "[log]\nlevel = 1", r"log\.level"),
        (LEAST + "[keys]\nsigners = '0x00'", r"keys\.signers is not allowed; it must be: list of 0 to 32"),
        (LEAST + "[keys]\nsigners = ['0x00']", r"keys\.signers\[0\] .* 40 hex digits"),
        (LEAST + f"[keys]\nsubmission = '{ADDRESS.replace('aAe', 'AaE')}'", r"keys\.submission .* checksum"),
        (LEAST + "[keys]\nkeystore_dir = ''", r"keys\.keystore_dir .* text"),
        (LEAST + f"[keys]\nkeystore_dir = '{'x' * 1_025}'", r"keys\.keystore_dir"),
        (
            LEAST + "[root_chains.fees]\nfee_cap_wei = 5",
            r"root_chains\[0\]\.fees: .*priority_fee_max_wei ≤ fee_cap_wei",
        ),
        (LEAST + LEAST.split("\n\n", maxsplit=1)[1], "two have the same name"),
        (LEAST.replace('name = "main"', ""), r"root_chains\[0\]\.name is missing"),
        (LEAST.replace("https:", "ftp:"), r"root_chains\[0\]\.rpc_urls\[0\] .* http:// or https:// URL"),
        (LEAST.replace("https://", "https:///"), r"rpc_urls\[0\]"),
        ("root_chains = []\n" + LEAST.split("\n\n", maxsplit=1)[0], "root_chains is not allowed; .* list of 1 to 10"),
        ("root_chains = [1]\n" + LEAST.split("\n\n", maxsplit=1)[0], r"root_chains\[0\] must be a table"),
        ("api = 3\n" + LEAST, "api must be a table"),
        ("engine = 'comet'\n" + LEAST, "engine must be a table"),
        (LEAST + "[engine]\nkind = 'raft'", r'engine\.kind is not allowed; it must be: "local" or "comet"'),
        (LEAST + "[engine.comet]\npersistent_peers = ['a@b:1']", r"engine\.comet: persistent_peers must be ID@HOST"),
        (LEAST + f"[engine.comet]\nstate_sync_servers = ['{SECRET_URL}']", "state_sync_height and state_sync_hash"),
        (LEAST + "[engine.comet]\nconfig = 1", r"engine\.comet\.config must be a table"),
        (LEAST + "[engine.comet.config]\na = 1979-05-27", r"engine\.comet\.config\.a must be text, a number"),
        (LEAST + "[engine.comet.config]\na = nan", r"engine\.comet\.config\.a must be text, a number"),
        (LEAST + "[engine.comet.config]\na = [[1]]", r"engine\.comet\.config\.a must be text, a number"),
        (LEAST + "[engine.comet.config.a.b.c]\nd = 1", r"engine\.comet\.config\.a\.b\.c must be text, a number"),
        (LEAST + "[engine.comet.config]\n'a b' = 1", r"engine\.comet\.config has a key with other characters"),
        (LEAST + "[engine.comet.config]\n" + "".join(f"a{i} = 1\n" for i in range(257)), "of at most 256 keys"),
    ],
)
def test_config__something_is_wrong__the_key_is_named_and_no_secret_shown(text: str, message: str) -> None:
    with pytest.raises(ConfigInvalid, match=message) as refusal:
        read(text)

    assert "hunter2" not in str(refusal.value)


@pytest.mark.parametrize(("count", "fits"), [(ENDPOINTS_MAX, True), (ENDPOINTS_MAX + 1, False)])
def test_config__as_many_urls_as_a_pool_takes__and_not_one_more(count: int, fits: bool) -> None:
    urls = ", ".join(f'"http://127.0.0.1:{port}"' for port in range(8_000, 8_000 + count))
    text = LEAST.replace('"http://127.0.0.1:8545"', urls)
    if fits:
        assert len(read(text).side_chain.rpc_urls) == count
    else:
        with pytest.raises(ConfigInvalid, match=r"side_chain\.rpc_urls"):
            read(text)


@pytest.mark.parametrize("data", [b"=", b"\xff", b"a = 1\na = 2", b"a = " + b"[" * 100_000])
def test_config__not_toml__refused(data: bytes) -> None:
    with pytest.raises(ConfigUnreadable, match="is not TOML"):
        parse_config(data)


def test_repr__of_a_configuration__shows_no_url() -> None:
    config = read(LEAST)

    assert "hunter2" not in f"{config!r} {config} {config.root_chains!r}"


_TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
_ADDRESS = st.binary(min_size=20, max_size=20).map(Address)
_URLS = st.lists(
    st.sampled_from([RpcUrl("http://127.0.0.1:8545"), RpcUrl(SECRET_URL), RpcUrl('http://a/"\\')]),
    min_size=1,
    max_size=3,
).map(tuple)
_ROOT_CHAIN = st.builds(
    RootChain,
    name=_TEXT,
    rpc_urls=_URLS,
    confirmations=st.integers(0, 100_000),
    root_chain_manager=st.none() | _ADDRESS,
    fees=st.builds(Fees, replace_after_s=st.integers(1, 100)),
)
_PEERS = st.lists(st.sampled_from([f"{'0a' * 20}@127.0.0.1:26656", f"{'1b' * 20}@a.example:1"]), max_size=2).map(tuple)
_SCALAR = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT
_SETTINGS = st.lists(
    st.builds(
        Setting,
        path=st.sampled_from([("log_level",), ("p2p", "pex"), ("consensus", "timeout_commit"), ("a", "b", "c-d")]),
        value=_SCALAR | st.lists(_SCALAR, max_size=2).map(tuple),
    ),
    unique_by=lambda setting: setting.path,
).map(lambda found: FreeTable(tuple(sorted(found, key=lambda setting: (len(setting.path), setting.path)))))
_CONFIG = st.builds(
    NodeConfig,
    moniker=_TEXT,
    poll_interval_s=st.floats(0.05, 60),
    paths=st.builds(Paths, genesis=_TEXT),
    log=st.builds(Log, format=st.sampled_from(["text", "json"])),
    api=st.builds(Api, port=st.integers(0, 65_535)),
    rpc=st.builds(Rpc, budget_s=st.floats(0.1, 300)),
    engine=st.builds(Engine, comet=st.builds(Comet, persistent_peers=_PEERS, config=_SETTINGS)),
    keys=st.builds(Keys, signers=st.lists(_ADDRESS, max_size=3).map(tuple), submission=st.none() | _ADDRESS),
    side_chain=st.builds(SideChain, rpc_urls=_URLS),
    root_chains=st.lists(_ROOT_CHAIN, min_size=1, max_size=3, unique_by=lambda chain: chain.name).map(tuple),
)


@given(config=_CONFIG)
@settings(max_examples=50, deadline=None)
def test_config__written_and_read__is_the_same(config: NodeConfig) -> None:
    assert read(dump_config(config)) == config


def test_home__written_and_loaded__private_and_the_same(tmp_path: Path) -> None:
    config = replace(read(LEAST), moniker="α")
    write_config(tmp_path, config)

    home = load_home(tmp_path)

    assert home.config == config
    assert stat.S_IMODE((tmp_path / FILE_NAME).stat().st_mode) == 0o600
    assert home.locate(config.paths.state_db) == tmp_path / "state.db"
    assert home.locate("../genesis.json") == tmp_path / "../genesis.json"
    assert home.locate("/elsewhere/x") == Path("/elsewhere/x")
    assert home.locate("~/x") == Path.home() / "x"


def test_home__without_a_configuration__says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigUnreadable, match=r"No such file.*--home"):
        load_home(tmp_path)


def test_home__configuration_open_to_others__refused(tmp_path: Path) -> None:
    write_config(tmp_path, read(LEAST))
    (tmp_path / FILE_NAME).chmod(0o644)

    with pytest.raises(ConfigUnreadable, match="chmod 600"):
        load_home(tmp_path)


def test_home__configuration_too_large__refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"#" * (FILE_BYTES_MAX + 1))
    path.chmod(0o600)

    with pytest.raises(ConfigUnreadable, match="larger than"):
        load_home(tmp_path)


def test_address__written__has_its_checksum() -> None:
    address = Address(bytes.fromhex(ADDRESS[2:]))

    assert checksum_address(address) in dump_config(replace(read(LEAST), keys=Keys(submission=address)))


def test_upgrade__given_whole__is_what_the_node_says() -> None:
    assert read(LEAST).upgrade.statement is None
    config = read(f'{LEAST}\n[upgrade]\nversion = 2\nheight = 9000\nnotes_digest = "{"ab" * 32}"')
    assert config.upgrade.statement == Upgrade(2, 9_000, Hash32(b"\xab" * 32))


@pytest.mark.parametrize(
    "lines", ["version = 2", f'version = 2\nnotes_digest = "{"ab" * 32}"', "version = 2\nheight = 5"]
)
def test_upgrade__given_in_part__is_refused(lines: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"upgrade\.height"):
        read(f"{LEAST}\n[upgrade]\n{lines}")
