from typing import Any

import pytest
from pydantic import ValidationError

from question_classification.pipelines.feature_engineering.parameters import TargetParameters
from question_classification.pipelines.ingestion.parameters import RunParameters, SimulatedParameters
from question_classification.stackexchange.sources import SOURCES

SIMULATED = {"questions": 100, "seed": 0, "until": "2026-10"}
RUN = {
    "source": "simulated",
    "path": None,
    "site": None,
    "simulated": SIMULATED,
}
TARGET = {"target_tag": "machine-learning", "match": "exact"}
HINT = "yet there is a path; did you mean source=dump or source=sede?"
PATHS = {"simulated": None, "sede": "export.csv", "dump": "Posts.xml", "api": None}


def test_only_the_source_is_needed() -> None:
    run = RunParameters(source="simulated")
    assert (run.path, run.site, run.simulated) == (None, None, None)


def test_names_of_digits_are_names() -> None:
    """`--params target_tag=2010` arrives as a number."""
    run = RunParameters.model_validate({**RUN, "source": "sede", "path": 7, "site": 3})
    assert (run.path, run.site) == ("7", "3")
    assert TargetParameters.model_validate({**TARGET, "target_tag": 2010}).target_tag == "2010"


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_can_be_chosen(source: str) -> None:
    run = RunParameters.model_validate({**RUN, "source": source, "path": PATHS[source]})
    assert (run.source, run.path) == (source, PATHS[source])


@pytest.mark.parametrize(
    ("wrong", "place", "message"),
    [
        ({"source": "newspaper"}, ("source",), "unknown; known are simulated, sede, dump, api"),
        ({"source": ""}, ("source",), "unknown; known are simulated, sede, dump, api"),
        ({"source": "sede"}, (), "source sede reads a file; give its path, path=FILE"),
        ({"source": "dump"}, (), "source dump reads a file; give its path, path=FILE"),
        ({"source": "api", "path": "x"}, (), f"source api reads no file, {HINT}"),
        ({"refresh": True}, (), "source simulated cannot be refreshed, only api can; leave refresh out"),
        ({"path": "export.csv"}, (), f"source simulated reads no file, {HINT}"),
    ],
    ids=str,
)
def test_source_and_path_must_fit(wrong: dict[str, Any], place: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValidationError) as error:
        RunParameters.model_validate({**RUN, **wrong})
    (problem,) = error.value.errors()
    assert problem["loc"] == place
    assert problem["msg"] == f"Value error, {message}"


@pytest.mark.parametrize("wrong", [{"source": None}, {"target_tag": "r"}, {"simulated": {}}], ids=str)
def test_parameters_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        RunParameters.model_validate({**RUN, **wrong})


@pytest.mark.parametrize(
    "wrong", [{"match": "sometimes"}, {"target_tag": ""}, {"target_tag": None}, {"target": "r"}], ids=str
)
def test_target_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TargetParameters.model_validate({**TARGET, **wrong})


def test_what_a_run_is_about_must_be_said() -> None:
    with pytest.raises(ValidationError, match="Field required"):
        RunParameters.model_validate({key: value for key, value in RUN.items() if key != "source"})
    for name in TARGET:
        with pytest.raises(ValidationError, match="Field required"):
            TargetParameters.model_validate({key: value for key, value in TARGET.items() if key != name})


@pytest.mark.parametrize(
    "right",
    [{}, {"questions": 1}, {"seed": 2**40}, {"until": "2000-01"}, {"until": "2099-12"}],
    ids=str,
)
def test_simulated_site_can_be(right: dict[str, Any]) -> None:
    assert SimulatedParameters.model_validate({**SIMULATED, **right}).model_dump() == {**SIMULATED, **right}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("questions", 0),
        ("questions", -1),
        ("questions", 1.5),
        ("questions", "many"),
        ("questions", None),
        ("seed", -1),
        ("seed", 0.5),
        ("seed", None),
        ("until", "2026"),
        ("until", "2026-13"),
        ("until", "2026-00"),
        ("until", "2026-1"),
        ("until", "2026-10-01"),
        ("until", "2026-10\n"),
        ("until", "1999-12"),
        ("until", 2026),
        ("until", None),
        ("sed", 1),
    ],
)
def test_simulated_site_cannot_be(name: str, value: Any) -> None:
    with pytest.raises(ValidationError) as error:
        RunParameters.model_validate({**RUN, "simulated": {**SIMULATED, name: value}})
    assert [problem["loc"] for problem in error.value.errors()] == [("simulated", name)]


@pytest.mark.parametrize("name", SIMULATED)
def test_simulated_site_must_be_said_in_full(name: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        SimulatedParameters.model_validate({key: value for key, value in SIMULATED.items() if key != name})


@pytest.mark.parametrize("name", RUN)
def test_cannot_be_changed(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(RunParameters.model_validate(RUN), name, "contains")


@pytest.mark.parametrize("name", SIMULATED)
def test_simulated_site_cannot_be_changed(name: str) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(SimulatedParameters.model_validate(SIMULATED), name, 1)
