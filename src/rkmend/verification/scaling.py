"""The mean and deviation that the toolkit applies to inputs, applied to samples and taken off again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from rkmend.errors import InputError
from rkmend.graph import Model
from rkmend.npz import write_npz
from rkmend.toolkit.options import BuildOptions

_Affine = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Scale:
    """The toolkit's (x - mean) / std per channel, and its inverse, on sample files."""

    def __init__(self, options: BuildOptions, model: Model) -> None:
        """Scales the inputs of a model as a build with these options does.

        Raises:
            InputError: There are not as many means, or deviations, as channels.
        """
        for name, values in (("mean", options.mean_values), ("std", options.std_values)):
            wanted = [spec.sizes[1] if len(spec.sizes) > 1 else 1 for spec in model.inputs]
            given = [len(channels) for channels in values]
            if given and given != wanted:
                raise InputError(
                    f"{name} values for {given} channels, but the inputs have {wanted} (axis 1)",
                    hint=f"Give --{name} once per input, one number per channel: "
                    + "; ".join(map(str, model.inputs)),
                )
        self._means = options.mean_values
        self._stds = options.std_values

    def forward(self, source: Path, destination: Path) -> Path:
        """From what the camera gives to what the network gets."""
        return self._map(source, destination, lambda array, mean, std: (array - mean) / std)

    def backward(self, source: Path) -> Path:
        """From what the network gets to what the simulator is given."""
        return self._map(
            source, source.with_name(f"{source.stem}-raw.npz"), lambda array, mean, std: array * std + mean
        )

    def _map(self, source: Path, destination: Path, scale: _Affine) -> Path:
        if not self._means and not self._stds:
            return source
        with np.load(source) as arrays:
            scaled = [
                (name, self._scaled(arrays[name], int(name.removeprefix("input")), scale)) for name in arrays
            ]
        write_npz(destination, scaled)
        return destination

    def _scaled(self, array: np.ndarray, index: int, scale: _Affine) -> np.ndarray:
        return scale(array, *self._factors(index, array.ndim)).astype(array.dtype)

    def _factors(self, index: int, rank: int) -> tuple[np.ndarray, np.ndarray]:
        shape = (1, -1) + (1,) * max(0, rank - 2)
        mean = self._means[index] if self._means else (0.0,)
        std = self._stds[index] if self._stds else (1.0,)
        return np.reshape(np.asarray(mean), shape), np.reshape(np.asarray(std), shape)
