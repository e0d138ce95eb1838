# Two commands on a fresh machine with Python 3.11+, python3-venv and make:
#   make demo     the main job, end to end
#   make test     all tests
# Every target sets up what it needs in .venv.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c

PY ?= python3
VENV := .venv
# Test files run side by side, as many at once.
JOBS ?= 2
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SHOW := awk '/^(Collecting|Installing|Successfully|Building|ERROR)/ {print substr($$0, 1, 100); fflush()}'

.PHONY: help demo test lint types contracts format check compiled coverage mutants mutants-ci figures-security simulate chaos chaos-ci chaos-long bench bench-emulator bench-ledger clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       one balance inquiry, end to end: switch, sample members and terminal; no broker"
	@echo "make test       all tests"
	@echo "make check      lint, types, contracts and tests; CI also: chaos-ci, coverage, mutants-ci"
	@echo "make compiled   the codec as machine code, in place; needs a C compiler"
	@echo "make coverage   branches taken in codec, policy, crypto, journal and outbox: two minutes"
	@echo "make mutants    break those five on purpose, see what the tests notice: hours; SAMPLE=200: minutes"
	@echo "make figures-security   measure MACs, PIN tries, audit and crypto: three minutes"
	@echo "make bench              every figure of speed in one table (FIGURES=codec for one)"
	@echo "make simulate   the switch and all around it from 200 seeds, under faults (SEEDS=2000): a minute"
	@echo "make chaos      kill, starve, flood and hang a real switch, and count: some minutes"
	@echo "make chaos-long the same with the full counts: some hours, and a night for soak"
	@echo "make bench-ledger       import, look-ups and proofs at a million members: an hour"
	@echo "make bench-emulator     how much load the emulator makes: two minutes"
	@echo "make format     format the code"
	@echo "make clean      remove the environment and all caches"

$(BIN)/python:
	@echo "setting up $(VENV) with $$($(PY) --version) ..."
	@$(PY) -m venv $(VENV) || { \
	  echo "python3-venv is missing; on Debian: apt-get install python3-venv"; \
	  rm -rf $(VENV); exit 1; }

$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what the switch needs (once) ..."
	@$(PIP) install --progress-bar off -c constraints.txt -e . | $(SHOW)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what the tests need (once) ..."
	@$(PIP) install --progress-bar off -c constraints.txt -e '.[dev]' | $(SHOW)
	@touch $@ $(VENV)/.run

demo: $(VENV)/.run
	@$(BIN)/atm-switch demo

test: $(VENV)/.dev
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile

lint: $(VENV)/.dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(VENV)/.dev
	@$(BIN)/mypy

contracts: $(VENV)/.dev
	@$(BIN)/lint-imports

check: lint types contracts test

# Each area by its own quick tests (tests/figures/areas.py); exit 1 under 100 %.  AREAS="codec".
coverage: $(VENV)/.dev
	@$(BIN)/python -m tests.figures.branch_coverage $(AREAS)

# Where there is no wheel of atheris for this Python its goal is skipped, in words.
$(VENV)/.fuzz: pyproject.toml constraints.txt | $(VENV)/.dev
	@$(PIP) install --progress-bar off -c constraints.txt --only-binary atheris -e '.[dev,fuzz]' | $(SHOW) \
	  || echo "atheris cannot be had for $$($(BIN)/python --version): the goal of the fuzzer is skipped"
	@touch $@

$(VENV)/.mutants: pyproject.toml constraints.txt | $(VENV)/.dev
	@$(PIP) install --progress-bar off -c constraints.txt -e '.[dev,mutants]' | $(SHOW)
	@touch $@

# Exit 1 where less than 90 % are killed.  Goes on where it was interrupted; SAMPLE=200 draws
# so many of each area, which takes minutes.
mutants: $(VENV)/.mutants
	@$(BIN)/python -m tests.figures.mutants $(AREAS) --sample $(or $(SAMPLE),0)

# Run it again when a source of the codec has changed; until then Python runs, as before.
compiled: $(VENV)/.dev
	@command -v cc >/dev/null || { echo "there is no C compiler; on Debian: apt-get install gcc"; exit 1; }
	@$(BIN)/python hatch_build.py
	@$(BIN)/atm-switch --version

# What .ci/run runs of it: so few that only a score far from 90 % is seen.
mutants-ci: $(VENV)/.mutants
	@$(BIN)/python -m tests.figures.mutants --sample 8 --seed ci --jobs 1 --abreast 2 --refute

# What SECURITY.md promises, counted; each command exits 1 if its promise was broken.
figures-security: $(VENV)/.dev
	@$(BIN)/python -m tests.figures.crypto_differential --cases 100000
	@echo
	@$(BIN)/python -m tests.figures.mac_bit_flips --flips 100000
	@echo
	@$(BIN)/python -m tests.figures.pin_timing --rounds 100000
	@echo
	@$(BIN)/python -m tests.figures.pin_guesses --guesses 1000 --links 50 --kills 20
	@echo
	@$(BIN)/python -m tests.figures.audit_tampering --tampers 10000

# Exits 1 where a promise was not kept. FIGURES="codec" measures one; charts and their JSON are
# what README.md shows. The system's interpreter is the fairer one: make bench PY=/usr/bin/python3.
bench: $(VENV)/.dev
	@$(BIN)/python -m tests.bench $(FIGURES) --json tests/bench/charts/figures.json --charts tests/bench/charts

# No clock, socket or thread: a seed that fails is replayed, with every step, by
# .venv/bin/python -m tests.simulation --seed N.
simulate: $(VENV)/.dev
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),200)

# Each goal of the proof is a command of its own: .venv/bin/python -m tests.chaos.NAME [--long].
# The table is printed line by line; exit 1 where one was missed.  GOALS="kill_nine" runs some.
chaos: $(VENV)/.fuzz
	@$(BIN)/python -m tests.chaos $(GOALS)

# What .ci/run runs of it, in four minutes: small counts, two goals at a time, not judged by time.
chaos-ci: $(VENV)/.fuzz
	@$(BIN)/python -m tests.chaos --ci $(GOALS)

chaos-long: $(VENV)/.fuzz
	@$(BIN)/python -m tests.chaos --long $(GOALS)

# Goes on where it was interrupted; --members scales it (MEMBERS="--members 100000").
bench-ledger: $(VENV)/.dev
	@$(BIN)/python -m tests.figures.ledger_bench $(MEMBERS)

bench-emulator: $(VENV)/.dev
	@$(BIN)/python -m tests.figures.emulator_bench

format: $(VENV)/.dev
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

clean:
	rm -f atm_switch/wire/*.so atm_switch/wire/compiled-from.txt
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
