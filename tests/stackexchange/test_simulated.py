import hashlib
import re
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from question_classification.stackexchange.errors import InputError
from question_classification.stackexchange.question import QUESTION_SCHEMA
from question_classification.stackexchange.simulated import simulate
from question_classification.stackexchange.simulation.topics import TAGS, TARGET_TAG
from question_classification.stackexchange.simulation.writer import MAX_BODY
from question_classification.stackexchange.tags import parse_tags


def simulated_table(questions: int, seed: int, until: str = "2026-10") -> pa.Table:
    return pa.concat_tables(list(simulate(questions, seed, until)))


@pytest.fixture(scope="module")
def site() -> pd.DataFrame:
    """20,000 questions with the columns `tags`, `target` and `text` added."""
    questions = simulated_table(20_000, seed=42).to_pandas()
    tags = questions["Tags"].map(parse_tags)
    return questions.assign(
        tags=tags,
        target=tags.map(lambda names: TARGET_TAG in names),
        text=questions["Title"] + " " + questions["Body"],
    )


def test_same_arguments_give_the_same_questions():
    assert simulated_table(300, seed=5).equals(simulated_table(300, seed=5))


def test_content_is_the_same_on_every_machine():
    questions = simulated_table(50, seed=1)
    text = "".join(questions["Title"].to_pylist() + questions["Body"].to_pylist())
    assert hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() == "0558b8693fb95443f2e7981dbf33e703"


def test_another_seed_gives_other_questions():
    one, other = simulated_table(100, seed=1), simulated_table(100, seed=2)
    assert set(one["Body"].to_pylist()).isdisjoint(other["Body"].to_pylist())


@settings(max_examples=25, deadline=None)
@given(questions=st.integers(1, 600), seed=st.integers(-3, 2**40), months=st.integers(0, 240))
def test_any_arguments_give_exactly_so_many_valid_questions(questions: int, seed: int, months: int):
    until = f"{2010 + (6 + months) // 12}-{(6 + months) % 12 + 1:02}"
    harvest = simulate(questions, seed, until)
    batches = list(harvest)

    assert (harvest.source, harvest.site) == ("simulated", "simulated")
    assert sum(batch.num_rows for batch in batches) == questions
    assert all(batch.schema.equals(QUESTION_SCHEMA) for batch in batches)
    rows = pa.concat_tables(batches).to_pylist()
    assert all(before["Id"] < after["Id"] for before, after in pairwise(rows))
    assert all(before["CreationDate"] <= after["CreationDate"] for before, after in pairwise(rows))
    assert f"{rows[0]['CreationDate']:%Y-%m}" >= "2010-07"
    assert f"{rows[-1]['CreationDate']:%Y-%m}" <= until


def test_each_batch_is_one_month_and_months_are_in_order():
    months = [{f"{date:%Y-%m}" for date in batch["CreationDate"].to_pylist()} for batch in simulate(5_000, seed=3)]
    assert all(len(names) == 1 for names in months)
    names = [name for (name,) in months]
    assert names == sorted(set(names))
    assert names[-1] == "2026-10"


def test_activity_grows_and_then_declines_gently(site: pd.DataFrame):
    by_year = site["CreationDate"].dt.year.value_counts()
    assert by_year.idxmax() in range(2016, 2020)
    assert by_year[2011] < by_year[2013] < by_year[2016]
    assert 0.4 < by_year[2025] / by_year.max() < 0.8


def test_dates_are_whole_seconds_and_uneven_over_the_week_and_the_day(site: pd.DataFrame):
    created = site["CreationDate"]
    assert (created == created.dt.floor("s")).all()
    by_weekday = created.dt.day_of_week.value_counts()
    assert by_weekday[[5, 6]].max() < 0.8 * by_weekday[[0, 1, 2, 3, 4]].min()
    by_hour = created.dt.hour.value_counts()
    assert by_hour.max() > 3 * by_hour.min()


def test_tags_are_one_to_five_distinct_ones_of_the_vocabulary(site: pd.DataFrame):
    assert site["tags"].map(len).between(1, 5).all()
    assert site["tags"].map(lambda names: len(set(names)) == len(names)).all()
    assert set(site["tags"].explode()) == set(TAGS)


