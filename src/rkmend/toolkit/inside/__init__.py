"""What runs inside a toolkit environment: standard library, numpy, onnx and the toolkit, nothing else of rkmend.

These files are started by path with the environment's own interpreter (`python -I serve.py`), so they
import one another as plain modules and must run on every CPython the toolkit supports from 3.8 on.
"""
