# Every command of the project; `make` alone lists them. Each one first installs what it needs, into
# .venv, .azurite, .checkov and .linters here. Written for GNU make 3.81 and later, for any folder name.

.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help demo install test check bench format schemas site lock setup clean

SETUP := sh scripts/setup.sh
BIN := .venv/bin

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile
	@echo '  PYTHON=/path/to/python3.13 with any of them chooses the interpreter of .venv'

demo: ## see a real model go through its lifecycle; REGISTRY=azureml, ONCE=1 to end with it
	@$(SETUP) demo
	@$(BIN)/stageward demo $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(filter-out 0,$(ONCE)),--once)

install: ## install Stageward and MLflow, for use
	@$(SETUP) demo

test: ## run the tests, a file on each core; ARGS="-k name" goes to pytest
	@$(SETUP) dev azurite browser checkov linters
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

check: ## format, lint, types, imports, docstrings, templates and documents, without changing anything
	@$(SETUP) dev checkov
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/interrogate -vv --omit-covered-files stage_functions
	@$(BIN)/python -m scripts.infra --checkov .checkov/bin/python
	@$(BIN)/python -m scripts.site

bench: ## measure, and write benchmarks/results.json; ARGS=--quick is shorter
	@$(SETUP) dev
	@$(BIN)/python -m benchmarks $(ARGS)

format: ## format the code and mend what the linter can
	@$(SETUP) dev
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

schemas: ## write the JSON Schemas of the events again, and of the example workflows
	@$(SETUP) dev
	@$(BIN)/python -m scripts.event_schemas
	@$(BIN)/python -m scripts.workflow_schemas

site: ## build the site of the documents into site, with the reference that is made of the code
	@$(SETUP) dev
	@$(BIN)/python -m scripts.site

lock: ## pin what pyproject.toml asks for; ARGS=--upgrade takes newer releases
	@$(SETUP) uv
	@sh scripts/lock.sh $(ARGS)

setup: ## install everything that the other commands need, for development
	@$(SETUP) dev azurite browser checkov linters

clean: ## remove everything that these commands made
	@rm -rf .venv .azurite .checkov .linters .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf .coverage htmlcov build dist site
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
