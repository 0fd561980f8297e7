# `make demo` shows it working; `make test` proves it. Everything else is a part of these.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CARGO ?= cargo
HTTP  ?= 127.0.0.1:8080
SIP   ?= 0.0.0.0:5060
DEMO  ?=
# Callers are heard where PocketSphinx is installed; tests install it.
HEARS := $(if $(wildcard /usr/include/pocketsphinx/pocketsphinx.h),--features pocketsphinx)

.PHONY: help demo test check unit hearing speech e2e interop interop-docs browser bench load offers overload million histories fuzz pictures prompts tools

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: ## build, then run the server with simulated residents and advisers
	$(CARGO) build --release --locked $(HEARS) --bin switchboard
	./target/release/switchboard demo --sip $(SIP) --http $(HTTP) $(DEMO)

test: tools check unit hearing e2e interop browser ## set up what is missing and run every test

tools: ## install what the tests need beyond Rust (Debian packages, by apt-get)
	@.ci/tools

check: ## formatting, lints, and the shipped settings and flows
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) run --locked --quiet -- check --config config/switchboard.toml

unit: ## unit, scenario, property and architecture tests
	$(CARGO) test --locked --workspace --lib --bins
	$(CARGO) test --locked $(shell ls tests/*.rs | sed -E 's|tests/(.*)\.rs|\1|' | grep -vxE 'e2e|hearing|speaking' | sed 's/^/--test /' | tr '\n' ' ')

hearing: tools ## the embedded recogniser, every voice at its own speed: a third of `make speech`
	$(CARGO) clippy --locked --lib --test hearing --test speaking --features pocketsphinx -- -D warnings
	QUICK=1 $(CARGO) test --locked --features pocketsphinx --test hearing -- --nocapture
	$(CARGO) test --locked --features pocketsphinx --test speaking -- --test-threads=1

speech: tools ## how well callers are understood, by voice, line and noise: prints the table of docs/hearing.md
	$(CARGO) test --locked --features pocketsphinx --test hearing -- --nocapture

e2e: ## SIPp and baresip against the real server; the 60-second bound in simulated time
	$(CARGO) test --locked --test stories standard
	$(CARGO) test --locked --test e2e -- --test-threads=1

interop: tools ## other people's programs, every feature over every transport: prints a table
	.ci/interop

interop-docs: tools ## the same, and the table into docs/interop.md
	.ci/interop --docs docs/interop.md

pictures: tools ## what callers and advisers hear, clean and over a bad network, drawn in docs/
	PICTURES=docs $(CARGO) test --locked --test interop -- baresip softphones
	PICTURES=docs $(CARGO) test --locked --test interop -- baresip jitter

browser: ## the wallboard in headless Chromium: live figures, keyboard, accessibility
	.ci/browser

bench: ## micro-benchmarks and the machine's own floor
	$(CARGO) bench --locked --bench '*'

load: ## signalling and voice: latency, CPU and memory per call, gaps, the machine's floor
	benches/load.sh
	benches/voice.sh

offers: ## how soon an adviser who becomes free is rung, with up to 1,000 callers waiting
	benches/offers.sh

overload: ## goodput at once, twice and four times the limit
	benches/overload.sh

million: ## a million calls of every kind in simulated time: nothing may be left of them
	CALLS=1000000 $(CARGO) test --release --locked --test million -- --nocapture

histories: ## 300,000 simulated days, and histories of the queue, against their plain references
	HISTORIES=300000 $(CARGO) test --release --locked --test simulate -- --nocapture histories
	HISTORIES=100000 $(CARGO) test --release --locked --lib -- acd::tests::property

fuzz: ## hostile input: TARGET=uri SECONDS=60 for one, else every target for 300 seconds
	.ci/fuzz $(or $(SECONDS),300) $(TARGET)

prompts: ## speak the texts that changed since the last time
	$(CARGO) run --locked --quiet -- prompts render
