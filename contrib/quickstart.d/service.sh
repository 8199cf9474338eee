# shellcheck shell=bash
# The daemon of one quickstart folder: its options, keys, configuration, start and end. Needs D, BASE,
# BUILD, process.sh and stores.sh.

DAEMON_MARK='hotlined --config'
READY_SECONDS=20

# options_read: what was given at an earlier `up` holds until it is given again. Sets SMPP and its parts,
# FSYNC, and OLD_FSYNC if there was one.
options_read() {
	local old_smpp=''
	OLD_FSYNC=''
	if [ -f "$D/options" ]; then
		{ IFS= read -r old_smpp; IFS= read -r OLD_FSYNC; } <"$D/options"
	fi
	SMPP=${SMPP:-$old_smpp}
	[ "$SMPP" != none ] || SMPP=''
	FSYNC=${REDIS:-${OLD_FSYNC:-everysec}}
	[[ $FSYNC == always || $FSYNC == everysec ]] || die "--redis takes always or everysec, not '$FSYNC'"
	[ -z "$SMPP" ] || [[ $SMPP =~ ^([A-Za-z0-9.:_-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5}),([A-Za-z0-9._@-]{1,15}),(.{0,8})$ ]] ||
		die '--smpp takes HOST:PORT,SYSTEM_ID,PASSWORD (system_id to 15, password to 8 characters)'
	if [ -n "$SMPP" ]; then
		SMPP_HOST=${BASH_REMATCH[1]} SMPP_PORT=${BASH_REMATCH[2]}
		SMPP_ID=${BASH_REMATCH[3]} SMPP_PASSWORD=${BASH_REMATCH[4]}
	fi
}

options_save() {
	if [ -n "$OLD_FSYNC" ] && [ "$OLD_FSYNC" != "$FSYNC" ]; then
		redis_stop
	fi
	(umask 077 && printf '%s\n%s\n' "$SMPP" "$FSYNC" >"$D/options")
}

service_keys() {
	if [ ! -f "$D/keys/root.key" ]; then
		"$BUILD/hotlinectl" keys init --dir "$D/keys" --team hotline >>"$D/log/setup.log" 2>&1 ||
			setup_failed 'hotlinectl keys init'
	fi
	[ -z "$SMPP" ] || (umask 077 && printf '%s' "$SMPP_PASSWORD" >"$D/keys/smpp-carrier.password")
}

setup_failed() {
	tail -n 5 "$D/log/setup.log" >&2
	die "$1 failed"
}

# service_config: writes hotlined.yaml; paths are relative to it where they can be.
service_config() {
	local run=$BASE/run
	[ "$BASE" != "$D" ] || run=run
	cat <<TXT
# Written by contrib/quickstart at each start: change a copy (my.yaml beside it), not this file.
node: quickstart
keys: {dir: keys, team: hotline}
spool: {dir: spool}
redis: {socket: $run/redis.sock, user: hotlined, password_file: keys/redis.password}
postgres: {conninfo: "host=$BASE/run/pg port=5432 dbname=hotlined user=hotlined"}
control: {socket: $run/control.sock}
metrics: {socket: $run/metrics.sock}
replies: {per_sender: 0, per_day: 0} # a try-out pays for no texts; a service wants limits
flows: {dir: "$SRC/flows/hotline"}
clocks: {file: "$SRC/daemon/data/vn-clocks.yaml", calendar: "$SRC/daemon/data/vn-holidays.yaml"}
short_codes: ["111"]
links:
TXT
	[ -z "$SMPP" ] || cat <<TXT
  - {name: carrier, adapter: smpp, host: "$SMPP_HOST", port: $SMPP_PORT, system_id: "$SMPP_ID", password_file: keys/smpp-carrier.password, short_codes: ["111"], enquire_link: 5s}
TXT
	# links of one's own, as list items
	[ ! -f "$D/links.yaml" ] || sed 's/^/  /' "$D/links.yaml"
	echo '  - {name: sim, adapter: sim, short_codes: ["111"]}'
}

service_up() {
	local fresh=$D/hotlined.yaml.new
	(umask 077 && mkdir -p "$D/spool" && service_config >"$fresh")
	if ! cmp -s "$fresh" "$D/hotlined.yaml"; then
		service_stop
		mv "$fresh" "$D/hotlined.yaml"
	else
		rm "$fresh"
	fi
	ctl db migrate >>"$D/log/setup.log" 2>&1 || setup_failed 'hotlinectl db migrate'
	if ! service_runs >/dev/null; then
		process_start hotlined "$BUILD/hotlined" --config "$D/hotlined.yaml"
	fi
	process_ready hotlined "$DAEMON_MARK $D/hotlined.yaml" "$READY_SECONDS" service_ready
	if [ ! -f "$D/roster.yaml" ]; then
		cp "$SRC/contrib/quickstart.d/roster.yaml" "$D/roster.yaml.new"
		ctl roster import "$D/roster.yaml.new" >>"$D/log/setup.log" 2>&1 ||
			setup_failed 'hotlinectl roster import'
		mv "$D/roster.yaml.new" "$D/roster.yaml"
	fi
}

ctl() {
	"$BUILD/hotlinectl" --config "$D/hotlined.yaml" "$@"
}

# service_runs: prints the daemon's pid.
service_runs() {
	process_pid hotlined "$DAEMON_MARK $D/hotlined.yaml"
}

# service_ready: the control socket answers, and PostgreSQL is reached.
service_ready() {
	local status
	NOT_READY='does not answer on its control socket'
	status=$(ctl status --json 2>/dev/null) || return 1
	NOT_READY='has not reached PostgreSQL'
	tr -d ' \n' <<<"$status" | grep -qF '"postgres":"up"'
}

# carrier_bound: waits until the link "carrier", if there is one, is bound; false if that takes too long.
carrier_bound() {
	local deadline=$((SECONDS + READY_SECONDS))
	[ -n "$SMPP" ] || return 0
	until ctl status --json 2>/dev/null | tr -d '\n' | tr '{' '\n' | grep -F '"carrier"' | grep -qi 'bound'; do
		service_runs >/dev/null || die "hotlined ended; its log is $D/log/hotlined.log"
		if [ "$SECONDS" -ge "$deadline" ]; then
			tail -n 8 "$D/log/hotlined.log" >&2
			return 1
		fi
		sleep 0.05
	done
}

service_stop() {
	process_signal hotlined "$DAEMON_MARK $D/hotlined.yaml" TERM 30 || die 'the daemon does not stop'
}
