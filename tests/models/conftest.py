from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest


def simulate_questions(rows: int = 300) -> tuple[pd.DataFrame, np.ndarray]:
    """Questions of random words from a hundred, of which some mention machine learning; those are mostly positive."""
    rng = np.random.default_rng(0)
    vocabulary = np.array([f"word{number}" for number in range(100)])
    about = rng.random(rows) < 0.3
    # Cubed, so that some words are far more frequent than others and occur more than once in a text.
    words = vocabulary[(rng.random((rows, 40)) ** 3 * 100).astype(int)]
    body = [
        " ".join(row) + (" machine learning" if is_about else "") for row, is_about in zip(words, about, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "title": [" ".join(row[:5]) for row in words],
            "body": body,
            "title_length": rng.integers(10, 80, rows) + 20.0 * about,
            "hour": rng.integers(0, 24, rows),
        }
    )
    frame["body"] = [
        f"<p>{text}</p>" + f"<pre><code>{text[:40]};</code></pre>" * (row % 3 == 0) for row, text in enumerate(body)
    ]
    frame.loc[::50, ["title", "title_length"]] = None
    return frame, about ^ (rng.random(rows) < 0.1)


@pytest.fixture
def simulate() -> Callable[..., tuple[pd.DataFrame, np.ndarray]]:
    return simulate_questions
