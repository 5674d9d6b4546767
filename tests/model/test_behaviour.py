"""What the deployable models that read text do with questions, by small changes to them and by plain cases."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from question_classification.models.explanations import explain
from question_classification.models.questions import Tokenize
from question_classification.pipelines.candidates import DEPLOYABLE
from question_classification.pipelines.feature_engineering.nodes import engineer_features, label_questions
from question_classification.pipelines.feature_engineering.parameters import TargetParameters
from question_classification.pipelines.modelling.nodes import (
    calibrate_selected,
    cross_validate_candidate,
    fit_candidate,
    tokenize_questions,
)
from question_classification.pipelines.modelling.parameters import Candidate, CrossValidationParameters, TextParameters
from question_classification.stackexchange.simulated import simulate

CONF = Path(__file__).parents[2] / "conf" / "base"
MODELLING = yaml.safe_load((CONF / "parameters_modelling.yml").read_text())["modelling"]
READERS = ("fielded_logistic", "nb_svm_logistic")
FOLDS = CrossValidationParameters(folds=3, seed=42)
_UNKNOWN = ("score", "view_count", "answer_count", "comment_count")
_NOBODY = ("link", "owner_display_name", "owner_link", "content_license")


@dataclass(frozen=True)
class Scorer:
    """A calibrated model, as it would be deployed: it takes what is known of a new question."""

    model: Any

    def scores(self, questions: pd.DataFrame) -> list[float]:
        return self.model.predict_proba(engineer_features(questions))[:, 1].tolist()

    def score(self, title: str | None, body: str | None) -> float:
        (score,) = self.scores(ask((title, body)))
        return score


def make_questions(title: Any, body: Any, tags: Any = "<r>", created: Any = "2018-06-01T12:00:00Z") -> pd.DataFrame:
    """Return questions as the ingestion leaves them; nobody has voted yet."""
    questions = pd.DataFrame({"title": title, "body": body, "tags": tags})
    questions["question_id"] = range(len(questions))
    questions["creation_date"] = pd.Series(pd.to_datetime(created, utc=True), index=questions.index).dt.as_unit("s")
    return questions.assign(**dict.fromkeys(_UNKNOWN, pd.NA), **dict.fromkeys(_NOBODY, None))


def ask(*texts: tuple[str | None, str | None]) -> pd.DataFrame:
    """Return questions by title and body."""
    return make_questions(*([each[place] for each in texts] for place in (0, 1)))


def learn(questions: pd.DataFrame, about: TargetParameters, kind: str) -> Scorer:
    """Fit and calibrate a candidate as the pipelines do, with the parameters of the project."""
    labels, target = label_questions(questions, about)
    text = TextParameters.model_validate(MODELLING["text"])
    train_set = engineer_features(questions).assign(is_target=labels["is_target"])
    tokenized = tokenize_questions(train_set, text)
    candidate = Candidate.model_validate(MODELLING[kind])
    place = DEPLOYABLE.index(kind)
    models: list[Any] = [None] * len(DEPLOYABLE)
    out_of_fold: list[Any] = [None] * len(DEPLOYABLE)
    models[place] = fit_candidate(tokenized, target, {}, text, candidate).model
    out_of_fold[place] = cross_validate_candidate(tokenized, target, {}, text, FOLDS, candidate)
    return Scorer(calibrate_selected({"candidate": kind}, tokenized, *models, *out_of_fold).model)


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    """Questions in no order, of which the last 1,000 are not learnt from."""
    raw = pa.concat_tables(simulate(5_000, seed=7)).to_pandas().sample(frac=1, random_state=1, ignore_index=True)
    return make_questions(raw["Title"], raw["Body"], raw["Tags"], raw["CreationDate"])


@pytest.fixture(scope="module", params=READERS)
def scorer(simulated: pd.DataFrame, request: pytest.FixtureRequest) -> Scorer:
    about = TargetParameters(target_tag="machine-learning", match="exact")
    return learn(simulated[:-1_000], about, request.param)


LEARNING = [
    (
        "How to choose the number of hidden layers of a neural network?",
        "<p>I train a feed-forward network with dropout and early stopping.</p>"
        "<p>The training loss falls, but the validation loss rises after epoch 20, whatever the learning rate is.</p>",
    ),
    (
        "Out-of-bag error of a random forest",
        "<p>I use a random forest of 500 trees. The importance of my variables changes when I permute them.</p>"
        "<p>Should I use gradient boosting, or a stacked ensemble, and how do I choose the depth of the trees?</p>",
    ),
    (
        "Choosing the cost of a support vector machine with the Gaussian kernel",
        "<p>Nearly all of the points become support vectors. How do I tune the kernel of an SVM?</p>"
        "<p>The accuracy in training is 0.99 and 0.61 afterwards.</p>",
    ),
    (
        "How to deal with unbalanced classes in a classifier?",
        "<p>I tried oversampling and SMOTE, but precision, recall and the F1 score do not improve.</p>"
        "<p>Should I choose another threshold by the ROC curve? The minority class has few positives.</p>",
    ),
    (
        "Why does my LSTM always predict the same class?",
        "<p>I use Adam and batch normalisation. After 20 epochs the network predicts one class for every image.</p>"
        "<pre><code>net.fit(X, labels, epochs=20, batch=32)\nepoch  loss  val_loss  seconds</code></pre>",
    ),
    (
        "Q-learning: how to shape the reward?",
        "<p>The agent always takes the same action, whatever the policy gradient says, and nothing is learnt.</p>"
        "<p>Does the discount factor of the value function matter for exploration?</p>",
    ),
]
STATISTICS = [
    (
        "How do I interpret the p-value of a t-test?",
        "<p>The null hypothesis is that the two means are equal. What is the power?</p>"
        "<p>The p-value is 0.04 with all rows and 0.06 without the outliers. Which is significant?</p>",
    ),
    (
        "Interpretation of the odds ratio in logistic regression",
        "<p>The odds ratio has an enormous interval, and the residual deviance is large.</p>"
        "<p>Is there overdispersion, or complete separation? How do I compare nested models?</p>",
    ),
    (
        "Sum of two independent Poisson variables",
        "<p>Let $X$ and $Y$ be independent. What is the joint density, and the conditional expectation?</p>"
        "<p>By hand I get the moment generating function and the variance of a sum.</p>",
    ),
    (
        "Repeated measures ANOVA: test of sphericity",
        "<p>Each of the subjects was measured three times. Should I use Tukey's test for the cell means?</p>"
        "<p>Mauchly's test is significant. Is a randomised block design, or planned contrasts, the answer?</p>",
    ),
    (
        "ARIMA model for a seasonal time series",
        "<p>The autocorrelation is large even after differencing. How should I choose the lag order?</p>"
        "<p>The Dickey-Fuller test rejects the unit root, and the forecast is a flat line.</p>",
    ),
    (
        "Heteroscedasticity of the residuals in ordinary least squares",
        "<p>The residuals fan out. Should I use robust standard errors, or transform the skewed response?</p>"
        "<pre><code>m &lt;- lm(y ~ x)\nsummary(m)\nplot(resid(m) ~ fitted(m))</code></pre>",
    ),
]
NEUTRAL = (
    "What is the right way to compare two groups?",
    "<p>I have data on house prices with 500 rows. Any advice is welcome.</p>",
)


@pytest.fixture(scope="module")
def some(simulated: pd.DataFrame) -> pd.DataFrame:
    """The plain cases, and simulated questions with all that real ones have."""
    return pd.concat([ask(*LEARNING, *STATISTICS), simulated[100:140]], ignore_index=True)


class TestInvariance:
    @pytest.mark.parametrize(
        "change",
        [
            lambda body: f"<div>{body}</div>",
            lambda body: f"<html><body>\n  {body}\n</body></html>",
            lambda body: f'<section class="question"><!-- a neural network --><div id="x">{body}</div></section>',
            lambda body: body.replace("<p>", "<div><p><b>").replace("</p>", "</b></p></div>"),
            lambda body: body.replace("<p>", '<p dir="ltr"><em><span>').replace("</p>", "</span></em></p>"),
            lambda body: body.replace("<p>", "\n<P>").replace("</p>", "</P>\n"),
            lambda body: body.replace("<p>", "<p>&nbsp;").replace(" the ", "\n&#116;he  "),
        ],
        ids=["div", "page", "attributes", "bold", "marks", "case and space", "entities"],
    )
    def test_markup_makes_no_difference(self, scorer: Scorer, some: pd.DataFrame, change: Callable[[str], str]) -> None:
        features = engineer_features(some)
        changed = features.assign(body=features["body"].map(change))
        before, after = (scorer.model.predict_proba(each)[:, 1].tolist() for each in (features, changed))
        assert after == before
        with_its_length = scorer.scores(some.assign(body=some["body"].map(change)))
        np.testing.assert_allclose(with_its_length, before, atol=0.05)  # a step of the isotonic calibration

    @pytest.mark.parametrize("change", [str.upper, str.lower, str.swapcase])
    def test_letter_case_makes_no_difference(self, scorer: Scorer, change: Callable[[str], str]) -> None:
        plain = ask(*LEARNING, *STATISTICS)
        changed = plain.assign(title=plain["title"].map(change), body=plain["body"].map(change))
        assert scorer.scores(changed) == scorer.scores(plain)

    def test_order_of_tags_makes_no_difference_to_labels_and_scores(
        self, scorer: Scorer, simulated: pd.DataFrame
    ) -> None:
        tags = simulated["tags"].str.strip("<>").str.split("><")
        turned = simulated.assign(tags=tags.map(lambda names: "<" + "><".join(reversed(names)) + ">"))
        assert (turned["tags"] != simulated["tags"]).mean() > 0.5
        about = TargetParameters(target_tag="machine-learning", match="exact")
        pd.testing.assert_frame_equal(label_questions(turned, about)[0], label_questions(simulated, about)[0])
        assert scorer.scores(turned[:50]) == scorer.scores(simulated[:50])

    def test_questions_beside_it_make_no_difference(self, scorer: Scorer, some: pd.DataFrame) -> None:
        together = scorer.scores(some)
        assert [scorer.scores(some[place : place + 1])[0] for place in range(0, len(some), 5)] == together[::5]
        assert scorer.scores(some[::-1]) == together[::-1]

    def test_words_that_it_has_never_met_make_no_difference(self, scorer: Scorer) -> None:
        title, body = NEUTRAL
        features = engineer_features(ask(NEUTRAL))
        unknown = features.assign(title=f"{title} Xyzzyplugh", body=f"{body}<p>Frobozz!</p>")
        assert scorer.model.predict_proba(unknown)[0, 1] == scorer.model.predict_proba(features)[0, 1]


class TestDirection:
    """By decision values, of which a calibrator keeps the order, but perhaps not the distances."""

    @staticmethod
    def change(scorer: Scorer, words: str) -> "pd.Series[float]":
        """Return by how much some words at the end raise the log-odds of questions about statistics."""
        plain = engineer_features(ask(NEUTRAL, *STATISTICS))
        more = plain.assign(body=plain["body"] + f"<p>{words}</p>")
        before, after = (scorer.model.decision_function(each) for each in (plain, more))
        return pd.Series(after - before)

    @pytest.mark.parametrize("words", ["Random forest classifier.", "Neural network training.", "Deep network?"])
    def test_machine_learning_raises_the_score(self, scorer: Scorer, words: str) -> None:
        assert (self.change(scorer, words) > 0.02).all()
        title, body = NEUTRAL
        assert scorer.score(title, f"{body}<p>{words}</p>") > scorer.score(title, body)

    def test_more_of_it_raises_the_score_more(self, scorer: Scorer) -> None:
        once, twice = (
            "I train a neural network.",
            "I train a neural network. The validation loss rises after each epoch.",
        )
        assert (self.change(scorer, once) > 0).all()
        assert (self.change(scorer, twice) > self.change(scorer, once)).all()

    @pytest.mark.parametrize("words", ["Thank you.", "Thanks in advance!", "Many thanks for any help."])
    def test_thanks_move_it_little(self, scorer: Scorer, words: str) -> None:
        learning = self.change(scorer, "Neural network training.").mean()
        assert self.change(scorer, words).abs().max() < learning / 2
        for title, body in (NEUTRAL, LEARNING[0], STATISTICS[0]):
            assert scorer.score(title, f"{body}<p>{words}</p>") == pytest.approx(scorer.score(title, body), abs=0.05)

    @pytest.mark.parametrize("words", ["The null hypothesis.", "A repeated measures ANOVA."])
    def test_classical_statistics_do_not_raise_it(self, scorer: Scorer, words: str) -> None:
        assert (self.change(scorer, words) < self.change(scorer, "Neural network training.") - 0.1).all()
        title, body = NEUTRAL
        assert scorer.score(title, f"{body}<p>{words}</p>") < scorer.score(title, body)


class TestMinimumFunctionality:
    def test_plain_cases_of_machine_learning_score_above_those_of_statistics(self, scorer: Scorer) -> None:
        assert min(scorer.scores(ask(*LEARNING))) > max(scorer.scores(ask(*STATISTICS)))

    @pytest.mark.parametrize(
        ("title", "body"),
        [(None, None), ("", ""), ("?", "<p></p>"), ("\N{GRINNING FACE}" * 50, "<pre><code>"), ("機械学習", "\0")],
        ids=["nothing", "empty", "no word", "open tags", "no character"],
    )
    def test_question_that_says_nothing_gets_a_low_score(
        self, scorer: Scorer, title: str | None, body: str | None
    ) -> None:
        assert 0 < scorer.score(title, body) < 0.3

    def test_very_long_question_is_scored(self, scorer: Scorer) -> None:
        title, body = LEARNING[0]
        assert scorer.score(title, body * 300) > scorer.score(*NEUTRAL)


class TestCalibration:
    def test_order_of_scores_is_that_of_decision_values(self, scorer: Scorer, simulated: pd.DataFrame) -> None:
        features = engineer_features(simulated[:500])
        decision = scorer.model.decision_function(features)
        probability = scorer.model.predict_proba(features)
        assert ((probability > 0) & (probability < 1)).all()
        np.testing.assert_allclose(probability.sum(axis=1), 1)
        ascending = np.argsort(decision)
        assert (np.diff(decision[ascending]) > 0).mean() > 0.99
        assert (np.diff(probability[ascending, 1])[np.diff(decision[ascending]) > 1e-9] > 0).all()

    def test_scores_are_as_high_as_targets_are_frequent(self, scorer: Scorer, simulated: pd.DataFrame) -> None:
        unseen = simulated[-1_000:]
        label, score = unseen["tags"].str.contains("<machine-learning>"), np.array(scorer.scores(unseen))
        assert score.mean() == pytest.approx(label.mean(), abs=0.03)
        assert label[score > 0.4].mean() > 3 * label.mean()


def test_contributions_add_up_to_the_decision(scorer: Scorer, some: pd.DataFrame) -> None:
    features = engineer_features(some)
    contributions = explain(scorer.model, Tokenize().transform(features))
    np.testing.assert_allclose(contributions.log_odds, scorer.model.decision_function(features), atol=1e-9)
    of_first = pd.Series(contributions.values[[0]].toarray()[0], index=contributions.features["term"])
    assert of_first.idxmax() in LEARNING[0][0].lower() + LEARNING[0][1].lower()


class TestRealQuestions:
    """About Stack Overflow, and tags that contain `python`."""

    @pytest.fixture(scope="class", params=READERS)
    def scorer(self, stackexchange_data: Path, request: pytest.FixtureRequest) -> Scorer:
        path = stackexchange_data / "stackoverflow_2018.csv.gz"
        if not path.is_file():
            pytest.skip(f"no {path.name} in {stackexchange_data}")
        raw = pd.read_csv(path, nrows=3_000)
        questions = make_questions(raw["Title"], raw["Body"], raw["Tags"], raw["CreationDate"])
        return learn(questions, TargetParameters(target_tag="python", match="contains"), request.param)

    def test_plain_cases(self, scorer: Scorer) -> None:
        python = [
            ("How to merge two pandas DataFrames in Python", "<p>Both have an index.</p>"),
            (
                "List comprehension with a condition",
                "<pre><code>def f(x):\n    return [i for i in x if i]</code></pre>",
            ),
            ("Django model with a foreign key", "<pre><code>from django.db import models\n</code></pre>"),
            ("What does if __name__ == '__main__' do?", "<pre><code>import sys\nprint(sys.argv)</code></pre>"),
        ]
        others = [
            ("How to centre a div with CSS", "<pre><code>div { margin: 0 auto; }</code></pre>"),
            ("NullPointerException in Java", "<pre><code>public static void main(String[] args) {}</code></pre>"),
            ("How to undo the last commit in Git?", "<pre><code>git reset --hard HEAD~1</code></pre>"),
            ("Join two tables in SQL Server", "<pre><code>SELECT * FROM a INNER JOIN b ON a.id = b.id</code></pre>"),
        ]
        assert min(scorer.scores(ask(*python))) > max(scorer.scores(ask(*others)))

    def test_direction(self, scorer: Scorer) -> None:
        title, body = "How do I read a file line by line?", "<p>It is too large to fit into memory.</p>"
        plain = scorer.score(title, body)
        assert scorer.score(f"{title} (Python)", body) > 2 * plain
        assert scorer.score(title, f"{body}<pre><code>with open(path) as f:\n    pass</code></pre>") > plain
        assert scorer.score(title, f"{body}<pre><code>std::ifstream file(path);</code></pre>") < 1.2 * plain
        assert scorer.score(title, f"{body}<p>Thank you.</p>") == pytest.approx(plain, abs=0.03)
