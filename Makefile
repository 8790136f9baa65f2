# Two commands for a newcomer, each enough alone on a machine with Python 3.11 and make:
#   make demo    sharpen a real image and look at the pictures
#   make test    every check of the project, and the site of its documentation
# They make .venv and install what constraints.txt pins, again only when something changed.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet
# What tests touch today.
USER_EXTRAS := geo,mri,depth,web,text,export,scale,xarray,track,report,research
TEST_EXTRAS := $(USER_EXTRAS),dev,docs

# Pins hold for the packages that build ours, too, and pip reads them from here.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
# Nothing is compiled at installation (below): what a first process compiles the later ones must find,
# also where the surroundings tell Python not to write it.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test lint unit coverage docs figures qgis-plugin format constraints test-lowest clean

help:
	@sed -n 's/^#   make/  make/p' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/installed-demo
	$(BIN)/gisr demo

# The linters and the site side by side: neither keeps two cores busy.
test: $(VENV)/installed-test
	@$(MAKE) --no-print-directory --jobs 2 --output-sync lint docs
	@$(MAKE) --no-print-directory unit

lint: $(VENV)/installed-test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers auto
	$(BIN)/lint-imports --no-logo

unit: $(VENV)/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

# The same with what they reach, which takes half as long again: no number is required.
coverage: $(VENV)/installed-test
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal --cov

# The site, into site/. --strict: a broken link or a name without documentation fails the build. The
# variable leaves out a notice of the theme about other software.
docs: $(VENV)/installed-test
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict

# What the docs show and a test or a reader would find stale: run after a change that shows in it.
# Tables of options and systems, the picture of the imports, the outputs of the notebooks, the gallery.
figures: $(VENV)/installed-test
	$(BIN)/python tools/option_tables.py docs/*.md
	$(BIN)/python tools/system_costs.py
	$(BIN)/python tools/system_table.py docs/systems.md
	$(BIN)/python tools/import_graph.py docs/images/import-graph.svg
	$(BIN)/python tools/notebooks.py docs/notebooks/*.ipynb
	$(BIN)/python tools/gallery.py docs/images/gallery

# The QGIS plugin as a zip, into dist/. What plugins.qgis.org needs besides: FIELDS="--field email=..."
qgis-plugin: | $(BIN)/python
	$(BIN)/python tools/qgis_plugin.py dist $(FIELDS)

format: $(VENV)/installed-test
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed-demo: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing gisr and torch into $(VENV) (a few minutes, once)"
	$(PIP) --editable .
	@touch $@

# Two hundred packages: uv takes a third of pip's time, but knows only PyPI and its own settings, not
# those of pip, from which torch may come as a build without CUDA. Python compiles what is imported,
# in the processes that run side by side.
UV := $(BIN)/uv pip install --quiet --python $(BIN)/python --constraint constraints.txt \
	--build-constraint constraints.txt
$(VENV)/installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing gisr, its extras and the tools into $(VENV) (a few minutes, once)"
	$(PIP) --no-compile torch uv
	@$(UV) --editable ".[$(TEST_EXTRAS)]" || { echo "uv cannot: pip installs them"; \
		$(PIP) --no-compile --editable ".[$(TEST_EXTRAS)]"; }
	@touch $@

# Run the tests with the lower bounds of pyproject.toml, which nothing else would ever check.
test-lowest:
	rm -rf $(VENV)-lowest && $(PYTHON) -m venv $(VENV)-lowest
	$(PYTHON) .ci/lowest_versions.py $(USER_EXTRAS) > $(VENV)-lowest/pins
	PIP_CONSTRAINT=$(VENV)-lowest/pins $(VENV)-lowest/bin/pip install --quiet --editable ".[$(TEST_EXTRAS)]"
	$(VENV)-lowest/bin/python -m pytest

# Pin what resolves today, with every extra. The build backend is pinned with the rest.
constraints: $(BIN)/python
	rm -rf $(VENV)/resolve && $(PYTHON) -m venv $(VENV)/resolve
	PIP_CONSTRAINT= $(VENV)/resolve/bin/pip install --quiet "torch==2.13.0" ".[all,dev,docs]" hatchling editables
	sed -n '/^#/p' constraints.txt > $(VENV)/constraints.txt
	$(VENV)/resolve/bin/pip freeze --exclude gisr | sed 's/+cpu$$//' >> $(VENV)/constraints.txt
	mv $(VENV)/constraints.txt constraints.txt && rm -rf $(VENV)/resolve

clean:
	rm -rf $(VENV) $(VENV)-lowest .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis site .coverage
