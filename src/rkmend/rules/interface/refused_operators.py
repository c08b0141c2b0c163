"""RKM090: operators that draw random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.interface.refusal import Refusal
from rkmend.rules.model.folding import RANDOM

if TYPE_CHECKING:
    import onnx_ir as ir


class RandomNumbers(Refusal):
    """An operator that draws random numbers.

    ## What happens

    The toolkit refuses it, or folds one draw into the file.

    ## Why

    The program of the NPU is fixed; it has no source of random numbers.

    ## Example

    `Bernoulli`, `RandomUniformLike`; a network that was exported while it was being trained.

    ## What rkmend does

    Nothing: no two runs of the model give the same, so nothing could be verified.

    ## Exactness and its limits

    There is no mend. Make the random numbers an input of the model, and draw them on the CPU.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend tests of Bernoulli.
    """

    code = "RKM090"
    name = "random-numbers"
    why = "random numbers, which are others in each run. Make them an input of the model."

    def blamed(self, model: ir.Model) -> list[str]:
        """The operators at any level."""
        nodes = model.graph.all_nodes()
        return [
            f"{node.op_type} '{node.name}'" for node in nodes if node.op_type in RANDOM and not node.domain
        ]
