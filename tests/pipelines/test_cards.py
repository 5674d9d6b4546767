"""The cards: their figures are those on record, their front matter is Hugging Face's, text of users stays text."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from question_classification.pipelines.reporting.cards import code, escape, render_data_card, render_model_card
from question_classification.pipelines.reporting.names import METRIC_NAMES, POLICY_NAMES, describe_policy
from question_classification.pipelines.reporting.parameters import ReportingParameters

DASH = "\u2013"
PARAMETERS = ReportingParameters.model_validate(
    {
        "threshold": 0.5,
        "interval": {"resamples": 200, "level": 0.95, "seed": 42},
        "curve_points": 500,
        "precision": 0.8,
        "reliability_bins": 10,
    }
)


class Made:
    """The cards of a finished run, and what they were made from."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.metrics = self.json("08_reporting/metrics.json")
        self.quality = self.json("02_intermediate/data_quality.json")
        self.selected = self.json("08_reporting/selected/evaluation.json")
        self.hyperparameters = self.json("06_models/hyperparameters.json")
        self.slices = pd.read_csv(data / "08_reporting/analysis/slices.csv")
        self.label_noise = pd.read_csv(data / "08_reporting/analysis/label_noise.csv")
        self.questions = pd.read_parquet(data / "02_intermediate/questions.parquet")
        self.labels = pd.read_parquet(data / "03_primary/question_labels.parquet")
        self.model_card, self.data_card = (
            (data / "08_reporting" / name).read_text(encoding="utf-8") for name in ("model_card.md", "data_card.md")
        )

    def json(self, path: str) -> Any:
        return json.loads((self.data / path).read_bytes())

    def render_model_card(self) -> str:
        return render_model_card(
            self.metrics, self.selected, self.hyperparameters, self.slices, self.label_noise, PARAMETERS
        )

    def render_data_card(self) -> str:
        return render_data_card(self.metrics, self.quality, self.questions, self.labels)


@pytest.fixture
def made(finished_project: Any) -> Made:
    return Made(finished_project.folder / "data" / "test")


def front_matter(card: str) -> dict[str, Any]:
    matter: dict[str, Any] = yaml.safe_load(card.split("---\n")[1])
    return matter


def tables(card: str) -> list[list[list[str]]]:
    """Return the cells of each table, without its head."""
    blocks = re.findall(r"(?:^\|.*\n)+", card, flags=re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip().strip("|").split(" | ")] for line in block.splitlines()[2:]]
        for block in blocks
    ]


def rows(card: str, heading: str) -> dict[str, list[str]]:
    """Return the first table below a heading: its cells by the first one of each row."""
    first = tables(card.split(f"\n## {heading}\n")[1])[0]
    return {name: cells for name, *cells in first}


def numbers(cell: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"-?\d[\d,]*(?:\.\d+)?", cell)]


class TestModelCard:
    def test_metrics_of_both_splits_are_those_on_record(self, made: Made) -> None:
        table = rows(made.model_card, "Evaluation")
        for place, kind in enumerate(("stratified", "temporal")):
            results = made.metrics["selected"][kind]
            assert numbers(table["Questions"][place]) == [results["rows"]]
            assert numbers(table["Of the target"][place]) == [results["positives"]]
            for metric, name in {**METRIC_NAMES, "expected_calibration_error": "Expected calibration error"}.items():
                shown = numbers(table[name][place])
                assert shown == pytest.approx([results[metric], *results[f"{metric}_interval"]], abs=0.00051), name
            assert numbers(table["Recall at precision 0.8"][place]) == pytest.approx(
                [results["recall_at_precision"]], abs=0.00051
            )

    def test_model_index_has_the_metrics_on_record_to_the_last_digit(self, made: Made) -> None:
        """https://github.com/huggingface/hub-docs/blob/main/modelcard.md: the schema of `model-index`."""
        (index,) = front_matter(made.model_card)["model-index"]
        assert [result["dataset"]["config"] for result in index["results"]] == ["stratified", "temporal"]
        for result in index["results"]:
            assert result.keys() == {"task", "dataset", "metrics"}
            assert result["task"]["type"] == "text-classification"
            assert {"type", "name"} <= result["dataset"].keys()
            on_record = made.metrics["selected"][result["dataset"]["config"]]
            assert [metric["type"] for metric in result["metrics"]] == list(METRIC_NAMES)
            for metric in result["metrics"]:
                assert metric["value"] == on_record[metric["type"]]
                assert metric["args"] == {"interval": on_record[f"{metric['type']}_interval"]}

    def test_policies_per_thousand_are_those_on_record(self, made: Made) -> None:
        table = rows(made.model_card, "Threshold")
        assert len(table) == len(POLICY_NAMES)
        for name, cells in table.items():
            outcome = next(
                each
                for policy, each in made.selected["policies"].items()
                if name.startswith(describe_policy(policy, each["aim"]))
            )
            counts = [outcome[each] for each in ("flagged", "true_positive", "false_positive", "false_negative")]
            assert [numbers(cell)[0] for cell in cells[1:5]] == pytest.approx(counts, abs=0.051)
            shown = [numbers(cells[place])[0] for place in (0, 5, 6)]
            assert shown == pytest.approx([outcome[key] for key in ("threshold", "precision", "recall")], abs=0.00051)

    def test_slices_and_label_noise_are_those_of_the_error_analysis(self, made: Made) -> None:
        shown = tables(made.model_card.split("\n## Parts of the test set\n")[1])[0]
        assert [numbers(cell)[0] for row in shown for cell in row[2:4]] == [
            count for row in made.slices[["n", "positives"]].itertuples(index=False) for count in row
        ]
        defined = [numbers(row[6])[0] if row[6] != DASH else None for row in shown]
        assert defined == [
            None if value != value else pytest.approx(value, abs=0.00051) for value in made.slices.recall
        ]
        noise = list(rows(made.model_card, "Limits").values())
        assert [numbers(cells[0])[0] for cells in noise] == made.label_noise["rows_left_out"].tolist()
        assert [numbers(cells[1])[0] for cells in noise] == made.label_noise["false_positives"].tolist()

    def test_what_it_shows_to_do_does_it(self, made: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "data").symlink_to(made.data, target_is_directory=True)
        monkeypatch.chdir(tmp_path)
        found: dict[str, Any] = {}
        exec(made.model_card.split("```python\n")[1].split("```")[0], found)
        assert 0 < found["probability"] < 1
        assert found["is_target"] == (found["probability"] >= made.metrics["selected"]["threshold"])

    def test_split_without_a_result_is_said(self, made: Made) -> None:
        made.metrics["selected"]["temporal"] = None
        card = made.render_model_card()
        assert "no result on the `temporal` split" in card
        assert len(front_matter(card)["model-index"][0]["results"]) == 1


