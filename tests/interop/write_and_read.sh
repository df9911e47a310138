#!/bin/sh
# usage: write_and_read.sh READER.py DEFAULT_PYTHON WRITER [ARGUMENT]...
# The writer gets the dataset's directory as its last argument. Exit status of the reader: 77 means
# skipped.
set -eu
reader=$1
python=${WINNOW_PYTHON:-$2}
shift 2
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
"$@" "$directory/dataset"
status=0
"$python" "$reader" "$directory/dataset" || status=$?
exit $status
