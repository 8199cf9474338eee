# shellcheck shell=bash
# Shows what a long step is doing: one line per step with the time it took, and its log on failure.
# Sourced by contrib/quickstart and .ci/run.

PROGRESS_BEGAN=$SECONDS

say() {
	printf '[%3d s] %s\n' "$((SECONDS - PROGRESS_BEGAN))" "$*"
}

die() {
	printf 'quickstart: %s\n' "$*" >&2
	exit 1
}

# progress_line TEXT: overwrites itself on a terminal; says nothing elsewhere.
progress_line() {
	[ -t 1 ] && printf '\r\033[K[%3d s] %s' "$((SECONDS - PROGRESS_BEGAN))" "${1:0:90}"
	return 0
}

# step_status LOG TOTAL: how far the step is: compiled files of all where TOTAL is known, else the
# last line of its log.
step_status() {
	local log=$1 total=$2 done_count
	if [ "$total" -gt 0 ]; then
		done_count=$(grep -cE '^  [A-Z]+ +' "$log" 2>/dev/null || true)
		[ "$done_count" -gt "$total" ] && done_count=$total
		printf '%d of %d' "$done_count" "$total"
	else
		tail -n 1 "$log" 2>/dev/null | tr -d '\r\033' | cut -c1-60
	fi
}

# step TITLE LOG TOTAL COMMAND...: runs the command with its output in LOG and shows how far it is;
# on failure prints the end of LOG and returns the command's status.
step() {
	local title=$1 log=$2 total=$3 pid status=0 spoke=$SECONDS
	shift 3
	mkdir -p "$(dirname "$log")"
	: >"$log"
	[ -t 1 ] || say "$title"
	"$@" >"$log" 2>&1 </dev/null &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		progress_line "$title: $(step_status "$log" "$total")"
		if [ ! -t 1 ] && [ $((SECONDS - spoke)) -ge 20 ]; then
			say "$title: $(step_status "$log" "$total")"
			spoke=$SECONDS
		fi
		sleep 0.2
	done
	wait "$pid" || status=$?
	progress_line ''
	if [ "$status" -ne 0 ]; then
		[ -t 1 ] && printf '\r'
		say "$title FAILED (status $status); the end of $log:"
		tail -n 25 "$log"
		return "$status"
	fi
	[ -t 1 ] && printf '\r' && say "$title: done"
	return 0
}
