"""Setting: what all trials of one conversion have in common."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rkmend.targets import Target
from rkmend.toolkit.environments import Toolkit
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import tolerance_for
from rkmend.toolkit.trial import Calibration
from rkmend.toolkit.trials import Trials


@dataclass(frozen=True)
class Setting:
    """Where and how the models of a conversion are tried.

    Attributes:
        target: What to convert for.
        toolkit: With which version.
        trials: Runs them.
        scratch: For models, parts of models and samples; gone with the conversion.
        calibration: For the original, where the build is an int8 one.
    """

    target: Target
    toolkit: Toolkit
    trials: Trials
    scratch: Path
    calibration: Calibration | None

    def target_of(self, options: BuildOptions) -> Target:
        """The target with the dtype of a build."""
        return self.target.computing_in(tolerance_for(quantized=options.quantize).dtype)
