#!/bin/sh
# usage: run_winnow.sh WINNOW MAKE_PICTURES SPEC DATASET
# A dataset as `winnow run` leaves it, of generated pictures.
set -eu
pictures=$(mktemp -d)
trap 'rm -rf "$pictures"' EXIT
"$2" "$pictures" 120
"$1" run "$3" --input "$pictures" --output "$4" >/dev/null
