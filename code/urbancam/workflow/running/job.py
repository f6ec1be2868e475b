"""What a script is asked for, and what its work may use.

A script declares its step from a `Request`, and works on a `Job`: the settings that it declared and
no others, its inputs, its fold. It answers with a `Done`; the record is written outside, so that it
cannot lie.
"""

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from urbancam.workflow import catalogue
from urbancam.workflow.errors import InputError
from urbancam.workflow.folder_names import folder_name
from urbancam.workflow.paths import ROOT, Paths
from urbancam.workflow.records.steps import Step
from urbancam.workflow.settings.feature_sets import FeatureSet

if TYPE_CHECKING:  # a script that only shows its help does not wait for it
    from urbancam.workflow.settings.settings import Settings


@dataclass(frozen=True)
class Request:
    """What the arguments of a script ask for.

    Attributes:
        settings: Settings of the run, all of them.
        paths: Paths of the city, run and variant.
        args: The arguments.
    """

    settings: "Settings"
    paths: Paths
    args: argparse.Namespace

    @property
    def entry(self) -> catalogue.Entry:
        """The script's row in the catalogue."""
        return catalogue.find(self.args.script)

    @property
    def city(self) -> str:
        return self.args.city

    def folds(self, count: int) -> list[int]:
        """The folds that `--fold` asks for: one, or all.

        Raises:
            InputError: There is no such fold.
        """
        fold = self.args.fold
        if fold is None:
            return list(range(count))
        if not 0 <= fold < count:
            raise InputError(
                f"there is no fold {fold}: folds are 0 .. {count - 1}",
                "--fold",
                "see split.folds, cities.folds",
            )
        return [fold]

    def step(
        self,
        version: int,
        result: Path,
        settings: Iterable[str],
        inputs: Iterable[Path] = (),
        *,
        by_hand: Iterable[Path] = (),
        fold: int | None = None,
        label: str | None = None,
        **further: Any,
    ) -> Step:
        """The step of this script; name and scope, and who makes which input, stand in the
        catalogue.

        Args:
            version: Raised whenever the same inputs would give other results.
            result: The closing result.
            settings: Keys of the settings it depends on, whole sections ("split") or single ones
                ("split.folds").
            inputs: Files that other steps make.
            by_hand: Files that the user puts there.
            fold: The fold that is worked on.
            label: None for the city's name, and the fold's number.
            **further: Further fields of `Step`.
        """
        entry = self.entry
        makers = {path: catalogue.maker_of(path, entry.experiment) for path in inputs}
        if label is None:
            city = self.city if entry.takes_city else ""
            label = city if fold is None else f"{city} fold {fold}".strip()
        return Step(
            entry.script,
            version,
            result,
            entry.scope,
            self.settings.pick(*settings),
            makers | dict.fromkeys(by_hand, catalogue.BY_HAND),
            label=label,
            fold=fold,
            **further,
        )


@dataclass(frozen=True)
class Job:
    """What the work of a step may use.

    Attributes:
        step: What was declared; it does not change while the work is done.
        request: What was asked for.
    """

    step: Step
    request: Request

    @cached_property
    def settings(self) -> "Settings":
        """The settings that the step declared; reading another one is an error."""
        return self.request.settings.restricted_to(self.step.settings)

    @property
    def paths(self) -> Paths:
        return self.request.paths

    @property
    def city(self) -> str:
        return self.request.city

    @property
    def run(self) -> str:
        return self.request.args.run

    @property
    def inputs(self) -> list[Path]:
        return list(self.step.inputs)

    @property
    def result(self) -> Path:
        return self.step.result

    @property
    def fold(self) -> int:
        """The fold that is worked on, of a step that has folds."""
        assert self.step.fold is not None, f"{self.step.name} declares no fold"
        return self.step.fold

    @property
    def feature_set(self) -> FeatureSet:
        """The set of features that is measured, of the step that measures them."""
        assert self.step.feature_set is not None, f"{self.step.name} declares no set of features"
        return self.step.feature_set

    @property
    def fingerprint(self) -> str:
        """Marks unfinished work that may be gone on with."""
        return self.step.fingerprint

    @property
    def workers(self) -> int:
        return self.request.args.workers

    @property
    def device(self) -> str:
        """ "auto", "cpu" or "cuda"."""
        return self.request.args.device

    @property
    def force(self) -> bool:
        return self.request.args.force

    def option(self, name: str) -> Any:
        """The value of an argument that only this script has."""
        return getattr(self.request.args, name)


def find_paths(settings: "Settings", args: argparse.Namespace) -> Paths:
    """The paths of the city and run that the arguments name.

    Raises:
        InputError: The city has no name that a folder can have.
    """
    if catalogue.find(args.script).takes_city and not folder_name(args.city):
        raise InputError(f"{args.city!r} is not a city's name", "--city", "e.g. --city Paris")
    data = args.data or ROOT / settings.data_dir
    results = args.results or ROOT / "results"
    return Paths(
        data.resolve(), results.resolve(), args.city, args.run, args.variant, settings.cache_gb
    )
