"""What a devnet is made with: keys of a seed, settings that stay, ports, and a home for one process at a time."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.codec.secp256k1 import address_of, public_key_of
from bridge.codec.types import Address
from config.burns import Exits
from config.file import load_home
from config.schema import Engine
from config.table import RpcUrl
from node.devnet.accounts import DEMO_ACCOUNTS, draw_accounts
from node.devnet.description import ChainPlace, ControlPlace, Description, ValidatorPlace
from node.devnet.homes import DevnetFiles, ValidatorEndpoints, make_validator_keys, write_validator_config
from node.devnet.ports import HOST, Ports, choose_ports
from node.devnet.settings import (
    VALIDATORS_MAX,
    DevnetSettings,
    PortBusy,
    SettingsRefused,
    remember_settings,
)
from node.keys.keystore import open_keystores, read_password
from node.store.errors import HomeInUse
from node.store.lock import HomeLock


class TestAccounts:
    def test_accounts__same_seed__the_same_and_all_different(self) -> None:
        accounts = draw_accounts(7, 4)
        assert accounts == draw_accounts(7, 4)
        everybody = list(accounts.all())
        assert len(everybody) == len({one.address for one in everybody}) == 2 + 4 + 4 + DEMO_ACCOUNTS
        assert all(address_of(public_key_of(one.private_key)) == one.address for one in everybody)

    def test_accounts__another_seed__no_key_in_common(self) -> None:
        seen = {one.private_key for one in draw_accounts(1, 4).all()}
        assert not seen & {one.private_key for one in draw_accounts(2, 4).all()}

    def test_accounts__more_validators__the_first_ones_stay(self) -> None:
        few, many = draw_accounts(0, 4), draw_accounts(0, VALIDATORS_MAX)
        assert (many.signers[:4], many.submitters[:4], many.demo) == (few.signers, few.submitters, few.demo)

    def test_accounts__printed__without_their_keys(self) -> None:
        account = draw_accounts(0, 1).deployer
        assert account.private_key.hex() not in repr(account)
        assert str(account.private_key) not in repr(account)


class TestSettings:
    @pytest.mark.parametrize("validators", [1, 4, 5, VALIDATORS_MAX])
    def test_settings__possible_numbers__taken(self, tmp_path: Path, validators: int) -> None:
        assert DevnetSettings(tmp_path, validators).validators == validators

    @pytest.mark.parametrize("validators", [-1, 0, 2, 3, VALIDATORS_MAX + 1])
    def test_settings__impossible_numbers__refused_with_those_that_are_possible(
        self, tmp_path: Path, validators: int
    ) -> None:
        with pytest.raises(SettingsRefused, match=f"--validators {validators}: take 1, or 4 to 32"):
            DevnetSettings(tmp_path, validators)

    def test_remember__the_same_again__fine_whatever_else_differs(self, tmp_path: Path) -> None:
        remember_settings(DevnetSettings(tmp_path / "home", seed=3))
        again = DevnetSettings(tmp_path / "home", seed=3, api_port=0, traffic=False, exit_after_checkpoints=2)
        remember_settings(again)

    @pytest.mark.parametrize(
        ("changed", "words"),
        [
            (DevnetSettings(Path(), validators=5), "--validators 4 and this start says --validators 5"),
            (DevnetSettings(Path(), data_form="polygon"), "--data-form bound and this start says --data-form polygon"),
            (DevnetSettings(Path(), seed=1), "--seed 0 and this start says --seed 1"),
        ],
    )
    def test_remember__another_value__refused_naming_both(
        self, tmp_path: Path, changed: DevnetSettings, words: str
    ) -> None:
        remember_settings(DevnetSettings(tmp_path))
        with pytest.raises(SettingsRefused, match=words):
            remember_settings(DevnetSettings(tmp_path, changed.validators, changed.data_form, seed=changed.seed))
        remember_settings(DevnetSettings(tmp_path))

    @pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00"])
    def test_remember__a_damaged_file__told_and_not_overwritten(self, tmp_path: Path, text: str) -> None:
        path = tmp_path / "settings.json"
        path.write_text(text)
        with pytest.raises(SettingsRefused, match="is damaged"):
            remember_settings(DevnetSettings(tmp_path))
        assert path.read_text() == text


def _listening(port: int) -> socket.socket:
    """Somebody who holds a port."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind((HOST, port))
    holder.listen()
    return holder


def _free_range() -> int:
    """A port from which on, most likely, all that a devnet needs is free: below those that systems give out."""
    return 20_000 + os.getpid() % 12_000


def _description(ports: Ports) -> Description:
    def chain(name: str, port: int) -> ChainPlace:
        return ChainPlace(name, 1, f"http://{HOST}:{port}/{name}", {"RootChain": Address(b"\x01" * 20)})  # type: ignore[arg-type]  # a chain id

    return Description(
        side_chain=chain("side", ports.side),
        root_chain=chain("root", ports.root),
        validators=tuple(ValidatorPlace(Address(bytes(20)), f"http://{HOST}:{port}", "/home") for port in ports.apis),
        accounts=draw_accounts(0, 1).demo,
        control=ControlPlace(f"http://{HOST}:{ports.control}", "secret token"),
    )


