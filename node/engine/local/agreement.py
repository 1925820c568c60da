"""The comparison of two answers to the same block."""

from node.app.abci import FinalizeBlockResponse
from node.engine.errors import DivergenceError


def check_agreement(
    height: int, name: str, response: FinalizeBlockResponse, other_name: str, other: FinalizeBlockResponse
) -> None:
    """Compare what consensus covers: app hash, validator updates and codes. Raises DivergenceError."""
    if response.app_hash != other.app_hash:
        what = f"app hash {response.app_hash.hex()} against {other.app_hash.hex()}"
    elif response.validator_updates != other.validator_updates:
        what = "different validator updates"
    elif [result.code for result in response.tx_results] != [result.code for result in other.tx_results]:
        what = "different transaction codes"
    else:
        return
    raise DivergenceError(f"{name} and {other_name} disagree about block {height}: {what}")
