# The commands of the README: `make demo`, `make mock` and `make test`. Everything else is a `pdm run` script in
# pyproject.toml, except `make test-browser`, which installs a Debian package, and `make test-wheel`, which builds first.
export PDM_CHECK_UPDATE := 0
export PDM_IGNORE_ACTIVE_VENV := 1
export PACT_DO_NOT_TRACK := true
PYTHON ?= python3
PDM := .tools/bin/pdm

.PHONY: setup mock demo test test-browser test-wheel
setup: .venv/.stamp

mock demo: setup
	@$(PDM) run $@ $(ARGS)

test: setup
	@$(PDM) run $@

# The control page and the demo's in a real browser: Debian's Chromium, installed here because only these tests need it.
test-browser: setup
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -qq --no-install-recommends chromium fonts-dejavu-core; }
	@$(PDM) run $@

# Wheel and sdist as they are released, in clean environments, which are created each time and need the network.
test-wheel: setup
	@$(PDM) run build
	@$(PDM) run $@

# An install builds the project and needs the network, so it runs only when the lock or the project file has changed.
.venv/.stamp: pdm.lock pyproject.toml .tools/.stamp
	$(PDM) use --first --quiet "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	$(PDM) install --frozen-lockfile --quiet -G :all >/dev/null && touch $@

# PDM has an environment of its own: in the project's, the lock would replace its dependencies.
.tools/.stamp: requirements/pdm.txt
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $< && touch $@
