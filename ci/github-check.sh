#!/usr/bin/env bash
# The check of the composite action: annotations, a summary, and files for later steps. It ends with 0 itself, so
# that the comment can be written first; the planner's own exit code is an output.
set -u -o pipefail

folder=$RUNNER_TEMP/planner-check
rm -rf "$folder"
mkdir -p "$folder"

arguments=("$PROJECT" --output "table=$folder/table.txt" --output "github=$folder/annotations.txt")
arguments+=(--output "markdown=$folder/comment.md" --output "json=$folder/result.json")
arguments+=(--output "sarif=$folder/result.sarif" --output "junit=$folder/junit.xml")
if [ -n "${BASELINE_FILE:-}" ]; then
  arguments+=(--baseline-file "$BASELINE_FILE")
elif [ -n "${BASELINE:-}" ]; then
  arguments+=(--baseline="$BASELINE")
elif [ -n "${GITHUB_BASE_REF:-}" ]; then
  # A checkout of one commit lacks the base; only this branch is fetched, and only its last commit.
  git fetch --quiet --no-tags --depth=1 origin "+refs/heads/$GITHUB_BASE_REF:refs/remotes/origin/$GITHUB_BASE_REF"
  arguments+=(--baseline="origin/$GITHUB_BASE_REF")
fi

planner check "${arguments[@]}" 2>"$folder/errors.txt"
code=$?

# What a plan says about itself goes into the log, where it must not be taken for a command.
stop=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
echo "::stop-commands::$stop"
cat "$folder/errors.txt"
[ -f "$folder/table.txt" ] && cat "$folder/table.txt"
echo "::$stop::"
[ -f "$folder/annotations.txt" ] && cat "$folder/annotations.txt"

# Fail closed: no result, or one that another output's failure followed, is never "no change".
case $code in 0 | 1 | 3) judged=yes ;; *) judged= ;; esac
if [ -z "$judged" ] || [ ! -f "$folder/comment.md" ]; then
  printf '%s\n%s\n\n%s\n' '<!-- planner-check -->' '### ❌ planner check' \
    "The check could not be made (exit code $code); the log of the job says why." >"$folder/comment.md"
  echo "::error title=planner check::the check could not be made (exit code $code)"
fi
cat "$folder/comment.md" >>"$GITHUB_STEP_SUMMARY"
printf 'exit-code=%s\nfolder=%s\n' "$code" "$folder" >>"$GITHUB_OUTPUT"
