"""The graph room: models are read, checked, frozen, cut and written here, and neither run nor converted."""

from __future__ import annotations

from rkmend.graph.cut import bypass, contract, cut, ways_past
from rkmend.graph.digest import digest_ir
from rkmend.graph.extract import extract, shapes_of
from rkmend.graph.freeze import freeze
from rkmend.graph.infer import infer
from rkmend.graph.load import load
from rkmend.graph.model import Model, TensorSpec
from rkmend.graph.modern import modernised
from rkmend.graph.partition import cut_before
from rkmend.graph.save import export, save
from rkmend.graph.shapes import bind, parse_shape_option, parse_shape_options
from rkmend.graph.specialise import parse_constant_options, specialise
from rkmend.graph.surgery import CannotExtract, node_names
from rkmend.graph.validity import InvalidModel, validated

__all__ = [
    "CannotExtract",
    "InvalidModel",
    "Model",
    "TensorSpec",
    "bind",
    "bypass",
    "contract",
    "cut",
    "cut_before",
    "digest_ir",
    "export",
    "extract",
    "freeze",
    "infer",
    "load",
    "modernised",
    "node_names",
    "parse_constant_options",
    "parse_shape_option",
    "parse_shape_options",
    "save",
    "shapes_of",
    "specialise",
    "validated",
    "ways_past",
]
