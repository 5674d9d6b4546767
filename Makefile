# One vocabulary for people, hooks and CI. A bare `make` prints it.
.DEFAULT_GOAL := help
.PHONY: docs run report tune test test-long test-browser test-notebooks drill check format viz viz-static lab mlflow repro api-server clean help lock benchmark

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

export PATH := $(CURDIR)/$(BIN):$(PATH)
export MLFLOW_DISABLE_TELEMETRY := true
export KEDRO_LOGGING_CONFIG := $(CURDIR)/conf/logging.yml
# An empty value lets Python keep its bytecode, which makes every command two to three times faster
export PYTHONDONTWRITEBYTECODE :=

run: $(READY) ## The main job: questions in, report out; MLflow has the run, DVC the data and the models
	kedro run
	@dvc commit --quiet --force

# Every stage by itself, in the order of dvc.yaml, which is that of the data: DVC need not find it from a graph first
repro: $(READY) ## The same, stage by stage, skipping what is up to date
	dvc repro --single-item --glob '*'
	@test data/08_reporting/report.html -nt dvc.lock || $(MAKE) --no-print-directory report

report: $(READY) ## The report alone, of what is there: it names its run, so DVC neither keeps nor brings it
	kedro run --nodes=write_report

tune: $(READY) ## Better hyperparameters for the data at hand; a search that was stopped goes on
	kedro run --pipelines=tuning
	@dvc commit --quiet --force tuning

test: $(READY) ## The tests, on all cores
	pytest --numprocesses=auto --dist=loadfile --quiet

test-notebooks: $(READY) ## The notebooks and the solutions of their exercises, from top to bottom
	pytest --quiet -m "long or not long" tests/test_notebooks.py

# In the order of the files: the longest one, with a single test, would come last
test-long: $(READY) ## What takes minutes: kills, clones, remotes, notebooks, the tutorial word for word
	pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder --quiet -m long

test-browser: $(READY) ## The pages in Chromium, which must be there (Debian: apt-get install chromium)
	pytest --numprocesses=auto --dist=loadfile --quiet -m browser tests/browser

drill: $(READY) ## Does a model still come out the same, here and in a clone, and is a change caught and named?
	pytest --numprocesses=auto --dist=loadfile --quiet -m "long or not long" tests/journeys/test_drill.py

check: $(READY) ## What must hold before a commit: format, lint, types, walls, notebooks, stages
	ruff format --check .
	ruff check .
	mypy
	lint-imports --no-cache
	nbstripout --verify notebooks/*.ipynb
	kedro dvc check

format: $(READY) ## Format the code, strip the notebooks
	ruff format .
	ruff check --fix .
	nbstripout notebooks/*.ipynb

docs: $(READY) ## The site, with the figures of the last run: open build/docs/index.html
	python docs/build.py

viz: $(READY) ## The lineage in the browser
	kedro viz build --include-previews
	python -m question_classification.provenance.lineage_site build data/08_reporting/lineage.html
	kedro viz run --load-file=build

viz-static: $(READY) ## The lineage as one page that opens from disk: data/08_reporting/lineage.html
	kedro viz build --include-previews
	python -m question_classification.provenance.lineage_site build data/08_reporting/lineage.html
	@find build -mindepth 1 -maxdepth 1 ! -name docs -exec rm -rf {} +

lab: $(READY) ## JupyterLab with the Kedro kernel
	kedro jupyter lab

mlflow: $(READY) ## The runs in the browser
	kedro mlflow ui

api-server: $(READY) ## A simulated Stack Exchange API: kedro run --params source=api,api_url=http://127.0.0.1:8023
	python -m question_classification.stackexchange.server --port 8023

benchmark: $(READY) ## Run, start-up, dump and API, each side by side with what it is measured by
	python benchmarks/model_quality.py
	python benchmarks/report_in_browser.py
	python benchmarks/run_against_recipe.py
	python benchmarks/start_up.py
	python benchmarks/provenance.py
	python benchmarks/building_blocks.py
	python benchmarks/dump_to_raw.py
	python benchmarks/api_harvest.py

lock: $(BIN)/uv ## Resolve the dependencies of pyproject.toml anew into requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-header --quiet \
		--upgrade --output-file requirements.lock pyproject.toml

clean: ## Remove what a run or a tool can make again; raw data, environment, runs and DVC's cache stay
	git clean -dfXq -- data/0[2-8]_* data/test
	rm -rf build dist .cache dvc_plots .viz .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find benchmarks src tests -name __pycache__ -prune -exec rm -rf {} +

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info < (3, 15) or sys.exit("Python %d.%d does not suit: name one from 3.11 to 3.14, as in `make PYTHON=python3.14 run`." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(READY): requirements.lock pyproject.toml | $(BIN)/uv
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python requirements.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	$(BIN)/python -m compileall -q src
	@touch $@
