"""RKM080 to RKM082: tensors that no NPU of this kind has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.values import static_shape
from rkmend.rules.base import Level
from rkmend.rules.interface.refusal import Refusal, values_of
from rkmend.rules.interface.values import constants_of

if TYPE_CHECKING:
    import onnx_ir as ir

NUMBERS = frozenset({"UNDEFINED", "FLOAT", "FLOAT16", "DOUBLE", "BOOL"})
NUMBERS |= {f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64)}


class NotATensor(Refusal):
    """A value that is a sequence, an optional or a map of tensors.

    ## What happens

    `load_onnx` raises:

        ValueError: Unknow elem_type for sequence!

    ## Why

    The NPU computes on tensors. A sequence has a length that only the run decides.

    ## Example

    `SplitToSequence`, `Loop` with a sequence as its state, an input of type `optional(tensor(float))`.

    ## What rkmend does

    Nothing: it refuses such inputs and outputs when it reads the model. Inside of a model see the rules that inline
    branches and unroll loops.

    ## Exactness and its limits

    There is no mend. Cut the model where there are tensors, or export it with `Split` and `Concat`.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend tests of Optional and Sequence operators.
    """

    code = "RKM080"
    name = "not-a-tensor"
    level = Level.ERROR
    why = "no tensors, and the toolkit knows nothing else."

    def blamed(self, model: ir.Model) -> list[str]:
        """Values of another type."""
        import onnx_ir as ir

        return [
            f"'{value.name}' ({value.type})"
            for value in values_of(model)
            if value.type is not None and not isinstance(value.type, ir.TensorType)
        ]


class NotANumber(Refusal):
    """A tensor of text, of complex numbers, or of a float or an integer that the NPU does not have.

    ## What happens

    The toolkit refuses the dtype, or ONNX Runtime does:

        ValueError: Not support input data type 'object'!

    ## Why

    The NPU knows float16, and integers of 8, 16 and 32 bits. The toolkit reads no string, complex, bfloat16, float8 or
    four-bit tensors.

    ## Example

    `StringNormalizer`; `Cast` to float8e4m3fn.

    ## What rkmend does

    Nothing: to compute bfloat16 or float8 in fp16 would be another function, rounded elsewhere by much more than fp16
    rounds.

    ## Exactness and its limits

    There is no mend. Cut the model after the operators that turn text into numbers; export it in float16 or float32.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend tests with such tensors.
    """

    code = "RKM081"
    name = "not-a-number"
    level = Level.ERROR
    why = "dtypes that the NPU does not have."

    def blamed(self, model: ir.Model) -> list[str]:
        """Values of such a dtype."""
        import onnx_ir as ir

        numbers = {None, *(ir.DataType[name] for name in NUMBERS)}
        return [
            f"'{value.name}' ({str(value.dtype).lower()})"
            for value in values_of(model)
            if value.dtype not in numbers
        ]


class NoElements(Refusal):
    """A tensor with a size of 0.

    ## What happens

    `load_onnx` raises, or some operator does later:

        ValueError: The input shape [2, 0, 4] of 'data' is not support!

    ## Why

    The compiler has no empty tensors: there is nothing to lay out in memory.

    ## Example

    An exporter that writes 0 for an unknown batch size; a `Slice` that takes nothing.

    ## What rkmend does

    Nothing where it is an input: what is computed from it is a constant or empty.

    ## Exactness and its limits

    There is no mend. Where the 0 stands for an unknown size, export the model with a name for it and give the size
    with `--input`.

    ## Evidence

    Toolkit 2.3.2, rk3588: every ONNX backend test with an empty input failed.
    """

    code = "RKM082"
    name = "no-elements"
    level = Level.ERROR
    why = "a size is 0, and the toolkit has no empty tensors."

    def blamed(self, model: ir.Model) -> list[str]:
        """Values of the main graph that are computed, and empty."""
        constant = constants_of(model)
        return [
            f"'{value.name}'"
            for value in values_of(model)
            if value not in constant and 0 in (static_shape(value) or ())
        ]
