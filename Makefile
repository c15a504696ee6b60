# `make grid` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INTEROP := .venv-interop
READY := $(VENV)/.ready

.PHONY: grid test coverage test-all test-faults test-interop test-browser playwright lint format bench schema reference figures screenshots recording docs clean
.DEFAULT_GOAL := grid

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "scalesearch needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	@echo "setting up $(VENV): about 2.3 GB, a few minutes"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

grid: $(READY)  ## the main job on the embedded data: results/b0-phi1-quick
	$(BIN)/scalesearch grid --baseline b0 --phi 1

test: $(READY)  ## the default suite, six to sixteen minutes on two cores
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

coverage: $(READY)  ## the default suite with the share of lines and branches that it runs; htmlcov/ has each file
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term:skip-covered --cov-report=html

test-all: $(READY)  ## everything: b0-sized searches, 50 kills, every documented command
	KILLS=50 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m ''

test-faults: $(READY)  ## what docs/faults.md says, with real kills, full disks and lost heads; under half an hour
	KILLS=50 $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m '' \
		$$(grep -o 'tests/[a-z_/]*\.py' docs/faults.md | sort -u)

$(INTEROP)/.ready: pyproject.toml constraints.txt constraints-interop.txt
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -c constraints-interop.txt \
		-e . hypothesis pytest pytest-timeout timm torchvision
	touch $@

test-interop: $(INTEROP)/.ready  ## against the real timm and torchvision, in an environment of its own; some minutes
	SCALESEARCH_INTEROP=1 $(INTEROP)/bin/pytest tests/interop -m ''

test-browser: playwright  ## the dashboard in chromium: a running search, every view, hostile names
	$(BIN)/pytest tests/browser -m browser

playwright: $(READY)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[browser]'
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || \
		{ echo "no chromium is installed: apt-get install chromium, or your system's package of it"; exit 2; }

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY)  ## speed and memory, each side by side in one run
	$(BIN)/python benchmarks/counting.py
	$(BIN)/python benchmarks/cpu_training.py
	$(BIN)/python benchmarks/training_share.py

schema: $(READY)
	$(BIN)/python docs/schema/make.py > docs/schema/baseline.schema.json
	$(BIN)/python docs/schema/make_outputs.py

reference: $(READY)  ## the tables and reports of results/reference, again from the records
	$(BIN)/python results/reference/rebuild.py

figures: $(READY)  ## the pictures in docs/figures; needs a Chrome or Chromium
	$(BIN)/python docs/figures/make.py

screenshots: playwright  ## the dashboard's pictures in docs/figures
	$(BIN)/python docs/figures/screenshots.py

recording: $(READY)  ## the terminal recording in README, by docs/figures/demo.sh; on an idle machine
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[recording]'
	rm -rf $(VENV)/recording && mkdir -p $(VENV)/recording
	cd $(VENV)/recording && PATH="$(CURDIR)/$(BIN):$$PATH" asciinema rec --quiet --overwrite --idle-time-limit 1 \
		--cols 100 --rows 30 --command "bash $(CURDIR)/docs/figures/demo.sh" demo.cast
	cd $(VENV)/recording && "$(CURDIR)/$(BIN)/termtosvg" render demo.cast "$(CURDIR)/docs/figures/demo.svg" -t gjm8

docs: $(READY)  ## the documentation site: docs/_build/index.html
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build

clean:
	rm -rf $(VENV) $(INTEROP) dist docs/_build
