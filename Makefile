# The two commands: `make demo` and `make test` set up whatever they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test test-all check format clean

demo: $(READY)
	rm -rf demo
	$(BIN)/weather demo --out demo/weather
	$(BIN)/molecules demo --out demo/molecules
	@cat demo/weather/summary.txt demo/molecules/summary.txt

test: $(READY)
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-all: $(READY)
	$(BIN)/python -m pytest -n 2

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv demo build *.egg-info

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Python 3.11 or newer is needed"'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[simulate,maps,grib,cloud,onnx,cluster,serve,test,check]'
	touch $(READY)
