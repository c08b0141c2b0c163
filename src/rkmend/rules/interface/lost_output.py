"""RKM052: outputs that the toolkit drops without a word."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rkmend.graph import infer
from rkmend.graph.values import static_shape
from rkmend.rules.base import CannotApply, Exactness, Finding, Level
from rkmend.rules.interface.left_out import leave_out
from rkmend.rules.interface.one_more import copied, zero_added
from rkmend.rules.interface.values import constants_of, origin, passed_on
from rkmend.rules.model.folding import fold, foldable
from rkmend.rules.single_mend import SingleMend
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir


class LostOutput(SingleMend):
    """An output that is a constant, a copy of another output, or an input: the toolkit drops it without a word.

    ## What happens

    The model converts, and the .rknn has fewer outputs than the model, with no message. Where nothing is left:

        E build: All outputs ['z'] of model are constants, The model is invalid!

    ## Why

    The toolkit folds constants, removes operators that only pass on what they get (Identity, Dropout, a
    multiplication by 1, a Reshape to the same shape) and then keeps one output for each tensor that is computed.

    ## Example

    `Relu` giving `y`, and `Identity` of `y` giving `z`, both outputs: the .rknn gives one of them.

    ## What rkmend does

    * `separate-outputs`: makes each of these outputs a tensor of its own, by operators that the toolkit keeps. A
      copy becomes the maximum of the tensor with itself (`Or` where it is bool). A constant gets a zero added that is
      taken from an input (its first element, clipped to [0, 0]). An output that is an input by name cannot be
      given out a second time; it is left out, and the report says which input has its value.

    ## Exactness and its limits

    Exact for finite inputs. A NaN that is the first element of the input that the zero is taken from makes the
    constant NaN. The NPU holds a float constant in fp16.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588, fp16: constant and twin outputs were dropped in every trial; multiplication by
    1 or by 0, Reshape and Gemm with zero weights were folded as well, the forms above were kept.
    """

    code = "RKM052"
    name = "lost-output"
    level = Level.ERROR
    mend = "separate-outputs"
    summary = (
        "Gives each output a tensor of its own that the toolkit keeps, and leaves out those that are inputs."
    )
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """All such outputs together: with one of them lost, none is told from the others."""
        fixed = constants_of(model)
        inputs = set(model.graph.inputs) - fixed
        lost = {
            "constant": [value for value in _outputs(model) if value in fixed],
            "copies": list(_copies(model)),
            "inputs": [value for value in _outputs(model) if value in inputs],
        }
        facts = {
            kind: ", ".join(str(value.name) for value in values) for kind, values in lost.items() if values
        }
        if facts and (inputs or lost["constant"] == []):
            listed = "; ".join(f"{kind}: {names}" for kind, names in facts.items())
            message = f"The toolkit drops outputs that it takes for no results of their own ({listed})."
            yield Finding(self.code, self.name, (), dict(facts), message)

    def recognises(self, verdict: Verdict) -> bool:
        """Outputs that do not come, or all of them constant."""
        return verdict.outcome in (Outcome.WRONG, Outcome.REJECTED)

    def change(self, model: ir.Model, finding: Finding) -> None:
        """All of them at once."""
        fixed, outputs = constants_of(model), _outputs(model)
        for value in _copies(model):
            node = value.producer()
            assert node is not None
            source = passed_on(node)
            assert source is not None
            new = self.replacement(node)
            new.finish(copied(new, source, static_shape(value)), *[None] * (len(node.outputs) - 1))
        for value in outputs:
            if value in fixed:
                node = _given_out_by_identity(model, value)
                new = self.replacement(node)
                constant = node.inputs[0]
                assert constant is not None
                new.finish(zero_added(new, model, constant))
            elif value.is_graph_input():
                leave_out(model, str(value.name), same_as=str(value.name))
        infer(model)
        fold(model, foldable(model))  # the toolkit takes a Shape for computed, and fails on it
        if not model.graph.outputs:
            raise CannotApply("every output is an input: there is nothing to compute")


def _outputs(model: ir.Model) -> list[ir.Value]:
    return list(dict.fromkeys(model.graph.outputs))


def _copies(model: ir.Model) -> Iterator[ir.Value]:
    """Outputs that an operator only passes on, and whose tensor is given out already."""
    fixed = constants_of(model)
    own = {value for value in _outputs(model) if origin(value) is value}
    taken = {value for value in own if not value.is_graph_input()}
    for value in _outputs(model):
        if value in own or value in fixed:
            continue
        source = origin(value)
        if source in taken:
            yield value
        taken.add(source)


def _given_out_by_identity(model: ir.Model, value: ir.Value) -> ir.Node:
    """Gives an output's name to a new node that passes the value on, and the value another name."""
    import onnx_ir as ir

    graph, name = model.graph, str(value.name)
    inner, tensor = f"{name}/rkmend/constant", value.const_value
    node = ir.node("Identity", [value], name=f"{name}/rkmend/output")
    result = node.outputs[0]
    result.type, result.shape = value.type, value.shape
    for index, output in enumerate(graph.outputs):
        if output is value:
            graph.outputs[index] = result
    if value.is_initializer():
        assert tensor is not None
        stored = ir.val(inner, const_value=ir.tensor(tensor.numpy(), name=inner))
        ir.convenience.replace_all_uses_with(value, stored)
        del graph.initializers[name]
        graph.register_initializer(stored)
    else:
        value.const_value = None  # else the tensor, which the original model shares, is renamed as well
        value.name = inner
    result.name = name
    graph.append(node)
    return node
