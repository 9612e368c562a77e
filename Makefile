# Every target sets up what it needs: a local .venv from requirements.lock. Needs Python 3.11+ with venv, make and git.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON := .venv/bin/python
SCENARIO ?= il20
ARGS ?=

.PHONY: help demo kernel test check sim quiet oracle replay-test fuzz kill-test damage power rig model bench bench-detection score pictures data lock clean

help: ## This page
	@echo "keepclear: a deconfliction line between parties that share airspace but no command"
	@echo
	@echo "  make TARGET [ARGS='more arguments']     each target sets up what it needs, in .venv"
	@echo
	@sed -n -E 's/^([a-z-]+):[^#]*## (.*)/  \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-19s %s\n", $$1, $$2 }'
	@echo
	@echo "  first time here:   make demo, then docs/tour.md"
	@echo "  one test:          make test ARGS='-k margin'"
	@echo "  another scenario:  make demo SCENARIO=swiss-day"
	@echo "  a shorter run:     make sim ARGS='--runs 20'"

demo: .venv/ready $(if $(filter swiss-day,$(SCENARIO)),data) ## Two parties and an observer on this machine, SCENARIO=il20 or swiss-day
	.venv/bin/keepclear demo --scenario $(SCENARIO) --out out/demo $(ARGS)

kernel: .venv/ready ## The compiled twin of the detection, into .venv; needs Rust 1.63 or newer. All works without it
	@command -v cargo > /dev/null || { \
	  echo "keepclear: cargo was not found, so there is no compiled kernel; all works without it, by numpy" >&2; \
	  echo "hint: apt-get install cargo, or Rust from elsewhere, and again make kernel" >&2; \
	  exit 3; \
	}
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r kernel/requirements.txt
	@PATH="$(CURDIR)/.venv/bin:$$PATH" MATURIN_PEP517_ARGS=--locked $(PYTHON) -m pip install --quiet \
	    --disable-pip-version-check --no-deps --no-build-isolation --force-reinstall ./kernel

test: .venv/ready data ## Every test, and the slowest ten
	$(PYTHON) -m pytest -n 2 --dist loadfile --durations=10 $(ARGS)

check: .venv/ready ## What a machine can say of the source: lint, format, types, house and repository rules
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m pytest tests/test_house.py tests/test_repository.py $(ARGS)

sim: .venv/ready ## 10 000 simulated minutes with loss, crashes and restores; goes on where it was interrupted
	$(PYTHON) -m sim.campaign --runs 10000 $(ARGS)

quiet: .venv/ready ## 24 simulated hours on a line that loses, 24 on one that is far away: false alarms
	$(PYTHON) -m sim.quiet --hours 24 $(ARGS)

oracle: .venv/ready ## A million pairs: what detection finds, judged by PROJ, by shapely and in exact arithmetic
	$(PYTHON) -m sim.detect --pairs 1000000 $(ARGS)

replay-test: .venv/ready ## A simulated day, replayed to the identical effects
	$(PYTHON) -m sim.day --hours 24 $(ARGS)

fuzz: .venv/ready ## 100 000 malformed, forged and absurd inputs
	$(PYTHON) -m sim.fuzz --examples 100000 $(ARGS)

kill-test: .venv/ready ## 1000 times kill -9 on real processes, nothing acknowledged is lost
	$(PYTHON) -m sim.kill --kills 1000 $(ARGS)

damage: .venv/ready ## 1000 damaged disks: it starts, nothing that a peer holds is lost, nothing is made up
	$(PYTHON) -m sim.damage --images 1000 $(ARGS)

power: .venv/ready ## 50 power cuts that lose what was not synced, on real processes; needs gcc
	$(PYTHON) -m sim.power --cuts 50 $(ARGS)

rig: .venv/ready ## Real nodes over bad links in network namespaces, as root: six minutes; writes docs/benchmarks.md
	$(PYTHON) -m sim.rig $(ARGS)

model: ## The models in spin, exhaustive within their bounds; needs spin and gcc
	spec/model/run.sh $(ARGS)

bench: .venv/ready ## Line, journal and verifying, beside the disk's own speed and plain peers; ARGS=verify for one
	$(PYTHON) -m bench $(ARGS)

bench-detection: .venv/ready .venv-bench/ready ## Detection beside BlueSky, shapely and scipy; writes docs/benchmarks.md
	$(PYTHON) -m bench.detection $(ARGS)

score: .venv/ready data ## Warned in time, late, missed, nuisance: on recorded traffic; writes docs/benchmarks.md
	$(PYTHON) -m bench.score $(ARGS)

pictures: .venv/ready ## The pictures of docs/line.md anew, from what the program does
	$(PYTHON) -m sim.draw

data: .venv/ready ## Fetch the recorded traffic sample into .cache (28 MB, once)
	@$(PYTHON) -m keepclear.host.recorded fetch

lock: ## Pin all dependencies anew; needs uv
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --fork-strategy fewest \
	    --generate-hashes --no-annotate --custom-compile-command "make lock" --output-file requirements.lock --quiet $(ARGS)

clean: ## Remove what make has made: .venv, caches, out
	rm -rf .venv .venv-bench .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python that runs, is new enough and can make a venv. A name on the PATH is not enough: version managers
# put names there that answer "not installed".
.venv/ready: requirements.lock pyproject.toml
	@for python in $${PYTHON3:-python3.13 python3.12 python3.11 python3}; do \
	  if "$$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
	    found="$$python"; break; \
	  fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "keepclear: no Python 3.11 or newer with venv was found" >&2; \
	  echo "hint: apt-get install python3 python3-venv, or name one: make PYTHON3=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	echo "setting up .venv with $$("$$found" --version)"; \
	$(PYTHON) -m pip --version > /dev/null 2>&1 || "$$found" -m venv --clear .venv
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Peers that detection is measured against, apart from the product.
.venv-bench/ready: bench/requirements-peers.txt .venv/ready
	@echo "setting up .venv-bench: what detection is measured against"
	@.venv-bench/bin/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r bench/requirements-peers.txt
	@touch $@
