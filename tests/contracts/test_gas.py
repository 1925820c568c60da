"""The gas report is true, and checkpoints keep within what they may cost."""

import pytest

from tests.contracts.gas_measurement import AIMS, Measurement, measure
from tests.contracts.gas_report import REPORT, render


@pytest.fixture(scope="module")
def measurement() -> Measurement:
    return measure()


def test_gas_report__as_committed__is_what_is_measured(measurement: Measurement) -> None:
    assert render(measurement) == REPORT.read_text(), "run: python -m tests.contracts.gas_report"


def test_submit_checkpoint__at_each_size_and_form__costs_at_most_its_part_of_polygons(measurement: Measurement) -> None:
    assert {each.validators for each in measurement.checkpoints} == set(AIMS)
    for each in measurement.checkpoints:
        assert each.ratio <= AIMS[each.validators], each


def test_submit_checkpoint__signed_by_a_quorum_only__costs_under_half_of_polygons(measurement: Measurement) -> None:
    for each in measurement.checkpoints:
        assert each.quorum_ratio < 0.5, each
