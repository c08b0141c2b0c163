"""Trials of what a conversion makes of a model: on fitted samples, held against the original, repeated to be sure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rkmend.graph import TensorSpec, digest_ir, save
from rkmend.mend.choose import State
from rkmend.mend.interface import outputs_of, read_inputs_of
from rkmend.setting import Setting
from rkmend.toolkit.options import BuildOptions
from rkmend.toolkit.tolerance import tolerance_for
from rkmend.toolkit.trial import Reference, Trial
from rkmend.toolkit.trials import Done
from rkmend.toolkit.verdict import Outcome
from rkmend.verification.fitting import fit_calibration, fit_reference

if TYPE_CHECKING:
    import onnx_ir as ir

REPETITIONS = 3
"""Trials a mended model must pass before it is delivered. The compiler is not deterministic: a Conv with any padding
beyond its kernel converts in one run and aborts in the next (own trials, 2.3.2), so one success proves little."""


@dataclass
class Attempts:
    """Runs the Trials of one conversion.

    Attributes:
        setting: Of its trials.
        inputs: Of the original: calibration data is for them, and fitted to those of a mended model.
        reference: What the original computes, or the head of it that is tried.
        tell: Told when something long begins.
    """

    setting: Setting
    inputs: Sequence[TensorSpec]
    reference: Reference
    tell: Callable[[str], None]

    def __post_init__(self) -> None:
        self._measured: dict[tuple[str, bool, tuple[str, ...]], Reference] = {}

    def run(
        self, model: ir.Model, options: BuildOptions, label: str, *, verify: bool = False, fresh: bool = False
    ) -> Done:
        """One Trial.

        Args:
            model: Takes and gives what a fitted reference says.
            options: Of the build.
            label: What is told of it.
            verify: Hold the simulator against the reference; where it disagrees, the noise of the reference is
                measured first, once.
            fresh: Run it even if its verdict is remembered.
        """
        digest, setting = digest_ir(model), self.setting
        path = setting.scratch / f"{digest[:16]}.onnx"
        if not path.exists():
            save(model, path)
        inputs, samples = read_inputs_of(model), setting.scratch / "fitted"
        whole = self.known_reference(options)
        reference = fit_reference(whole, inputs, outputs_of(model), samples) if verify else None
        calibration = setting.calibration if options.quantize else None
        if calibration is not None:
            calibration = fit_calibration(calibration, self.inputs, inputs, samples)
        trial = Trial(label, path, digest, setting.target, setting.toolkit, options, calibration, reference)
        done = setting.trials.run(trial, fresh=fresh)
        if verify and done.verdict.outcome is Outcome.WRONG and whole.measure:
            dtype = tolerance_for(quantized=options.quantize).dtype
            self.tell(f"measuring what {dtype} rounding alone does to the model")
            kept = options.float16_tensors
            self._measured[whole.digest, options.quantize, kept] = whole.measure(options.quantize, kept)
            return self.run(model, options, label, verify=True)
        return done

    def known_reference(self, options: BuildOptions) -> Reference:
        """What the original computes, with the noise of a build with these options where that is measured."""
        key = self.reference.digest, options.quantize, options.float16_tensors
        return self._measured.get(key, self.reference)

    def confirmed(self, state: State) -> tuple[State, str]:
        """Runs a State's Trial again until it has converted `REPETITIONS` times; the last run verifies.

        Returns:
            The State of the last run, and what speaks against it.
        """
        for number in range(2, REPETITIONS + 1):
            last = number == REPETITIONS
            label = f"{state.label}, run {number} of {REPETITIONS}"
            done = self.run(state.model, state.options, label, verify=last, fresh=not last)
            state = State(state.model, state.options, done, state.steps)
            if done.verdict.outcome is Outcome.WRONG:
                return state, f"the simulator disagrees: {done.verdict.message}"
            if not done.verdict.converted:
                return state, f"flaky: run {number} of {REPETITIONS} ended in {done.verdict.signature}"
        return state, ""
