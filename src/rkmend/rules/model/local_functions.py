"""RKM002: functions that a model brings along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.rules.base import Level
from rkmend.rules.model.definitions import inline
from rkmend.rules.whole_model import WholeModelRule

if TYPE_CHECKING:
    import onnx_ir as ir


class LocalFunctions(WholeModelRule):
    """The model calls functions that it defines itself.

    ## What happens

    `build` raises:

        InvalidGraph: ... In Node, ("f", F, "own", -1) : ... Error No opset import for domain 'own'

    ## Why

    The toolkit copies the graph of a model and leaves its functions and their domains behind. Exporters write a
    function for each module of a network (`export_modules_as_functions`, the dynamo exporter of PyTorch).

    ## Example

    A function `F(a) = Sigmoid(Relu(a))` of a domain `own`, called once.

    ## What rkmend does

    * `inline`: puts the body of each function where it is called.

    ## Exactness and its limits

    `exact`: the same operators on the same values. A function that calls itself is no valid ONNX.

    ## Evidence

    Toolkit 2.3.2, rk3588: fails with the smallest function, and converts with right numbers once it is inlined.
    """

    code = "RKM002"
    name = "local-functions"
    level = Level.ERROR
    mend = "inline"
    summary = "Puts the body of each function where it is called."

    def places(self, model: ir.Model) -> list[ir.Node]:
        """The calls in the graph; those in functions go with them."""
        if not model.functions:
            return []
        return [node for node in model.graph.all_nodes() if node.op_identifier() in model.functions]

    def rewrite(self, model: ir.Model) -> None:
        """Inlines all functions."""
        inline(model)
