# Everything a person or a CI runs here. Each target brings what it needs and is quick when nothing changed.
#   make install        .venv with what wattseal runs on     make demo ARGS="--once"   one provable charge, end to end
#   make install-dev    the same plus tests and tools        make test ARGS="-k ocmf"  the tests
#   make check          linters, types, import contracts     make bench                measurements, with ratios
#   make lock           renew requirements/*.txt             make clean                remove what these made
#   make fuzz ARGS="--seconds 600 frame jws"   fuzz the parsers, so long each (default: all, a minute each)
#   make mutants ARGS="--mutants 100000"       mutate records, bundles, meters' records and signed messages; judge them all
#   make audit-month ARGS="--sessions 100000 --seed 7"   a month of sessions with faults, and the audit of it
#   make attack ARGS="--html report.html"     every attack of the threat model, each with its control (a quarter of an hour)
#   make storm ARGS="--seeds 5000"             storms of faults over the core, so many seeds; all promises held after each
#   make storm ARGS="--every --actors all"     one story with one death at each wait, before and after each commit; --part 1/4 --state FILE
#   make storm ARGS="--lines"                  also which lines of the core that wait were never reached, and why
#   make explore ARGS="tests/rules"   the properties with other examples each time, ten times as many (make test: alike)
#   make torn ARGS="--seeds 5000"              power cuts and damage: so many disks, and what a start makes of each
#   make ramp           a million commands of any mix against the cap of the fleet's ramp
#   make conformance    renew docs/reference/conformance.md from the marks on the tests
#   make receipts-live  a vehicle of the package iso15118 signs receipts (needs Java; an environment of its own)
#   make honest         ten thousand honest sessions, of which none may be kept from being billed (make test: a quarter)
#   make agree          prices and verifiers of browser and server on all examples, of which `make test` draws a share
#   make schemathesis EXAMPLES=100   random requests to every route of the API, so many each (make test: 1)
#   make web            build the pages' scripts from web/src (needs the npm registry)
#   make openapi        write docs/reference/openapi.json and the table of routes from the code
PYTHON ?=
VENV := .venv
VEHICLE := .venv-iso15118
BIN := $(VENV)/bin
ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PYTHONDONTWRITEBYTECODE

# Wheels only, every file named by hash, nothing resolved at install time: no foreign build code runs.
PIP_LOCKED := $(BIN)/python -m pip install -qq --require-hashes --no-deps --only-binary :all:
# The project itself: linked in place, built with the locked backend.
PIP_SELF := $(BIN)/python -m pip install -qq --no-build-isolation --no-deps --editable .

.PHONY: install install-dev demo attack test agree explore honest schemathesis check bench fuzz mutants ramp storm torn audit-month conformance lock clean openapi receipts-live web
.DELETE_ON_ERROR:

install: $(VENV)/.run
install-dev: $(VENV)/.dev

$(VENV)/.made: tools/make-venv
	tools/make-venv $(VENV) $(PYTHON)
	@touch $@

$(VENV)/.run: $(VENV)/.made requirements/run.txt requirements/build.txt pyproject.toml
	$(PIP_LOCKED) -r requirements/run.txt -r requirements/build.txt
	$(PIP_SELF)
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.txt
	$(PIP_LOCKED) -r requirements/dev.txt
	@touch $@

demo: install
	$(BIN)/wattseal demo $(ARGS)

attack: install
	$(BIN)/wattseal attack --all $(ARGS)

# WATTSEAL_VECTORS, when set, names a folder of foreign test vectors and is passed on.
test: install-dev
	tools/need-chromium
	$(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

schemathesis: install-dev
	WATTSEAL_REQUESTS=$(or $(EXAMPLES),100) $(BIN)/python -m pytest -q -n 0 tests/interop/test_schemathesis.py $(ARGS)

check: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: install-dev
	$(BIN)/python tools/fuzz.py $(ARGS)

mutants: install-dev
	$(BIN)/python tools/mutants.py $(ARGS)

storm: install-dev
	$(BIN)/python -m tests.simulation $(ARGS)

torn: install-dev
	$(BIN)/python -m tests.torn $(ARGS)

# A million commands of any mix against the ramp's cap; a tenth of them is among the tests.
ramp: install-dev
	WATTSEAL_RAMP_COMMANDS=1000000 $(BIN)/python -m pytest -q -n 0 tests/rules/test_ramp.py

audit-month: install
	tools/audit-month $(BIN)/wattseal $(ARGS)

openapi: install-dev
	$(BIN)/python tools/make_openapi.py

web: install-dev
	$(BIN)/python tools/make_web.py

agree: install-dev
	WATTSEAL_EXAMPLES=100 $(BIN)/python -m pytest -q -n 2 --dist loadfile tests/web/test_pricing_agrees.py \
		tests/web/test_verifiers_agree.py tests/web/test_receipt_agrees.py tests/web/test_ocmf_agrees.py $(ARGS)

honest: install-dev
	WATTSEAL_EXAMPLES=100 $(BIN)/python -m pytest -q -n 2 tests/watch/test_honest.py $(ARGS)

# What `make test` draws alike in every run is drawn anew here; WATTSEAL_EXAMPLES is per cent of the usual number.
explore: install-dev
	WATTSEAL_EXAMPLES=$(or $(WATTSEAL_EXAMPLES),1000) $(BIN)/python -m pytest -q -n 2 --dist worksteal -m hypothesis \
		--hypothesis-profile explore $(ARGS)

bench: install-dev
	$(BIN)/python -m bench $(ARGS)

conformance: install-dev
	$(BIN)/python tools/make_conformance.py

# What the package iso15118 stands on is older than what wattseal does: it never shares an environment with it.
$(VEHICLE)/.run: tools/make-venv requirements/iso15118.txt
	tools/make-venv $(VEHICLE) $(PYTHON)
	$(VEHICLE)/bin/python -m pip install -qq --require-hashes --no-deps --only-binary :all: -r requirements/iso15118.txt
	@touch $@

receipts-live: install-dev $(VEHICLE)/.run
	$(BIN)/python -m pytest -q -n 0 tests/interop/test_iso15118_vehicle.py $(ARGS)

# The locks hold versions and hashes for CPython 3.11 to 3.13 on Linux and macOS, and no address of any index.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" $(ARGS)
# `make lock ARGS=--upgrade` moves to the newest versions.
lock: install-dev
	$(LOCK) pyproject.toml -o requirements/run.txt
	$(LOCK) pyproject.toml --group build --group dev -c requirements/run.txt -o requirements/dev.txt
	$(LOCK) --group pyproject.toml:build -c requirements/dev.txt -o requirements/build.txt
	$(LOCK) requirements/localstripe.in -o requirements/localstripe.txt
	$(LOCK) --group pyproject.toml:iso15118 -o requirements/iso15118.txt

clean:
	rm -rf $(VENV) $(VEHICLE) web/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src tests bench tools -name __pycache__ -type d -prune -exec rm -rf {} +
