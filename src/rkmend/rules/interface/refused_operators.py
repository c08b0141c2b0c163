"""RKM090 and RKM091: operators that no program of the NPU can do, whatever is around them."""

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
    operators = RANDOM
    why = "random numbers, which are others in each run. Make them an input of the model."

    def blamed(self, model: ir.Model) -> list[str]:
        """The operators at any level."""
        nodes = model.graph.all_nodes()
        return [
            f"{node.op_type} '{node.name}'" for node in nodes if node.op_type in RANDOM and not node.domain
        ]


class ScanOfBatches(Refusal):
    """A Scan as opset 8 had it, over a batch of sequences with lengths of their own.

    ## What happens

    The toolkit fails while it reads or builds the model.

    ## Why

    Opset 9 gave Scan another meaning: its first axis is no longer the batch, and it takes no lengths. The toolkit knows
    the newer one.

    ## Example

    `Scan` in a model of opset 8.

    ## What rkmend does

    Nothing.

    ## Exactness and its limits

    There is no mend. Export the model again with opset 9 or a newer one.

    ## Evidence

    Toolkit 2.3.2, rk3588: the ONNX backend test of opset 8 is rejected, the one of opset 9 converts.
    """

    code = "RKM091"
    name = "scan-of-batches"
    why = "as opset 8 had it, over a batch of sequences. Export the model with opset 9 or a newer one."

    def blamed(self, model: ir.Model) -> list[str]:
        """Each Scan of the main graph."""
        if model.opset_imports.get("", 9) > 8:
            return []
        return [f"Scan '{node.name}'" for node in model.graph if node.op_type == "Scan" and not node.domain]