def test_one_rare_tag_contains_the_target_as_a_substring(site: pd.DataFrame):
    near = [tag for tag in TAGS if TARGET_TAG in tag and tag != TARGET_TAG]
    assert near == ["quantum-machine-learning"]
    share = site["tags"].map(lambda names: near[0] in names).mean()
    assert 0.0005 < share < 0.002
    assert (site["Tags"].str.contains(TARGET_TAG) & ~site["target"]).any()


def test_target_share_drifts_over_the_years(site: pd.DataFrame):
    assert 0.095 < site["target"].mean() < 0.125
    share = site["target"].groupby(pd.cut(site["CreationDate"].dt.year, [2009, 2014, 2016, 2020, 2026])).mean()
    early, _, peak, late = share
    assert early < 0.1 < peak < 0.14
    assert late < peak


def test_bodies_are_log_normally_long(site: pd.DataFrame):
    length = site["Body"].str.len()
    assert 850 < length.median() < 1_100
    assert 1_300 < length.mean() < 1_600
    assert 15_000 < length.max() <= MAX_BODY == 38_000


@pytest.mark.parametrize(
    "construct",
    [
        "<p>", "<pre><code>", " <code>", "<ul>\n<li>", "<ol>\n<li>", '<a href="https://example.', 'rel="nofollow"',
        '<img src="https://example.', "<blockquote>", "<strong>", "<em>", "<h2>", "<table>", "$$", " $", "&amp;",
        '<span class="math-container">$', "&lt;", "&gt;", "&quot;", "&#39;", "é", "χ", "\u2013", "🙂", "數據",
    ],
)  # fmt: skip
def test_bodies_contain(site: pd.DataFrame, construct: str):
    assert site["Body"].str.contains(construct, regex=False).any()


def test_math_is_wrapped_in_later_years_only(site: pd.DataFrame):
    wrapped = site["Body"].str.contains("math-container", regex=False)
    year = site["CreationDate"].dt.year
    assert not wrapped[year < 2017].any()
    assert wrapped[year > 2017].mean() > 0.1


def test_markup_is_complete(site: pd.DataFrame):
    for tag in ("p", "pre", "code", "ul", "ol", "li", "a", "blockquote", "strong", "em", "h2", "table", "span"):
        opened = site["Body"].str.count(rf"<{tag}[ >]")
        assert (opened == site["Body"].str.count(f"</{tag}>")).all(), tag
    assert not site["text"].str.contains(r"@\w").any()  # no slot is left unfilled


def test_titles_are_plain_text(site: pd.DataFrame):
    assert not site["Title"].str.contains("&amp;|&lt;|<", regex=True).any()
    assert site["Title"].str.contains(" & ", regex=False).any()
    assert site["Title"].duplicated().mean() < 0.2


def test_vocabulary_is_rich(site: pd.DataFrame):
    terms = set(re.findall(r"\b\w\w+\b", " ".join(site["text"]).lower()))  # as CountVectorizer finds them
    assert len(terms) > 50_000


def test_score_and_views_have_heavy_tails(site: pd.DataFrame):
    assert site["Score"].between(0, 2).mean() > 0.5
    assert site["Score"].max() > 100
    assert 0.02 < (site["Score"] < 0).mean() < 0.3
    assert site["ViewCount"].mean() > 1.7 * site["ViewCount"].median()
    assert site["ViewCount"].corr(site["CreationDate"].astype("int64"), method="spearman") < -0.2
    assert site["AnswerCount"].between(0, 3).mean() > 0.8


def test_favorite_count_is_mostly_null_and_tied_to_score(site: pd.DataFrame):
    assert site["FavoriteCount"].isna().mean() > 0.6
    assert site["FavoriteCount"].corr(site["Score"]) > 0.7


