# Thin: every target is one command of cargo, or one script.
SHELL := bash
export SQLX_OFFLINE ?= true
CARGO ?= cargo
# The real order histories; any file with the same columns.
ORDERS ?=
REPLAY_DIR ?= .seva/replay
# What runs over the whole suite is built in one selection: another one has other features of what it depends on, and is built once more.
PACKAGES := -p seva -p seva-tests -p seva-bench
SUITE := --release $(PACKAGES) --bins --examples
BUILT := $(or $(CARGO_TARGET_DIR),target)/release
# What demo, replay and tour run; after `make suite` it can be the binary that is there: SEVA=target/release/seva.
SEVA ?= $(CARGO) run --release -p seva --

.PHONY: demo replay replay-killed tour test browser interop bench faults lint deploy-check sqlx binaries suite
demo: binaries                        ## the main job: one process, a small shop played into it; DEMO=once: two stories, then exit
	$(SEVA) up --demo $(if $(filter once,$(DEMO)),--once)

replay: binaries                      ## real order histories on manual time; without ORDERS the product's own sample
	$(SEVA) replay $(if $(ORDERS),$(ORDERS),--sample) --data-dir $(REPLAY_DIR)

replay-killed: binaries               ## the same killed three times and played to its end, compared table by table with one that was not; KILLS=, SEED=
	$(CARGO) build $(SUITE)
	$(BUILT)/examples/killed_replay $(ORDERS)

tour: binaries                        ## one customer's story through all services, step by step, with its trace ids
	$(SEVA) tour

test: binaries                        ## everything that needs nothing but Rust, a C compiler and PostgreSQL's binaries
	$(CARGO) test --workspace

browser: binaries                     ## the customers' pages in a real Chromium, in English and in Urdu; screenshots in target/screenshots
	@scripts/chromium
	$(CARGO) build --workspace --bins
	$(CARGO) test --workspace --test browser -- --ignored

interop: binaries                     ## clients and servers that none of us wrote: grpcio, buf curl, an SMTP server, an OTLP receiver
	scripts/interop

faults: binaries                      ## kill -9 of the process and of PostgreSQL under load; ROUNDS=20 is the long form
	$(CARGO) build $(SUITE)
	$(CARGO) test --release $(PACKAGES) --test faults -- --ignored --nocapture

bench: binaries                       ## figures side by side in one run: a table, and JSON in target/bench.json
	$(CARGO) build $(SUITE)
	$(BUILT)/seva-bench

lint:                                 ## rustfmt, clippy, rustdoc, buf
	scripts/lint

deploy-check:                         ## the manifests, rendered and checked against the schemas of Kubernetes
	scripts/deploy

sqlx: binaries                        ## refreshes the checked queries of every service against its migrations
	scripts/sqlx

suite:                                ## builds what the long runs need, once for all of them
	$(CARGO) build $(SUITE)

binaries:
	@scripts/postgres