class TestDataCard:
    def test_counts_are_those_of_the_catalog(self, made: Made) -> None:
        source, counts = rows(made.data_card, "Source"), rows(made.data_card, "Rows")
        raw = made.quality["raw_questions"]
        assert source["Raw layer, DVC's hash"] == [f"`{raw['md5']}`"]
        assert [numbers(source[f"Raw layer, {each}"][0]) for each in ("files", "bytes")] == [
            [raw["files"]],
            [raw["bytes"]],
        ]
        assert [numbers(cells[0])[0] for cells in counts.values()] == [
            made.quality[each] for each in ("rows_read", "valid", "duplicate", "quarantined")
        ]

    def test_share_by_year_is_counted_anew(self, made: Made) -> None:
        years = made.questions["creation_date"].dt.year.tolist()
        targets = [year for year, positive in zip(years, made.labels["is_target"], strict=True) if positive]
        shown = rows(made.data_card, "Label")
        assert {int(year): numbers(cells[0])[0] for year, cells in shown.items()} == Counter(years)
        assert {int(year): numbers(cells[1])[0] for year, cells in shown.items()} == {
            year: targets.count(year) for year in set(years)
        }
        assert sum(numbers(cells[1])[0] for cells in shown.values()) == made.metrics["data"]["positives"]

    def test_licences_add_up(self, made: Made) -> None:
        counted = rows(made.data_card, "Licence and attribution")
        assert {name: numbers(cells[-1])[0] for name, cells in counted.items() if name != "Not known"} == dict(
            made.questions["content_license"].value_counts()
        )

    @pytest.mark.parametrize(
        ("licenses", "expected"),
        [
            (["CC BY-SA 4.0"], {"license": ["cc-by-sa-4.0"]}),
            (["CC BY-SA 3.0", "CC BY-SA 4.0"], {"license": ["cc-by-sa-4.0", "cc-by-sa-3.0"]}),
            (["CC BY-SA 2.5", "CC BY-SA 4.0"], {"license": ["cc-by-sa-4.0", "other"], "license_name": "cc-by-sa-2.5"}),
            ([None], {"license": "unknown"}),
        ],
    )
    def test_licence_of_real_questions(self, made: Made, licenses: list[Any], expected: dict[str, Any]) -> None:
        made.metrics["data"] |= {"source": "sede", "site": "stats"}
        made.questions["content_license"] = pd.Series(
            (licenses * len(made.questions))[: len(made.questions)], dtype=str
        )
        matter = front_matter(made.render_data_card())
        assert {key: matter[key] for key in expected} == expected

    def test_reasons_of_the_quarantine_are_rows(self, made: Made) -> None:
        made.quality |= {"quarantined": 3, "quarantine_reasons": {"score | *missing*": 3}}
        assert r"| Quarantined: score \| \*missing\* | 3 |" in made.render_data_card()


class TestBoth:
    def test_same_inputs_same_bytes_as_the_run(self, made: Made) -> None:
        assert made.render_data_card() == made.render_data_card() == made.data_card
        assert made.render_model_card() == made.render_model_card()

    def test_simulated_questions_say_so_and_real_ones_do_not(self, made: Made) -> None:
        assert "Simulated data." in made.model_card
        assert "Simulated data." in made.data_card
        made.metrics["data"] |= {"source": "sede", "site": "stats"}
        for card in (made.render_model_card(), made.render_data_card()):
            assert "imulated" not in card
            assert "simulated-data" not in front_matter(card)["tags"]

    def test_no_table_is_empty_and_no_value_left_open(self, made: Made) -> None:
        for card in (made.model_card, made.data_card):
            assert all(table for table in tables(card))
            assert not re.search(r"\bNone\b(?!: the authors)|\bnan\b|More Information|TODO", card)
            assert not re.search(r" $", card, flags=re.MULTILINE)

    @pytest.mark.parametrize("tag", ["c++", "a`b", "<b>x</b>", "x|y", "- a\n---\nlicense: evil"])
    def test_tag_is_text(self, made: Made, tag: str) -> None:
        made.metrics["data"] |= {"target_tag": tag}
        for card in (made.render_model_card(), made.render_data_card()):
            assert front_matter(card)["license"] == "mit"
            assert str(code(tag)) in card
            outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", card.split("---\n", 2)[2])
            assert "<b>" not in outside

    def test_escaped_text_is_one_line_without_markup(self) -> None:
        assert escape("# *a* <i>\n[b](c) `d` | &amp; ~e~ _f_ !g $h$ \\") == (
            r"\# \*a\* \<i\> \[b\](c) \`d\` \| \&amp; \~e\~ \_f\_ \!g \$h\$ \\"
        )
