"""The versions of a model in MLflow's registry, and what has been decided about them.

Three aliases say what a version is: `challenger` is to be judged, `champion` is in use, `previous` was the champion
before. An alias is of one version at most, and they are set in an order in which there is a champion at any moment: a
process that is killed half-way leaves one. Each decision is a tag of its version.
"""

from __future__ import annotations

import getpass
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.git import git

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

CHALLENGER, CHAMPION, PREVIOUS = "challenger", "champion", "previous"

_DECISION = "decision."
_OUTCOME = "outcome"
_ARCHIVED = "archived"

Outcome = Literal["promoted", "forced", "refused", "would be promoted", "would be refused", "rolled back", "archived"]


class Decision(BaseModel):
    """What was decided about a version.

    Attributes:
        outcome: what.
        by: who decided.
        at: when, in UTC.
        reason: why, in the words of who decided.
        mode: of the gate.
        champion: the version that was the champion at the time.
        checks: those of the gate, by the names of their fields.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")  # a later version may say more

    outcome: Outcome
    by: str
    at: datetime
    reason: str | None = None
    mode: str | None = None
    champion: int | None = None
    checks: list[dict[str, Any]] = []


@dataclass(frozen=True)
class Version:
    """A version of the model.

    Attributes:
        number: counted from 1.
        run_id: of the run that made it.
        source: where MLflow has it.
        created: when it was registered, in UTC.
        aliases: in the order of the alphabet.
        tags: what was noted when it was registered.
        decisions: the oldest first.
        archived: whether it is out of use for good.
    """

    number: int
    run_id: str
    source: str
    created: datetime
    aliases: tuple[str, ...]
    tags: dict[str, str] = field(repr=False)
    decisions: tuple[Decision, ...] = field(repr=False)
    archived: bool = False


class Registry:
    """The versions of one registered model.

    Args:
        client: of MLflow.
        name: of the model in the registry.
    """

    def __init__(self, client: MlflowClient, name: str) -> None:
        self._client = client
        self.name = name

    def versions(self) -> list[Version]:
        """Return all versions, the newest first."""
        found: list[ModelVersion] = []
        token: str | None = None
        while True:
            page = self._client.search_model_versions(f"name = '{self.name}'", page_token=token)
            found += page
            token = page.token
            if not token:
                break
        aliases = self._aliases()
        return sorted((_read(version, aliases) for version in found), key=lambda version: -version.number)

    def get(self, reference: str) -> Version:
        """Return a version by its number or alias.

        Raises:
            ProvenanceError: there is none.
        """
        if not reference.isdigit():
            version = self.find(reference)
            if version is None:
                known = ", ".join(sorted(self._aliases())) or "none"
                raise ProvenanceError(f"{self.name} has no version with the alias {reference}; aliases are: {known}.")
            return version
        version = next((each for each in self.versions() if each.number == int(reference)), None)
        if version is None:
            raise ProvenanceError(f"{self.name} has no version {reference}; `kedro model list` names those there are.")
        return version

    def find(self, alias: str) -> Version | None:
        """Return the version that has an alias, if one has."""
        number = self._aliases().get(alias)
        return None if number is None else next(each for each in self.versions() if each.number == number)

    def register(self, run_id: str, model: str, tags: Mapping[str, str]) -> tuple[Version, bool]:
        """Make a model that a run has logged the challenger.

        Args:
            run_id: of the run.
            model: its name in the run.
            tags: what to note of it.

        Returns:
            Its version, and whether it is a new one; not where the run had been registered before.

        Raises:
            ProvenanceError: the run has logged no such model, or its version has been archived.
        """
        known = next((each for each in self.versions() if each.run_id == run_id), None)
        if known is None:
            model_id = self._find_logged_model(run_id, model)
            self._ensure_model()
            created = self._client.create_model_version(
                self.name, f"models:/{model_id}", run_id, tags=dict(tags), model_id=model_id, await_creation_for=0
            )
            number = int(created.version)
        elif known.archived:
            raise ProvenanceError(f"version {known.number}, of the run {run_id}, is archived.")
        else:
            number = known.number
        if known is None or CHAMPION not in known.aliases:
            self._client.set_registered_model_alias(self.name, CHALLENGER, str(number))
        return self.get(str(number)), known is None

    def promote(self, version: Version, decision: Decision) -> None:
        """Make a version the champion, and the champion the previous one.

        Raises:
            ProvenanceError: the champion is not the one that was decided against.
        """
        champion = self._aliases().get(CHAMPION)
        if champion != decision.champion:
            raise ProvenanceError(
                f"the champion has changed from version {decision.champion or 'none'} to {champion} meanwhile; "
                "ask again."
            )
        self.record(version, decision)
        if champion is not None:
            self._client.set_registered_model_alias(self.name, PREVIOUS, str(champion))
        self._client.set_registered_model_alias(self.name, CHAMPION, str(version.number))
        self._drop(CHALLENGER, version.number)

    def roll_back(self, *, by: str, reason: str | None) -> tuple[Version, Version]:
        """Make the previous champion the champion again.

        What is rolled back does not become the previous one: a second call must not bring it back.

        Returns:
            The champion, and the version that was it until now.

        Raises:
            ProvenanceError: there is none.
        """
        champion, previous = self.find(CHAMPION), self.find(PREVIOUS)
        if champion is None or previous is None or previous.archived or champion.number == previous.number:
            raise ProvenanceError(f"{self.name} has no previous champion; `kedro model promote VERSION` makes one.")
        decision = Decision(outcome="rolled back", by=by, at=datetime.now(UTC), reason=reason, champion=champion.number)
        self.record(champion, decision)
        self._client.set_registered_model_alias(self.name, CHAMPION, str(previous.number))
        self._drop(PREVIOUS, previous.number)
        return self.get(str(previous.number)), self.get(str(champion.number))

    def archive(self, version: Version, *, by: str, reason: str | None) -> None:
        """Take a version out of use: it loses its aliases, and cannot be promoted any more.

        Raises:
            ProvenanceError: it is the champion.
        """
        if CHAMPION in version.aliases:
            raise ProvenanceError(f"version {version.number} is the champion; promote another one before.")
        self.record(version, Decision(outcome="archived", by=by, at=datetime.now(UTC), reason=reason))
        self._client.set_model_version_tag(self.name, str(version.number), _ARCHIVED, "true")
        for alias in version.aliases:
            self._drop(alias, version.number)

    def record(self, version: Version, decision: Decision) -> None:
        """Note a decision on its version."""
        key = f"{_DECISION}{decision.at:%Y-%m-%dT%H:%M:%S.%fZ}"
        for name, value in ((key, decision.model_dump_json(exclude_none=True)), (_OUTCOME, decision.outcome)):
            self._client.set_model_version_tag(self.name, str(version.number), name, value)

    def _aliases(self) -> dict[str, int]:
        from mlflow.exceptions import MlflowException

        try:
            aliases = self._client.get_registered_model(self.name).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return {}
            raise
        return {alias: int(number) for alias, number in aliases.items()}

    def _drop(self, alias: str, number: int) -> None:
        """Take an alias off a version, if it has it still."""
        if self._aliases().get(alias) == number:
            self._client.delete_registered_model_alias(self.name, alias)

    def _ensure_model(self) -> None:
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

    def _find_logged_model(self, run_id: str, name: str) -> str:
        experiment = self._client.get_run(run_id).info.experiment_id
        logged = self._client.search_logged_models(
            [experiment],
            f"name = '{name}' AND source_run_id = '{run_id}'",
            order_by=[{"field_name": "creation_timestamp", "ascending": False}],
        )
        if not logged:
            raise ProvenanceError(f"{run_id}: the run has logged no model {name!r}.")
        return str(logged[0].model_id)


def find_person(project: Path) -> str:
    """Return who is at work: as Git knows them, or else by the name of their account."""
    name, email = git(project, "config", "user.name"), git(project, "config", "user.email")
    if name:
        return f"{name} <{email}>" if email else name
    return email or getpass.getuser()


def _read(version: ModelVersion, aliases: Mapping[str, int]) -> Version:
    number = int(version.version)
    tags = dict(version.tags)
    decisions = [Decision.model_validate_json(value) for key, value in tags.items() if key.startswith(_DECISION)]
    return Version(
        number=number,
        run_id=version.run_id or "",
        source=version.source or "",
        created=datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
        aliases=tuple(sorted(alias for alias, of in aliases.items() if of == number)),
        tags={
            key: value
            for key, value in tags.items()
            if not key.startswith(_DECISION) and key not in (_OUTCOME, _ARCHIVED)
        },
        decisions=tuple(sorted(decisions, key=lambda decision: decision.at)),
        archived=tags.get(_ARCHIVED) == "true",
    )
