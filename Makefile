# make demo   sets everything up and converts the seed model
# make test   sets everything up and runs the tests
# make frontend   builds the report's and the local page's program, which are committed; needs Node 20 or later
# make words  brings the Chinese catalogue up to date with the messages in the code
# make docs   builds the site into site/ and checks its links
# make pictures  takes the pictures of the documentation anew, with Chromium; some minutes
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TOOLKIT := 2.3.2

.PHONY: demo test test-slow test-versions test-pythons words docs pictures lint setup toolkit clean frontend

demo: toolkit examples/seed_conv.onnx
	$(BIN)/rkmend convert examples/seed_conv.onnx --target rk3588 --out examples/seed_conv.rkmend --force

test: toolkit
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

test-slow: toolkit
	$(BIN)/python -m pytest -m slow

test-versions: setup
	$(BIN)/python -m pytest -m versions

test-pythons: setup
	$(BIN)/python -m pytest -m pythons

words: setup
	$(BIN)/python tests/catalogue.py

pictures: toolkit
	$(BIN)/python examples/screenshots.py

docs: $(VENV)/.docs
	$(BIN)/zensical build --clean --strict
	$(BIN)/python tests/site_links.py site

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

$(VENV)/.docs: $(VENV)/.done
	$(BIN)/python -m pip install --quiet --group docs
	touch $@

examples/seed_conv.onnx: examples/make_seed.py | setup
	$(BIN)/python $< $@

frontend:
	cd web/frontend && npm ci && npm run check && npm test && npm run build

clean:
	rm -rf $(VENV) site examples/seed_conv.onnx examples/seed_conv.rkmend
