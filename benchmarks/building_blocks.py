"""The parts of a run that have a bound of their own: the simulated site and the bootstrap.

python benchmarks/building_blocks.py [--questions 1000000]
"""

import argparse
import resource
import time

import numpy as np

from question_classification.models.metrics import bootstrap_intervals
from question_classification.stackexchange.simulated import simulate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=1_000_000, help="of the large simulated site")
    arguments = parser.parse_args()
    for questions in (20_000, arguments.questions):
        before = peak_megabytes()
        start = time.perf_counter()
        made = sum(batch.num_rows for batch in simulate(questions, seed=42))
        seconds = time.perf_counter() - start
        print(
            f"{made:,} questions simulated: {seconds:.1f} s, peak memory {before} -> {peak_megabytes()} MB", flush=True
        )

    generator = np.random.default_rng(0)
    y_score = generator.random(12_500)
    y_true = generator.random(12_500) < y_score / 4
    start = time.perf_counter()
    bootstrap_intervals(y_true, y_score, resamples=1000, seed=42)
    print(f"intervals of all metrics, 1,000 resamples of 12,500 rows: {time.perf_counter() - start:.2f} s")


def peak_megabytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
