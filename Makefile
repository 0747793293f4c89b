# The front door: every way to build, test and try walbridge is a target here. `make help` lists them.
# The work is done by decoder/Makefile (PGXS), CMake and the files in scripts/; nothing is clever in this file.

SHELL      := /bin/bash
PG_CONFIG  ?= pg_config
JOBS       ?= 2
PYTHON     := /usr/bin/python3
CMAKE_ARGS ?=

export PG_CONFIG PYTHON JOBS

.DEFAULT_GOAL := help
.PHONY: help deps deps-dev all decoder applier install unit regress differential e2e check demo bench bench-smoke soak lint format \
        asan tsan check-matrix clean

help: ## this list
	@echo "walbridge: exact live copies of PostgreSQL databases"
	@echo
	@grep -hE '^[a-z0-9-]+:.*## ' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | \
	  awk -F'|' '{ printf "  make %-14s %s\n", $$1, $$2 }'

deps: ## install what is missing to build and test (Debian package names, no network when nothing is missing)
	@scripts/deps

deps-dev: ## the same, plus the formatter and the linter
	@scripts/deps --dev

all: decoder applier ## build the plugin and the service

decoder:
	$(MAKE) -C decoder PG_CONFIG=$(PG_CONFIG) -j$(JOBS)

applier:
	@scripts/build release

install: all ## install the plugin into the PostgreSQL of PG_CONFIG, and the service into PREFIX (/usr/local)
	$(MAKE) -C decoder PG_CONFIG=$(PG_CONFIG) install
	cmake --install build/release --prefix $(or $(PREFIX),/usr/local)

unit: applier ## unit tests (no server needed)
	ctest --test-dir build/release --output-on-failure -j$(JOBS)

regress: decoder ## plugin tests through SQL on a throw-away server
	$(MAKE) -C decoder PG_CONFIG=$(PG_CONFIG) install
	tests/regress/run

differential: applier ## random streams: every way of applying them gives the same; ENDLESS=1 until something fails
	tests/differential/run

e2e: all ## end-to-end stories on throw-away servers; E2E="020_copy" or E2E="-k toast" chooses
	$(MAKE) -C decoder PG_CONFIG=$(PG_CONFIG) install
	@scripts/e2e $(E2E)

check: ## everything a change must pass, from an empty machine; the last line counts
	@scripts/check

demo: ## watch a live database being copied, followed and compared (about a minute)
	@demo/run

bench: ## measure against the peers on a quiet machine (half an hour); BENCH="--quick" or BENCH="--workloads tpcb" chooses
	@scripts/deps --bench
	@$(MAKE) --no-print-directory all
	@bench/run $(BENCH)

bench-smoke: all ## whether the benchmark works, in a minute: tiny sizes, results in build/bench
	@bench/run --smoke $(BENCH)

soak: ## the heavy variants: 5 million rows in one transaction, 700 MB values, more than 50 kills
	WALBRIDGE_SOAK=1 scripts/check

lint: ## formatting as committed, and clang-tidy
	@scripts/lint

format: ## format the C++ sources in place
	@scripts/lint --fix

asan: ## unit tests and the short end-to-end stories under AddressSanitizer and UBSan
	@scripts/sanitize asan

tsan: ## the same under ThreadSanitizer
	@scripts/sanitize tsan

check-matrix: ## plugin tests and stories against every PostgreSQL installed on this machine, and against MySQL
	@scripts/check-matrix

clean: ## remove what was built
	-$(MAKE) -C decoder PG_CONFIG=$(PG_CONFIG) clean
	rm -rf build
