#!/usr/bin/env bash
# Runs the tests on each newer Python that this machine has, each in an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

interpreter() {  # the path of python3.N: on PATH, or among pyenv's; nothing where there is none
    local found
    found=$(command -v "python$1" || true)
    if [ -n "$found" ] && "$found" --version >/dev/null 2>&1; then echo "$found"; return; fi
    find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/$1.*/bin/python" 2>/dev/null | sort -V | tail -n 1
}

for version in 3.12 3.13; do
    python=$(interpreter "$version")
    if [ -z "$python" ]; then echo "python$version: not installed here, skipped"; continue; fi
    environment=".venv-$version"
    "$python" -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check --editable '.[dev,sdks]'
    echo "python$version: $("$environment/bin/python" --version)"
    "$environment/bin/pytest" -q -n 2 -m "not slow" --hypothesis-profile=quick \
        --ignore=tests/sdks --ignore=tests/corpus --ignore=tests/scenarios \
        --ignore=tests/test_examples.py
done
