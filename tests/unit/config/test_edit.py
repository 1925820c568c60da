"""`keys.signers` changes, and nothing else in the file does."""

from pathlib import Path

import pytest

from bridge.codec.hexadecimal import checksum_address
from bridge.codec.types import Address
from config.edit import change_signers
from config.errors import ConfigNotEditable
from config.file import FILE_NAME, load_home
from node.store.files import write_private

ALICE, BOB = Address(b"\xa1" * 20), Address(b"\xb0" * 20)
CHAINS = """
# What we watch.
[side_chain]
rpc_urls = ["http://side"]  # with a key in it

[[root_chains]]
name = "root"
rpc_urls = ["http://root"]
"""
KEYS = (
    '\n[keys]\n# old and new\nsigners = [\n  "{}",\n]\npassword_file = "secret" # one line\n\n[log]\nlevel = "debug"\n'
)


def written(tmp_path: Path, text: str) -> Path:
    write_private(tmp_path / FILE_NAME, text.encode())
    return tmp_path


def test_edit__signers_that_are_there__are_replaced_where_they_stand(tmp_path: Path) -> None:
    text = CHAINS + KEYS.format(checksum_address(ALICE))
    path = written(tmp_path, text)

    home = change_signers(load_home(path), (ALICE, BOB))

    assert home.config.keys.signers == (ALICE, BOB)
    expected = text.replace(
        f'[\n  "{checksum_address(ALICE)}",\n]', f'["{checksum_address(ALICE)}", "{checksum_address(BOB)}"]'
    )
    assert (path / FILE_NAME).read_text() == expected
    assert (path / FILE_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CHAINS, CHAINS + '\n[keys]\nsigners = ["{}"]\n'),
        (CHAINS + '\n[keys]\npassword_file = "x"\n', CHAINS + '\n[keys]\nsigners = ["{}"]\npassword_file = "x"\n'),
        (CHAINS + "\n[keys]", CHAINS.rstrip() + '\n\n[keys]\nsigners = ["{}"]\n'),
    ],
    ids=["no table", "no line", "no line end"],
)
def test_edit__signers_that_are_not_there__are_put_into_their_table(tmp_path: Path, before: str, after: str) -> None:
    home = change_signers(load_home(written(tmp_path, before)), (BOB,))

    assert home.config.keys.signers == (BOB,)
    assert (tmp_path / FILE_NAME).read_text() == after.format(checksum_address(BOB))


@pytest.mark.parametrize("keys", ["keys = { signers = [] }\n", 'keys.password_file = "x"\n'])
def test_edit__a_file_written_in_another_way__is_left_alone(tmp_path: Path, keys: str) -> None:
    text = keys + CHAINS

    with pytest.raises(ConfigNotEditable, match=r"under \[keys\], write signers = \["):
        change_signers(load_home(written(tmp_path, text)), (ALICE,))
    assert (tmp_path / FILE_NAME).read_text() == text
