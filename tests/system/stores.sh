#!/usr/bin/env bash
# The quickstart's private stores: unpacked or found, under a closed folder or a long path, closed to all
# but the daemon, kept over `down`, and not disturbed by what a crash leaves behind.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

as_hotlined() {
	local base=$D
	[ ! -L "$D/base" ] || base=$(readlink "$D/base")
	REDISCLI_AUTH=$(cat "$D/keys/redis.password") "$REDIS_CLI" -s "$base/run/redis.sock" --user hotlined \
		--no-auth-warning "$@"
}

refused() {
	as_hotlined "$@" | grep -q NOPERM
}

up_and_down() {
	"$QUICKSTART" up --dir "$D" && "$QUICKSTART" down --dir "$D" && "$QUICKSTART" up --dir "$D"
}

# crash_left: a pid file that names a stranger must not make quickstart touch it.
crash_left() {
	local stranger
	sleep 300 &
	stranger=$!
	"$QUICKSTART" crash --dir "$D" || return 1
	echo "$stranger" >"$D/pid/hotlined"
	"$QUICKSTART" up --dir "$D" && kill "$stranger"
}

stopped() {
	"$QUICKSTART" down --dir "$D" && ! running "$D"
}

# carrier_away: says that the carrier is missing, and leaves a hotline that runs and has an officer.
carrier_away() {
	"$QUICKSTART" up --dir "$D" --smpp "127.0.0.1:1,none,none" 2>"$SCRATCH/why" && return 1
	grep -q 'the carrier link is not bound yet' "$SCRATCH/why" && ctl oncall | grep -q quickstart || return 1
	"$QUICKSTART" up --dir "$D" --smpp none && "$QUICKSTART" down --dir "$D"
}

# two_runs: the first phone that is put down leaves the hotline to the other, the last one stops it.
two_runs() {
	local first status
	mkfifo "$SCRATCH/typed"
	"$QUICKSTART" run --dir "$D" <"$SCRATCH/typed" &
	first=$!
	exec 5>"$SCRATCH/typed"
	until [ -e "$D/pid/by-run" ]; do sleep 0.05; done
	"$QUICKSTART" run --dir "$D" </dev/null | grep 'left running' && ctl status
	status=$?
	echo /quit >&5
	exec 5>&-
	wait "$first" && [ "$status" -eq 0 ] && ! running "$D"
}

# refuses STATUS FIRST-LINE ARGUMENT...: ends so, and says so first.
refuses() {
	local status=$1 line=$2
	shift 2
	"$QUICKSTART" "$@" 2>"$SCRATCH/why"
	[ $? -eq "$status" ] && [ "$(head -n 1 "$SCRATCH/why")" = "quickstart: $line" ]
}

# running FOLDER: some process still has it on its command line.
running() {
	local file
	for file in /proc/[0-9]*/cmdline; do
		[ "$file" = "/proc/$$/cmdline" ] && continue
		tr '\0' ' ' 2>/dev/null <"$file" | grep -F -- "$1/" && return 0
	done
	return 1
}

use_stores
world plain
ok 'stores and daemon start, stop and start again' up_and_down
ok 'Redis answers the daemon' as_hotlined ping
for command in 'flushall' 'config get *' 'keys s:' 'eval return 0' 'shutdown' 'acl list' 'get other' 'function flush'; do
	# shellcheck disable=SC2086
	ok "Redis refuses the daemon: ${command%% *}" refused $command
done
ok 'a stale pid file that names a stranger does no harm' crash_left
ok 'down stops every process' stopped
ok 'a carrier that is away leaves a hotline with an officer' carrier_away
ok 'the last of two runs stops what they share' two_runs
ok 'an unknown command is named' refuses 64 'there is no command "foo"' foo
ok 'an option without its value is named' refuses 64 '--dir needs a folder' up --dir
ok 'a missing folder is asked for' refuses 64 'up needs --dir D' up
ok 'a missing script is named' refuses 66 'there is no script nofile' run --script nofile

world closed
chmod 700 "$SCRATCH"
ok 'a folder that nobody else can enter' up_and_down
ok 'down stops every process there' stopped

world closed-and-no-namespaces
mkdir "$SCRATCH/bin"
printf '#!/bin/sh\nexit 1\n' >"$SCRATCH/bin/unshare"
chmod +x "$SCRATCH/bin/unshare"
PATH=$SCRATCH/bin:$PATH
ok 'the same where user namespaces are forbidden' up_and_down
ok 'down stops every process of it' stopped
PATH=${PATH#*:}
chmod 755 "$SCRATCH"

world unpacked
export QUICKSTART_PRIVATE_STORES=1
ok "Debian's packages unpacked, nothing installed" up_and_down
ok 'down stops every process of these' stopped
unset QUICKSTART_PRIVATE_STORES

world "$(printf 'long%.0s' {1..20})/path"
ok 'a path that is too long for a socket' up_and_down
ok 'down stops every process there too' stopped
