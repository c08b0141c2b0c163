"""The network of `large.py` as an int8 TFLite file; runs in the environment of Vela, which brings the schema.

python large_tflite.py FILE NODES

An activation is part of a Conv there, so a block is two operators: NODES of them are made.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import flatbuffers
import numpy as np

CHANNELS, SIZE = 64, 32
INT8, INT32 = 9, 2
CONV, ADD = 3, 0
CONV_OPTIONS, ADD_OPTIONS = 1, 11
RELU = 1


def schema(name: str) -> ModuleType:
    return import_module(f"ethosu.vela.tflite.{name}")


class Writer:
    """Tables of one file, in the order that flatbuffers wants: the inner ones first."""

    def __init__(self) -> None:
        self.builder = flatbuffers.Builder(1 << 26)
        self.buffers = [self.table("Buffer")]
        self.tensors: list[int] = []
        self.operators: list[int] = []

    def table(self, kind: str, **fields: int) -> int:
        """Where a table begins."""
        module = schema(kind)
        module.Start(self.builder)
        for name, value in fields.items():
            getattr(module, f"Add{name}")(self.builder, value)
        return module.End(self.builder)

    def vector(self, values: list[int], *, tables: bool = False) -> int:
        """Of numbers, or of where tables begin."""
        if not tables:
            return self.builder.CreateNumpyVector(np.array(values, np.int32))
        self.builder.StartVector(4, len(values), 4)
        for value in reversed(values):
            self.builder.PrependUOffsetTRelative(value)
        return self.builder.EndVector()

    def tensor(self, shape: list[int], scale: float, data: np.ndarray | None = None) -> int:
        """Its number."""
        place = 0
        if data is not None:
            place = len(self.buffers)
            self.buffers.append(
                self.table("Buffer", Data=self.builder.CreateNumpyVector(data.view(np.uint8).ravel()))
            )
        scales = self.builder.CreateNumpyVector(np.array([scale], np.float32))
        zeros = self.builder.CreateNumpyVector(np.array([0], np.int64))
        quantisation = self.table("QuantizationParameters", Scale=scales, ZeroPoint=zeros)
        name, sizes = self.builder.CreateString(f"t{len(self.tensors)}"), self.vector(shape)
        kind = INT32 if data is not None and data.dtype == np.int32 else INT8
        self.tensors.append(
            self.table("Tensor", Shape=sizes, Type=kind, Buffer=place, Name=name, Quantization=quantisation)
        )
        return len(self.tensors) - 1

    def operator(self, code: int, inputs: list[int], output: int, options: int, kind: int) -> None:
        """The next one."""
        reads, writes = self.vector(inputs), self.vector([output])
        self.operators.append(
            self.table(
                "Operator",
                OpcodeIndex=code,
                Inputs=reads,
                Outputs=writes,
                BuiltinOptionsType=kind,
                BuiltinOptions=options,
            )
        )

    def finish(self, first: int, last: int) -> bytes:
        """The file, with the input and the output of the network."""
        codes = [
            self.table("OperatorCode", DeprecatedBuiltinCode=code, BuiltinCode=code, Version=1)
            for code in (CONV, ADD)
        ]
        tensors, operators = self.vector(self.tensors, tables=True), self.vector(self.operators, tables=True)
        inputs, outputs = self.vector([first]), self.vector([last])
        graph = self.table("SubGraph", Tensors=tensors, Inputs=inputs, Outputs=outputs, Operators=operators)
        graphs, buffers = self.vector([graph], tables=True), self.vector(self.buffers, tables=True)
        kinds = self.vector(codes, tables=True)
        model = self.table("Model", Version=3, OperatorCodes=kinds, Subgraphs=graphs, Buffers=buffers)
        self.builder.Finish(model, b"TFL3")
        return bytes(self.builder.Output())


def main() -> None:
    path, nodes = Path(sys.argv[1]), int(sys.argv[2])
    random, writer = np.random.default_rng(0), Writer()
    shape = [1, SIZE, SIZE, CHANNELS]
    first = last = writer.tensor(shape, 0.05)
    for _ in range(nodes // 2):
        kernel = random.integers(-127, 128, (CHANNELS, 3, 3, CHANNELS)).astype(np.int8)
        weight = writer.tensor(list(kernel.shape), 0.001, kernel)
        bias = writer.tensor([CHANNELS], 0.05 * 0.001, random.integers(-999, 999, CHANNELS).astype(np.int32))
        made, total = writer.tensor(shape, 0.05), writer.tensor(shape, 0.05)
        conv = writer.table(
            "Conv2DOptions",
            StrideW=1,
            StrideH=1,
            DilationWFactor=1,
            DilationHFactor=1,
            FusedActivationFunction=RELU,
        )
        writer.operator(0, [last, weight, bias], made, conv, CONV_OPTIONS)
        writer.operator(1, [made, last], total, writer.table("AddOptions"), ADD_OPTIONS)
        last = total
    path.write_bytes(writer.finish(first, last))


if __name__ == "__main__":
    main()
