# Cordboard: every job a developer or CI runs. `make help` lists them.
GO        ?= go
BIN       := bin/cordboard
PKGS      := ./...
VERSION   ?= 0.0.0+git$(shell git log -1 --format=%cd.%h --date=format:%Y%m%d)
FUZZTIME  ?= 20s
TESTFLAGS ?=


.PHONY: help build demo test deb lint bench fuzz proto schema clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "%-10s %s\n", $$1, $$2}'

build: ## build the one binary into bin/
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/cordboard

demo: build ## play the manual's story on loopback; KEEP=1 leaves it running
	$(BIN) demo --out demo-out $(if $(KEEP),--keep)

test: ## every test, with the race detector; INTEROP=required makes a missing peer a failure
	$(GO) run ./internal/peers
	$(GO) test -race -shuffle=on -timeout 30m $(TESTFLAGS) $(PKGS)

lint: ## gofmt, vet, staticcheck, import direction, govulncheck where its database answers
	@out=$$(gofmt -l $$(git ls-files "*.go")); test -z "$$out" || { echo "gofmt differs:"; echo "$$out"; exit 1; }
	$(GO) vet $(PKGS)
	$(GO) tool staticcheck $(PKGS)
	$(GO) test -run 'TestImport' ./internal/rooms
	@.ci/vulncheck

bench: build ## measure the real daemon: figures of docs/performance.md, about 9 minutes; BENCHFLAGS=-small for a quick try
	$(GO) run ./cmd/cordboard/internal/bench $(BENCHFLAGS)

deb: ## the Debian package, into bin/; VERSION=1.2.3
	deb/build $(VERSION)

fuzz: ## fuzz what reads from outside for FUZZTIME (20s) each; FUZZ=all for every target
	.ci/fuzz $(FUZZTIME) $(FUZZ)

proto: ## regenerate both contracts (needs protoc)
	$(GO) generate ./plugins/control/v1 ./plugins/adapter/v1

schema: ## regenerate the config's JSON schema
	$(GO) test ./configs -run Schema -update

clean:
	rm -rf bin demo-out bench-out
