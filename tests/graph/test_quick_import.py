"""onnx_ir without sympy, each in a process of its own: what is imported once stays."""

from __future__ import annotations

import subprocess
import sys


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


QUICK = "import sys; from rkmend.graph.quick_import import import_onnx_ir; import_onnx_ir(); import onnx_ir as ir; "


def test_sympy_is_not_imported() -> None:
    assert run(QUICK + "print('sympy' in sys.modules, ir.Shape([1, 'n']))").startswith("False")


def test_symbols_are_reckoned_with_all_the_same() -> None:
    code = (
        QUICK
        + "n = ir.SymbolicDim('n'); print(n + 1, ir.SymbolicDim('max(n, 2)') + 1, 'sympy' in sys.modules)"
    )
    plain = "import sys, onnx_ir as ir; " + code.removeprefix(QUICK)
    assert run(code) == run(plain)


def test_sympy_is_itself_afterwards() -> None:
    assert run(QUICK + "import sympy; print(sympy.sqrt(16))") == "4"
