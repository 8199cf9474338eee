# Helpers of the shell system tests: TAP lines, a folder of their own, an orderly end. Sourced.
# shellcheck shell=bash
set -uo pipefail
SRC=${HOTLINED_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
BUILD=${HOTLINED_BUILD:-$SRC/.build/quickstart}
export QUICKSTART_BUILD=$BUILD
QUICKSTART=$SRC/contrib/quickstart
COUNT=0 FAILED=0
WORLDS=()
SCRATCH=$(mktemp -d /tmp/hotlined-test.XXXXXX)

# ok NAME COMMAND...: one test; the command's output is shown when it fails.
ok() {
	local name=$1
	shift
	COUNT=$((COUNT + 1))
	if "$@" >"$SCRATCH/output" 2>&1; then
		echo "ok $COUNT - $name"
	else
		FAILED=$((FAILED + 1))
		echo "not ok $COUNT - $name"
		tail -n 12 "$SCRATCH/output" | sed 's/^/# /'
	fi
}

not() {
	! "$@"
}

# world NAME: a folder for a quickstart that is taken down at the end.
world() {
	D=$SCRATCH/$1
	mkdir -p "$D"
	WORLDS+=("$D")
}

ctl() {
	"$BUILD/hotlinectl" --config "$D/hotlined.yaml" "$@"
}

# use_stores: sets PGBIN and REDIS_CLI.
use_stores() {
	local part
	for part in progress machine process stores; do
		# shellcheck source=/dev/null
		. "$SRC/contrib/quickstart.d/$part.sh"
	done
	stores_find
}

finish() { # the exit trap
	local dir
	trap - EXIT
	for dir in "${WORLDS[@]}"; do
		"$QUICKSTART" down --dir "$dir" >/dev/null 2>&1
		[ -L "$dir/base" ] && rm -rf "$(readlink "$dir/base")"
	done
	rm -rf "$SCRATCH"
	echo "1..$COUNT"
	[ "$FAILED" -eq 0 ] && exit 0
	exit 1
}
trap finish EXIT
trap 'FAILED=1; exit 1' TERM INT
