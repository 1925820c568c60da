"""CometBFT's directory as we write it."""

from pathlib import Path

from config.schema import Comet
from node.engine.comet.files import CometFiles, write_comet_files
from tests.unit.engine.test_engine_application import a_genesis


def test_files__of_the_key_that_cometbft_makes_and_never_uses__lie_among_its_data(tmp_path: Path) -> None:
    """It does not start with one of the two files alone, so removing its data must remove both."""
    files = CometFiles(tmp_path)
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")

    assert 'priv_validator_key_file = "data/unused_key.json"' in files.config.read_text()
