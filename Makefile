# make demo   sets everything up and converts the seed model
# make test   sets everything up and runs the tests
# make words  brings the Chinese catalogue up to date with the messages in the code
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLKIT := 2.3.2

.PHONY: demo test test-versions words lint setup toolkit clean

demo: toolkit examples/seed_conv.onnx
	$(BIN)/rkmend convert examples/seed_conv.onnx --target rk3588 --out examples/seed_conv.rkmend --force

test: toolkit
	$(BIN)/python -m pytest -n auto --dist loadfile

test-versions: setup
	$(BIN)/python -m pytest -m versions

words: setup
	$(BIN)/python tests/catalogue.py

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

setup: $(VENV)/.done

toolkit: setup
	$(BIN)/rkmend toolkit install $(TOOLKIT)

$(VENV)/.done: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable . --group dev
	touch $@

examples/seed_conv.onnx: examples/make_seed.py | setup
	$(BIN)/python $< $@

clean:
	rm -rf $(VENV) examples/seed_conv.onnx examples/seed_conv.rkmend
