"""Invented words: names of data sets, packages, people and variables, some frequent and most of them rare."""

from collections.abc import Sequence
from functools import cache
from random import Random


def _split(text: str) -> list[str]:
    return text.split()


_ONSETS = _split("b br c cl d dr f fl g gr h j k kl l m n p pr qu r s sk st t tr v w z")
_VOWELS = _split("a a e e i i o o u ai ea ia io ou")
_CODAS = ["", "", "", "l", "n", "r", "s", "t", "x", "nd", "rk"]
_FIRST_NAMES = _split("""Ana André Björn Chloé Dana Élodie Felix Grace Håkon Ines Jürgen Kofi Lucía Mehmet Nadia Óscar
    Priya Quinn Renée Søren Tomás Ulla Vera Wei Xenia Yusuf Zoë Łukasz Šárka Ming""")
_MEASURES = _split("""age income weight height dose score price sales time rate count temp dist speed size level group
    region cost length yield pressure visits rating depth status week gender bmi lag""")
_SUFFIXES = _split("1 2 3 _t _log _mean _id _max _sq _new _raw _std .x .y _pct _prev")


@cache
def words() -> dict[str, tuple[str, ...]]:
    """Return the invented words by kind: `dataset`, `package`, `person` and `var`.

    A word that is frequent stands in its tuple many times, so a uniform draw follows a Zipf-like law.
    The words are the same whatever the seed of the simulation, as on a site where people share a world.
    """
    random = Random(2010).random  # noqa: S311 (a simulation, not cryptography)

    def pick(options: Sequence[str]) -> str:
        return options[int(random() * len(options))]

    def syllables(count: int) -> str:
        return "".join(pick(_ONSETS) + pick(_VOWELS) + pick(_CODAS) for _ in range(count))

    invented = list(dict.fromkeys(syllables(2 + int(random() * 2)) for _ in range(16_000)))
    surnames = [syllables(2).capitalize() for _ in range(2_500)]
    variables = [measure + suffix for measure in _MEASURES for suffix in ("", *_SUFFIXES)]
    variables += [f"{letter}_{number}" for number in range(1, 100) for letter in "xzv"]
    variables += [f"{name}_{pick(_MEASURES)}" for name in invented[12_000:13_500]]
    return {
        "dataset": _zipf([name.capitalize() for name in invented[:10_000]], 30_000),
        "package": _zipf([name + pick(["", "", "r", "2", "py"]) for name in invented[10_000:12_000]], 6_000),
        "person": _zipf([f"{pick(_FIRST_NAMES)} {surname}" for surname in surnames], 7_500),
        "var": _zipf(variables, 8_000),
    }


def _zipf(ranked: Sequence[str], size: int) -> tuple[str, ...]:
    """Spread `ranked` over `size` places: the first words get many places, the last ones about one each."""
    return tuple(ranked[int(len(ranked) * (place / size) ** 3)] for place in range(size))
