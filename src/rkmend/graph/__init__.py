"""The graph room: models are read, checked, frozen, cut and written here, and neither run nor converted."""

from __future__ import annotations

from rkmend.graph.digest import digest_ir
from rkmend.graph.extract import CannotExtract, extract, shapes_of
from rkmend.graph.freeze import freeze
from rkmend.graph.infer import infer
from rkmend.graph.load import load
from rkmend.graph.model import Model, TensorSpec
from rkmend.graph.save import export, save
from rkmend.graph.shapes import bind, parse_shape_option, parse_shape_options

__all__ = [
    "CannotExtract",
    "Model",
    "TensorSpec",
    "bind",
    "digest_ir",
    "export",
    "extract",
    "freeze",
    "infer",
    "load",
    "parse_shape_option",
    "parse_shape_options",
    "save",
    "shapes_of",
]
