import numpy as np
import pandas as pd
import pytest

from question_classification.models.questions import Tokenize
from question_classification.text.tokenized import FIELDS, TokenizedQuestions


def texts(questions: TokenizedQuestions, fields: tuple[str, ...], n: int) -> list[dict[str, int]]:
    """Return the n-grams of each question in words, with their counts."""
    ngrams = questions.ngrams(fields, n)
    names = [" ".join(questions.terms[list(numbers)]) for numbers in ngrams.terms]
    assert names == sorted(set(names), key=str.split)  # each n-gram once, in order
    return [
        {names[column]: int(count) for column, count in zip(row.indices, row.data, strict=True) if count}
        for row in (ngrams.counts[[number]] for number in range(len(questions)))
    ]


@pytest.fixture
def frame() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "title": ["Two Words", None, "words, words"],
            "body": ["<p>a bit of prose</p><pre><code>x = y</code></pre>", "<p>words</p>", None],
            "hour": [1, 2, 3],
        }
    )


def test_fields_by_hand(frame: pd.DataFrame) -> None:
    questions = Tokenize().transform(frame)
    assert texts(questions, ("title",), 1) == [{"two": 1, "words": 1}, {}, {"words": 2}]
    assert texts(questions, ("prose",), 2) == [{"bit of": 1, "of prose": 1}, {}, {}]
    assert texts(questions, ("code",), 1) == [{"=": 1, "x": 1, "y": 1}, {}, {}]
    assert texts(questions, ("body",), 1)[1] == {"words": 1}
    assert texts(questions, ("title", "prose"), 1)[0] == {"bit": 1, "of": 1, "prose": 1, "two": 1, "words": 1}
    assert questions.terms.tolist() == sorted(questions.terms)


def test_input_is_left_alone(frame: pd.DataFrame) -> None:
    before = frame.copy()
    Tokenize().transform(frame)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("n", [1, 2])
@pytest.mark.parametrize("fields", [("title",), ("title", "body"), ("code",)], ids=str)
def test_parts_are_what_tokenising_them_gives(simulate, fields: tuple[str, ...], n: int) -> None:
    X, _ = simulate(60)
    rows = np.array([3, 1, 40, 41])
    whole = Tokenize().transform(X)
    expected = texts(Tokenize().transform(X.iloc[rows]), fields, n)
    assert texts(whole.take(rows), fields, n) == expected
    assert texts(whole.select(["hour"]).take(rows), fields, n) == expected
    numbered = Tokenize().transform(X.assign(question_id=np.arange(60)))
    assert texts(numbered.find(numbered.frame.iloc[rows]), fields, n) == expected


def test_found_questions_are_as_the_table_holds_them(frame: pd.DataFrame) -> None:
    tokenized = Tokenize().transform(frame.assign(question_id=[7, 8, 9]))
    table = tokenized.frame[::-2].reset_index(drop=True).assign(label=[True, False])
    found = tokenized.find(table)
    pd.testing.assert_frame_equal(found.frame, table)
    assert texts(found, ("title",), 1) == [{"words": 2}, {"two": 1, "words": 1}]
    for other in ({"question_id": [7, 6]}, {"title": ["words, words", "other words"]}, {"body": [None, "<p>b</p>"]}):
        with pytest.raises(ValueError, match="that were not tokenised"):
            tokenized.find(table.assign(**other))


def test_only_the_fields_asked_for(frame: pd.DataFrame) -> None:
    assert set(Tokenize(("title",)).transform(frame).tokens) == {"title"}
    assert set(Tokenize().transform(frame).tokens) == set(FIELDS)
