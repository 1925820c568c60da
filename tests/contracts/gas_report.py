"""The gas report docs/gas.md. `python -m tests.contracts.gas_report` measures anew and writes it."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean

from bridge.codec.checkpoint import DataForm
from tests.contracts.gas_measurement import AIMS, POLYGON, CheckpointGas, Measurement, OperationGas, measure

REPORT = Path(__file__).parents[2] / "docs" / "gas.md"

_INTRODUCTION = """# Gas of the contracts

`python -m tests.contracts.gas_report` writes this page; a test measures anew and compares. The figures are `gasUsed` of
mined transactions on the embedded chain, under Prague's rules. Those of Polygon were measured with its own contracts
(pos-contracts ff11f0e, pos-portal 5ff7bab) under the same rules.
"""

_CHECKPOINTS = """## submitCheckpoint

Steady state, validators of equal stake, a new account root each time. Three headers share a storage slot, and the first
of them pays for it: the average of three consecutive checkpoints counts. Polygon's figures include the bookkeeping of
rewards; ours pay none.
"""

_CHANGES = """## Other operations

Each change of the validator set writes the set anew, as the code of an account: one word per validator. That is dear
when it happens, and it is what makes each checkpoint cheap.
"""

_DEPLOYMENT = """## Deployment

For the bound form, in the order of the plan.
"""


def render(measurement: Measurement) -> str:
    """The report as Markdown."""
    sections = (
        _INTRODUCTION,
        _CHECKPOINTS,
        _table(
            ("form", "validators", "three checkpoints, all sign", "average", "Polygon", "ratio", "aim"),
            (_all_sign_row(each) for each in measurement.checkpoints),
        ),
        "With no more signatures than a quorum needs:\n",
        _table(
            ("form", "validators", "signers", "average", "Polygon", "ratio"),
            (_quorum_row(each) for each in measurement.checkpoints),
        ),
        _CHANGES,
        _table(("operation", "gas", "Polygon"), map(_operation_row, measurement.operations)),
        _DEPLOYMENT,
        _table(("step", "gas"), (_operation_row(each)[:2] for each in measurement.deployment)),
    )
    return "\n".join(sections)


def _all_sign_row(gas: CheckpointGas) -> tuple[str, ...]:
    return (
        _form(gas),
        str(gas.validators),
        " ".join(map(_number, gas.all_sign)),
        _number(fmean(gas.all_sign)),
        _number(POLYGON[gas.validators].all_sign),
        f"{gas.ratio:.3f}",
        f"{AIMS[gas.validators]:.3f}",
    )


def _quorum_row(gas: CheckpointGas) -> tuple[str, ...]:
    return (
        _form(gas),
        str(gas.validators),
        str(gas.quorum),
        _number(fmean(gas.quorum_only)),
        _number(POLYGON[gas.validators].quorum_only),
        f"{gas.quorum_ratio:.3f}",
    )


def _operation_row(operation: OperationGas) -> tuple[str, ...]:
    return (operation.name, _number(operation.gas), "" if operation.polygon is None else _number(operation.polygon))


def _form(gas: CheckpointGas) -> str:
    return DataForm(gas.form).name.lower()


def _number(value: float) -> str:
    return f"{round(value):,}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Text to the left, all other columns to the right."""
    return "".join(_lines(header, rows))


def _lines(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |\n"
    yield f"|---{'|--:' * (len(header) - 1)}|\n"
    for row in rows:
        yield f"| {' | '.join(row)} |\n"


if __name__ == "__main__":
    REPORT.write_text(render(measure()))