class TestPorts:
    def test_ports__a_first_port__the_others_follow(self, tmp_path: Path) -> None:
        first = _free_range()
        ports = choose_ports(first, 4, tmp_path / "devnet.json")
        assert ports == Ports((first, first + 1, first + 2, first + 3), first + 100, first + 101, first + 110)

    @pytest.mark.parametrize(
        ("offset", "who"),
        [(1, "the API of validator 2"), (100, "the root chain"), (101, "the side chain"), (110, "the control URL")],
    )
    def test_ports__one_is_taken__told_for_whom_and_what_to_do(self, tmp_path: Path, offset: int, who: str) -> None:
        first = _free_range()
        taken = first + offset
        told = f"port {taken} for {who} is taken: give another --api-port"
        with _listening(taken), pytest.raises(PortBusy, match=told):
            choose_ports(first, 2, tmp_path / "devnet.json")

    def test_ports__free_ones_for_a_new_home__all_zero(self, tmp_path: Path) -> None:
        assert choose_ports(0, 4, tmp_path / "devnet.json") == Ports((0, 0, 0, 0), 0, 0, 0)

    def test_ports__free_ones_again__those_of_the_last_run_where_they_are_still_free(self, tmp_path: Path) -> None:
        description = tmp_path / "devnet.json"
        first = _free_range()
        taken = first + 4
        with _listening(taken):
            description.write_text(_description(Ports((first, taken), first + 1, first + 2, first + 3)).to_json())
            assert choose_ports(0, 2, description) == Ports((first, 0), first + 1, first + 2, first + 3)


def test_description__devnet_json__has_what_programs_look_for() -> None:
    told = json.loads(_description(Ports((1317, 1318), 1417, 1418, 1427)).to_json())
    assert set(told) == {"side_chain", "root_chains", "validators", "accounts", "control_url", "control_token"}
    assert told["root_chains"][0]["name"] == "root"
    assert set(told["side_chain"]) == {"chain_id", "rpc_url", "contracts"}
    assert told["root_chains"][0]["contracts"] == {"RootChain": "0x0101010101010101010101010101010101010101"}
    assert [one["index"] for one in told["validators"]] == [0, 1]
    assert set(told["validators"][0]) == {"index", "signer", "api_url", "home"}
    assert all(len(bytes.fromhex(one["private_key"][2:])) == 32 for one in told["accounts"])
    assert (told["control_url"], told["control_token"]) == ("http://127.0.0.1:1427", "secret token")


class TestHomes:
    def test_lock__held__refused_with_who_holds_it_until_released(self, tmp_path: Path) -> None:
        lock = HomeLock(tmp_path / "home")
        with pytest.raises(HomeInUse, match=f"process {os.getpid()} runs on .* already"):
            HomeLock(tmp_path / "home")
        lock.release()
        HomeLock(tmp_path / "home").release()

    def test_lock__its_process_died__free_again(self, tmp_path: Path) -> None:
        program = (
            "import os, signal, sys; from pathlib import Path; from node.store.lock import HomeLock\n"
            "lock = HomeLock(Path(sys.argv[1])); os.kill(os.getpid(), signal.SIGKILL)"
        )
        died = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
        assert died.returncode == -9
        assert (tmp_path / "lock").read_text() != ""
        HomeLock(tmp_path).release()

    def test_home__made__private_and_opens_with_its_own_password(self, tmp_path: Path) -> None:
        files, accounts = DevnetFiles(tmp_path), draw_accounts(0, 2)
        for index in range(2):
            make_validator_keys(files, index, accounts)
        home = files.validator(1)
        for path in home.rglob("*"):
            wanted = 0o700 if path.is_dir() else 0o600
            assert stat.S_IMODE(path.stat().st_mode) == wanted, path
        wanted_keys = (accounts.signers[1].address, accounts.submitters[1].address)
        keys = open_keystores(home / "keystore", wanted_keys, read_password(home / "password"))
        assert [one.address for one in keys] == list(wanted_keys)
        assert (files.validator(0) / "password").read_text() != (home / "password").read_text()

    def test_config__written_anew__new_ports_and_the_keys_as_they_were(self, tmp_path: Path) -> None:
        files, accounts = DevnetFiles(tmp_path), draw_accounts(0, 1)
        make_validator_keys(files, 0, accounts)
        manager = Address(b"\x01" * 20)
        for port in (1317, 2317):
            urls = (RpcUrl(f"http://{HOST}:{port}/a"), RpcUrl(f"http://{HOST}:{port}/b"))
            write_validator_config(files, 0, accounts, ValidatorEndpoints(port, urls, urls, Engine()), manager, Exits())
        config = load_home(files.validator(0)).config
        assert config.api.port == 2317
        assert config.side_chain.rpc_urls == urls
        assert config.keys.signers == (accounts.signers[0].address,)
        assert config.keys.submission == accounts.submitters[0].address
        assert stat.S_IMODE((files.validator(0) / "config.toml").stat().st_mode) == 0o600

    def test_clear__a_bootstrap_that_did_not_end__only_its_remains_go(self, tmp_path: Path) -> None:
        files = DevnetFiles(tmp_path)
        for path in (files.chain("root"), files.validator(0) / "password", files.engine, tmp_path / "engine.db-wal"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"12345")
        remember_settings(DevnetSettings(tmp_path))
        kept = files.size_bytes() - 20
        files.clear()
        assert sorted(path.name for path in tmp_path.iterdir()) == ["settings.json"]
        assert files.size_bytes() == kept > 0
