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
