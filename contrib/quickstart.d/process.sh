# shellcheck shell=bash
# Background processes known by a pid file and by their command line: a stale pid file never makes us
# signal a stranger. Needs D (the folder of this instance) and progress.sh.

# process_pid NAME NEEDLE: prints the pid if that process still is the one we started.
process_pid() {
	local pid
	pid=$(cat "$D/pid/$1" 2>/dev/null) || return 1
	[[ $pid =~ ^[0-9]+$ ]] || return 1
	# Bash's own `read` would stop at the first NUL.
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "$2" || return 1
	[ "$(process_state "$pid")" != Z ] || return 1
	echo "$pid"
}

process_state() {
	sed 's/.*) \(.\).*/\1/' "/proc/$1/stat" 2>/dev/null
}

# process_start NAME COMMAND...: detached from this terminal and session, output appended to log/NAME.log.
process_start() {
	local name=$1
	shift
	setsid "$@" </dev/null >>"$D/log/$name.log" 2>&1 7>&- 8>&- 9>&- &
	echo "$!" >"$D/pid/$name.new" && mv "$D/pid/$name.new" "$D/pid/$name"
}

# process_signal NAME NEEDLE SIGNAL SECONDS: signals it and waits for its end; true if it is gone.
process_signal() {
	local pid deadline=$((SECONDS + $4))
	pid=$(process_pid "$1" "$2") || return 0
	kill -s "$3" "$pid" 2>/dev/null
	while process_pid "$1" "$2" >/dev/null; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		sleep 0.05
	done
	rm -f "$D/pid/$1"
}

# process_ready NAME NEEDLE SECONDS COMMAND...: waits until the command is true; ends quickstart with
# the end of the log when the process dies or takes too long. NOT_READY: what the command found missing.
process_ready() {
	local name=$1 needle=$2 deadline=$((SECONDS + $3)) why=''
	NOT_READY=''
	shift 3
	until "$@"; do
		process_pid "$name" "$needle" >/dev/null || why='ended'
		[ "$SECONDS" -lt "$deadline" ] || why=${NOT_READY:-does not answer}
		if [ -n "$why" ]; then
			tail -n 8 "$D/log/$name.log" >&2
			die "$name $why; its log is $D/log/$name.log"
		fi
		sleep 0.05
	done
}
