"""CometBFT's directory as we write it."""

from pathlib import Path

from config.schema import Comet
from node.engine.comet.files import CometFiles, write_comet_files
from tests.unit.engine.test_engine_application import a_genesis


def test_files__of_a_directory_whose_data_were_removed__let_cometbft_make_its_unused_key_anew(tmp_path: Path) -> None:
    files = CometFiles(tmp_path)
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")
    files.unused_key.write_text("{}")
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")
    assert not files.unused_key.exists()

    files.unused_key.write_text("{}")
    files.unused_key_state.write_text("{}")
    write_comet_files(files, Comet(), a_genesis(), "moniker", "info")
    assert files.unused_key.exists()
