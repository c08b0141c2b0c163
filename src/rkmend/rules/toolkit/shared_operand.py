"""RKM504: one tensor on both sides of a matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rkmend.rules.base import Exactness, Finding
from rkmend.rules.nodes import nodes_of
from rkmend.rules.operands import number_of, only_reader
from rkmend.rules.single_mend import SingleMend
from rkmend.rules.toolkit.barrier import barrier
from rkmend.targets import Target
from rkmend.toolkit.verdict import Outcome, Verdict

if TYPE_CHECKING:
    import onnx_ir as ir

PRODUCTS = ("MatMul", "Gemm")
MOVES = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity")
"""What the compiler looks through when it asks where an operand comes from."""
SCALES = ("Mul", "Div", "Add", "Sub")
"""What may stand between the scores of an attention and their Softmax; by one number, it is looked through as well."""


class SharedOperand(SingleMend):
    """One tensor is both operands of a matrix product, or two of the three of an attention.

    ## What happens

    The compiler dies with SIGSEGV and leaves no message.

    ## Why

    In `x * transpose(x)` both operands are one tensor in two layouts; in an attention without projections of its own
    query, key and value are. The compiler gives each operand a layout and seems to trip over the second for the same
    tensor. It looks through Reshape, Transpose and a scaling by one number, and removes Identity, `x * 1`, `x + 0`
    before, so these do not separate the two.

    ## Example

    `MatMul(x, Transpose(x))`, the Gram matrix in losses of style, in non-local blocks and in self-attention;
    `MatMul(Softmax(MatMul(q, Transpose(k))), k)`, attention over a memory.

    ## What rkmend does

    * `separate-operands`: puts a Clip between the lowest and the highest number before the second use of the tensor,
      one for each further use.

    ## Exactness and its limits

    Exact for finite numbers. Infinity becomes the highest number, which to a Softmax is the same.

    ## Evidence

    Toolkit 2.3.2, rk3588: ranks 2, 3 and 4, batches, `transA` and `transB` of Gemm; both operands through other
    operators (Relu, a MatMul, an Add of a vector) convert, and so does `MatMul(x, x)` of a square tensor. Toolkit 2.5.0
    crashes on none of them.
    """

    code = "RKM504"
    name = "shared-operand"
    operators = frozenset(PRODUCTS)
    mend = "separate-operands"
    summary = "Puts a Clip that clips nothing before each further use of the tensor."
    exactness = Exactness.EXACT

    def find(self, model: ir.Model, target: Target) -> Iterator[Finding]:
        """Products, alone or as the two of an attention, with a tensor that comes in twice."""
        for node in nodes_of(model, self.operators):
            products = _products(node)
            if repeated := _repeated(products):
                names = tuple(str(product.name) for product in products)
                product, place = repeated[0]
                tensor = str(_origin(_operand(product, place))[0].name)
                message = f"'{tensor}' comes more than once into {' and '.join(names)}."
                yield Finding(self.code, self.name, names, {"tensor": tensor}, message)

    def recognises(self, verdict: Verdict) -> bool:
        """A crash of the compiler."""
        return verdict.outcome is Outcome.ABORTED

    def change(self, model: ir.Model, finding: Finding) -> None:
        """Something between the uses."""
        first = finding.node_in(model)
        repeated = _repeated(_products(first))
        for product in dict.fromkeys(product for product, _place in repeated):
            new = self.replacement(product)
            inputs = list(product.inputs)
            for _product, place in (one for one in repeated if one[0] is product):
                inputs[place] = barrier(new, _operand(product, place))
            new.finish(new.node("product", product.op_type, inputs, product.attributes))


def _products(node: ir.Node) -> list[ir.Node]:
    """A matrix product, and the second of an attention behind it; none where the node is something else."""
    if node.op_type not in PRODUCTS or node.domain:
        return []
    scores = node.outputs[0]
    while (reader := only_reader(scores)) is not None and reader.op_type in (*SCALES, "Softmax"):
        scores = reader.outputs[0]
        if reader.op_type == "Softmax":
            second = only_reader(scores)
            if second is not None and second.op_type == "MatMul" and second.inputs[0] is scores:
                return [node, second]
    return [node]


def _repeated(products: Sequence[ir.Node]) -> list[tuple[ir.Node, int]]:
    """Operands (product, place) that come from where an earlier operand comes from."""
    if not products:
        return []
    operands = [(products[0], 0), (products[0], 1), *((second, 1) for second in products[1:])]
    found = [_origin(_operand(product, place)) for product, place in operands]
    if len(products) == 1 and _transposed(products[0], 0) == _transposed(products[0], 1):
        return []
    origins = [origin for origin, _moved in found]
    return [operand for at, operand in enumerate(operands) if origins[at] in origins[:at]]


def _transposed(product: ir.Node, place: int) -> bool:
    """Whether an operand reaches the product with its axes in another order than its origin."""
    flag = product.attributes.get_int(("transA", "transB")[place], 0)
    return _origin(_operand(product, place))[1] != bool(flag)


def _origin(value: ir.Value) -> tuple[ir.Value, bool]:
    """The tensor that an operand is a view or a multiple of, and whether there is a Transpose between them."""
    moved = False
    while (node := value.producer()) is not None:
        if node.op_type in MOVES:
            moved ^= node.op_type == "Transpose"
            value = _operand(node, 0)
        elif node.op_type in SCALES[:2] and number_of(node.inputs[1]) is not None:
            value = _operand(node, 0)
        else:
            break
    return value, moved


def _operand(node: ir.Node, place: int) -> ir.Value:
    value = node.inputs[place]
    assert value is not None
    return value
