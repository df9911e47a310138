#!/bin/sh
# usage: write_and_read.sh WRITER READER.py DEFAULT_PYTHON
# Exit status of the reader: 77 means skipped.
set -eu
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$1" "$directory/dataset"
status=0
"${WINNOW_PYTHON:-$3}" "$2" "$directory/dataset" || status=$?
exit $status
