#!/bin/sh
# Pins what tests, linters and tests in a browser need for Python 3.11 to 3.14 on Linux, macOS and Windows.
# Which registry answered is nobody's business: its address is left out of the files.
set -eu
pin() {
  output=$1
  shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
    --no-header --no-emit-index-url --no-emit-find-links "$@" --output-file "$output" pyproject.toml
  if grep -nE '://|^ *-(-index-url|-extra-index-url|-find-links|[if] )' "$output"; then
    echo "$output names a registry" >&2
    exit 1
  fi
}
pin requirements/test.lock --extra test
pin requirements/lint.lock --extra lint --constraints requirements/test.lock
pin requirements/browser.lock --extra report --extra browser --constraints requirements/test.lock
