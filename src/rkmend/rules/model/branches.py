"""RKM004 and RKM005: If."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rkmend.graph.surgery import Surgery
from rkmend.graph.values import content_of, static_shape
from rkmend.rules.base import CannotApply, Level
from rkmend.rules.model.bodies import hand_over, lift_copy
from rkmend.rules.model.folding import RANDOM
from rkmend.rules.model.tidy import drop_dead
from rkmend.rules.whole_model import WholeModelRule

if TYPE_CHECKING:
    import onnx_ir as ir


class ConstantCondition(WholeModelRule):
    """An If that always takes the same branch.

    ## What happens

    `build` raises one of

        KeyError: '...' (in fold_constant)
        ValueError: All outputs [...] of model are constants, The model is invalid!

    ## Why

    The toolkit takes an If for an operator that depends on its condition alone: the values that its branches read
    from around are none of its inputs. With a constant condition it "folds" the whole If.

    ## Example

    `If` on a sample rate, or on the rank of a tensor: static once the shapes are.

    ## What rkmend does

    * `inline-branch`: puts the operators of the branch that is taken in the place of the If, inner ones first.

    ## Exactness and its limits

    `exact`: the same operators on the same values.

    ## Evidence

    Toolkit 2.3.2 and 2.5.0, rk3588: every If tried with a constant condition or one that follows from shapes failed,
    and converted with right numbers after the mend.
    """

    code = "RKM004"
    name = "constant-condition"
    level = Level.ERROR
    operators = frozenset({"If"})
    mend = "inline-branch"
    summary = "Puts the branch that is always taken in the place of each If."

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Ifs whose condition is known, wherever they are."""
        return [node for node in _ifs(model) if content_of(node.inputs[0]) is not None]

    def rewrite(self, model: ir.Model) -> None:
        """Inlines the branches; an If in one that is not taken goes with it."""
        while places := self.places(model):
            node = places[0]
            taken = "then_branch" if _truth(node) else "else_branch"
            body = node.attributes[taken].as_graph()
            surgery = Surgery(model)
            values = lift_copy(surgery, node, body, [], code=self.code, mend=self.mend)
            hand_over(surgery, node, values)
        drop_dead(model)


class OpenCondition(WholeModelRule):
    """An If whose condition is computed, or an input.

    ## What happens

    `build` raises:

        KeyError: '...' (in fold_constant)

    ## Why

    The toolkit has no If on the NPU and none on the CPU.

    ## Example

    `If` on an input `flag`.

    ## What rkmend does

    * `both-branches`: computes both branches and takes the elements of one with Where.

    ## Exactness and its limits

    `exact`: the same operators on the same values, and Where copies elements. Both branches cost time. Not for
    branches whose results differ in shape, that draw random numbers, or whose outputs are no tensors.

    ## Evidence

    Toolkit 2.3.2, rk3588: an If on an input fails.
    """

    code = "RKM005"
    name = "open-condition"
    level = Level.ERROR
    operators = frozenset({"If"})
    static_only = True
    mend = "both-branches"
    summary = "Computes both branches of each If and takes one with Where."

    def places(self, model: ir.Model) -> list[ir.Node]:
        """Ifs whose condition is not known."""
        return [node for node in _ifs(model) if content_of(node.inputs[0]) is None]

    def rewrite(self, model: ir.Model) -> None:
        """Takes the outermost first: an inner If is lifted with its branch."""
        import onnx_ir as ir

        while places := self.places(model):
            node, surgery = places[0], Surgery(model)
            branches = [node.attributes[name].as_graph() for name in ("then_branch", "else_branch")]
            for graph in branches:
                if any(inner.op_type in RANDOM for inner in graph.all_nodes()):
                    raise CannotApply(f"a branch of If '{node.name}' draws random numbers")
            for first, second in zip(*(graph.outputs for graph in branches), strict=True):
                if static_shape(first) is None or static_shape(first) != static_shape(second):
                    raise CannotApply(f"the branches of If '{node.name}' give different or unknown shapes")
            pairs = [
                lift_copy(surgery, node, graph, [], code=self.code, mend=self.mend) for graph in branches
            ]
            chosen = []
            for number, (first, second) in enumerate(zip(*pairs, strict=True)):
                where = ir.node(
                    "Where", [node.inputs[0], first, second], name=f"{node.name}/rkmend/where_{number}"
                )
                where.outputs[0].name = surgery.fresh(f"{node.name}/rkmend/where_{number}")
                where.outputs[0].type, where.outputs[0].shape = first.type, first.shape
                assert node.graph is not None
                node.graph.insert_before(node, where)
                chosen.append(where.outputs[0])
            hand_over(surgery, node, chosen)


def _ifs(model: ir.Model) -> list[ir.Node]:
    return [node for node in model.graph.all_nodes() if node.op_type == "If" and not node.domain]


def _truth(node: ir.Node) -> bool:
    condition = content_of(node.inputs[0])
    assert condition is not None
    return bool(condition.item())