def test_accepted_answers_are_later_posts_of_answered_questions(site: pd.DataFrame):
    accepted = site[site["AcceptedAnswerId"].notna()]
    assert 0.28 < len(accepted) / len(site) < 0.4
    assert (accepted["AcceptedAnswerId"] > accepted["Id"]).all()
    assert (accepted["AnswerCount"] > 0).all()
    assert accepted["AcceptedAnswerId"].is_unique
    assert set(accepted["AcceptedAnswerId"]).isdisjoint(site["Id"])


def test_owners_of_a_few_questions_have_been_deleted(site: pd.DataFrame):
    deleted = site["OwnerUserId"].isna()
    assert 0.01 < deleted.mean() < 0.04
    assert site.loc[deleted, "OwnerDisplayName"].str.fullmatch(r"user\d+").all()
    assert site.loc[~deleted].groupby("OwnerUserId")["OwnerDisplayName"].nunique().max() == 1


def test_later_events_come_after_the_creation_and_before_the_end(site: pd.DataFrame):
    end = datetime(2026, 11, 1, tzinfo=UTC)
    for column, low, high in (("LastEditDate", 0.4, 0.5), ("ClosedDate", 0.03, 0.07)):
        happened = site[site[column].notna()]
        assert low < len(happened) / len(site) < high
        assert (happened[column] > happened["CreationDate"]).all()
        assert (happened[column] < end).all()


def test_licence_follows_the_last_revision(site: pd.DataFrame):
    revised = site["LastEditDate"].fillna(site["CreationDate"])
    version = np.select([revised < "2011-04-08", revised < "2018-05-02"], ["2.5", "3.0"], "4.0")
    assert (site["ContentLicense"] == "CC BY-SA " + pd.Series(version)).all()
    assert site["ContentLicense"].nunique() == 3


def test_links_and_site(site: pd.DataFrame):
    assert (site["Link"] == "https://simulated.example.org/questions/" + site["Id"].astype("str")).all()
    assert set(site["Site"]) == {"simulated"}
    assert site["Unreadable"].isna().all()


def test_words_predict_the_tag_well_but_far_from_perfectly(site: pd.DataFrame):
    model = make_pipeline(TfidfVectorizer(max_features=25_000), LogisticRegression(max_iter=1_000))
    average_precision, roc_auc = held_out_scores(model, site["text"], site["target"])
    assert 0.45 < average_precision < 0.62
    assert 0.82 < roc_auc < 0.90


def test_numbers_hardly_predict_the_tag(site: pd.DataFrame):
    counts = site[["Score", "ViewCount", "AnswerCount", "CommentCount"]].assign(
        created=site["CreationDate"].astype("int64"), title=site["Title"].str.len(), body=site["Body"].str.len()
    )
    model = make_pipeline(StandardScaler(), LogisticRegression())
    average_precision, roc_auc = held_out_scores(model, counts, site["target"])
    assert site["target"].mean() < average_precision < 0.17
    assert 0.53 < roc_auc < 0.61


def test_mentioning_machine_learning_is_a_weak_rule(site: pd.DataFrame):
    mentioned = site["text"].str.lower().str.contains("machine learning", regex=False)
    assert 0.25 < site["target"][mentioned].mean() < 0.5
    assert 0.15 < mentioned[site["target"]].mean() < 0.4


def held_out_scores(model, X, y) -> tuple[float, float]:
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=42)
    probability = model.fit(X_train, y_train).predict_proba(X_test)[:, 1]
    return average_precision_score(y_test, probability), roc_auc_score(y_test, probability)


@pytest.mark.parametrize("questions", [0, -1])
def test_fewer_than_one_question_is_an_error(questions: int):
    with pytest.raises(InputError, match="ask for at least 1"):
        simulate(questions, seed=1)


@pytest.mark.parametrize(
    "until", ["2026", "2026-13", "2026-1", "26-10", "2026-10-01", "", "soon", "9999-12", "٢٠٢٦-10"]
)
def test_until_must_be_a_month(until: str):
    with pytest.raises(InputError, match="write it as YYYY-MM"):
        simulate(10, seed=1, until=until)


def test_until_must_not_be_before_the_first_month():
    with pytest.raises(InputError, match="use 2010-07 or later"):
        simulate(10, seed=1, until="2010-06")
