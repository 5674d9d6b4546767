from typing import Any

import pytest
from pydantic import ValidationError

from question_classification.pipelines.parameters import RunParameters

RUN = {"site": None, "target_tag": "machine-learning", "match": "exact"}


def test_site_need_not_be_known() -> None:
    assert RunParameters(target_tag="r", match="contains").site is None


def test_names_of_digits_are_names() -> None:
    """`--params target_tag=2010` arrives as a number."""
    run = RunParameters.model_validate({**RUN, "target_tag": 2010, "site": 3})
    assert (run.target_tag, run.site) == ("2010", "3")


@pytest.mark.parametrize(
    "wrong", [{"match": "sometimes"}, {"target_tag": ""}, {"target_tag": None}, {"target": "r"}], ids=str
)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunParameters.model_validate({**RUN, **wrong})


@pytest.mark.parametrize("name", RUN)
def test_cannot_be_changed(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(RunParameters.model_validate(RUN), name, "contains")
