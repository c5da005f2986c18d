# Everything a person or CI runs, by name. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NPM_STAMP := tests/sdks/node_modules/.installed
LITELLM_STAMP := .venv-litellm/.installed
API_STAMP := .venv-schemathesis/.installed

.PHONY: help demo test check scenarios corpus slow bench sdks litellm faults api pythons clean

help:  ## list what can be made
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/.made:
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.product: $(VENV)/.made pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP): $(VENV)/.product pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev,sdks]'
	@touch $@

demo: $(VENV)/.product  ## show the main job, offline: an answer, a stream, a miss explained
	@$(BIN)/llmreplay demo

check: $(STAMP)  ## everything a machine can judge, but for the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell

# Other targets run these.
ELSEWHERE := $(addprefix --ignore=tests/,corpus scenarios sdks test_examples.py)

test: check  ## check, then the tests with branch coverage, which core, dialects and session have whole
	$(BIN)/pytest -n 2 -m "not slow" $(ELSEWHERE) --cov --cov-report=
	$(BIN)/coverage report
	$(BIN)/coverage report --fail-under=100 --include='llmreplay/core/*,llmreplay/dialects/*,llmreplay/session/*'

scenarios: $(STAMP)  ## the product as a process, over sockets: what a person meets
	$(BIN)/pytest -n 2 -m "not slow" tests/scenarios

corpus: $(STAMP)  ## real recorded traffic, every byte of it, where it is at hand
	$(BIN)/pytest -n 2 tests/corpus

slow: $(STAMP)  ## the tests that take longest: 50 replays, 219 kills, 4,000 keys, 10,000 recordings
	$(BIN)/pytest -n 2 -m slow --ignore=tests/corpus

$(NPM_STAMP): tests/sdks/package.json tests/sdks/package-lock.json
	npm ci --prefix tests/sdks --no-audit --no-fund --loglevel=error
	@touch $@

sdks: $(STAMP) $(NPM_STAMP)  ## the real SDKs of Python and npm get equal objects from record and serve
	SDKS_MUST_RUN=1 $(BIN)/pytest -n 2 tests/sdks tests/test_examples.py

$(LITELLM_STAMP): tests/sdks/proxied/litellm.txt
	$(PYTHON) -m venv .venv-litellm
	.venv-litellm/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

litellm: $(LITELLM_STAMP)  ## litellm for `make sdks`, in a venv of its own: it wants an older openai

faults: $(STAMP) $(NPM_STAMP) $(LITELLM_STAMP)  ## ask all SDKs what they make of faults, and write docs/sdks-and-faults.md anew
	$(BIN)/python -m tests.sdks.faults

$(API_STAMP): tests/scenarios/schemathesis.txt
	$(PYTHON) -m venv .venv-schemathesis
	.venv-schemathesis/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

api: $(STAMP) $(API_STAMP)  ## the control API, held against its OpenAPI document by schemathesis
	SCHEMATHESIS=$(CURDIR)/.venv-schemathesis/bin/schemathesis $(BIN)/pytest tests/scenarios/test_control_api.py

pythons:  ## the tests on every other Python from 3.12 that is installed here
	tests/pythons.sh

bench: $(STAMP)  ## figures, each as a ratio to a peer or a floor in the same run
	$(BIN)/python benchmarks/run.py

clean:  ## remove what was set up here
	rm -rf $(VENV) .venv-litellm .venv-schemathesis .mypy_cache .ruff_cache .pytest_cache .hypothesis tests/sdks/node_modules
