"""The gate, the registry and the runs of a project put together."""

from __future__ import annotations

import dataclasses
import os
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from question_classification.models.promotion import Check, Verdict, judge, measure
from question_classification.promotion.evidence import find_sources, gather
from question_classification.promotion.parameters import Mode, load_parameters
from question_classification.provenance.errors import ProvenanceError
from question_classification.provenance.registry import CHAMPION, Decision, Outcome, Registry, Version, find_person
from question_classification.provenance.store import RunStore

if TYPE_CHECKING:
    from pathlib import Path

    from question_classification.models.promotion import Evidence
    from question_classification.promotion.evidence import Sources
    from question_classification.provenance.store import Model

_MODEL = "selected"  # its name in the run


class Desk:
    """Where models are registered, judged and promoted.

    Args:
        project: the root of the project.
        package_name: of the project; the registered model has its name.

    Attributes:
        parameters: of the promotion.
        registry: the versions.
    """

    def __init__(self, project: Path, package_name: str) -> None:
        import mlflow
        from kedro.framework.session import KedroSession

        os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
        with KedroSession.create(project) as session:
            context = session.load_context()  # type: ignore[attr-defined]  # kedro-mlflow sets the store
        self._project = project
        self._client = mlflow.MlflowClient()
        self.parameters = load_parameters(context.config_loader)
        self._store = RunStore(self._client, package_name)
        self.registry = Registry(self._client, package_name)

    @cached_property
    def person(self) -> str:
        """Who is at work."""
        return find_person(self._project)

    def register(self, run_id: str | None) -> tuple[Version, bool]:
        """Make the model of a run the challenger; by default that of the newest run with one.

        Returns:
            Its version, and whether it is a new one.

        Raises:
            ProvenanceError: there is no such run, or too little is known of its model.
        """
        model = self._store.find_model(run_id, self._project)
        sources = find_sources(model, self._store)
        return self.registry.register(model.run.id, _MODEL, self._describe(model, sources))

    def _describe(self, model: Model, sources: Sources) -> dict[str, str]:
        evidence, origin = gather(sources, self._client), model.run.origin
        return {
            **origin.commit.tags(),
            **{name: str(value) for name, value in origin.facts.items()},
            "model.md5": model.file.md5,
            "report.run_id": sources.report.id,
            "test_set": evidence.test_set,
            **{name: f"{value:.6f}" for name, value in measure(evidence, self.parameters.gate).items()},
        }

    def judge(self, challenger: Version) -> tuple[Verdict, Version | None]:
        """Ask the gate; a version of which too little is known does not pass.

        Returns:
            The verdict, and the champion that it was judged against, if there is one.
        """
        champion = self.registry.find(CHAMPION)
        try:
            evidence = [self._gather(version) for version in (challenger, champion) if version]
        except ProvenanceError as error:
            return Verdict((Check("evidence", False, str(error)),)), champion
        return judge(evidence[0], evidence[1] if champion else None, self.parameters.gate), champion

    def _gather(self, version: Version) -> Evidence:
        model = self._store.find_model(version.run_id, self._project)
        return gather(find_sources(model, self._store), self._client)

    def decide(
        self, version: Version, *, mode: Mode, force: bool, reason: str | None
    ) -> tuple[Decision, Verdict, Version | None]:
        """Judge a version, as the mode has it, and promote it if it may be; what is decided is noted on it.

        Returns:
            What was decided, the verdict (without any check where the gate was not asked), and the champion until now.

        Raises:
            ProvenanceError: the champion has changed meanwhile.
        """
        unasked = mode == "disabled"
        verdict, champion = (Verdict(()), self.registry.find(CHAMPION)) if unasked else self.judge(version)
        decision = Decision(
            outcome=_name_outcome(mode, verdict.passed, force),
            by=self.person,
            at=datetime.now(UTC),
            reason=reason,
            mode=mode,
            champion=champion.number if champion else None,
            checks=[dataclasses.asdict(check) for check in verdict.checks],
        )
        if decision.outcome in ("promoted", "forced"):
            self.registry.promote(version, decision)
        else:
            self.registry.record(version, decision)
        return decision, verdict, champion


def _name_outcome(mode: Mode, passed: bool, force: bool) -> Outcome:
    if mode == "dry_run":
        return "would be promoted" if passed or force else "would be refused"
    if passed:
        return "promoted"
    return "forced" if force else "refused"
