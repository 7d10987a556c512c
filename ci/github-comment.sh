#!/usr/bin/env bash
# Writes the comment under a pull request, in place of the one that an earlier run wrote.
set -eu -o pipefail

marker='<!-- planner-check -->'
comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
found=$(gh api --paginate "$comments" --jq ".[] | select(.body | startswith(\"$marker\")) | .id")
first=${found%%$'\n'*}
if [ -n "$first" ]; then
  gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$first" --field "body=@$COMMENT" --silent
else
  gh api --method POST "$comments" --field "body=@$COMMENT" --silent
fi
