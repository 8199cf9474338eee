# shellcheck shell=bash
# The two worlds of the benchmark: hotlined with a private Redis and PostgreSQL, and Kannel with an HTTP
# application. Sourced by tests/bench/run. Needs SRC, BUILD, TOOLS (where smsc and answer are), W (a folder).

for part in progress machine process stores service; do
	# shellcheck source=/dev/null
	. "$SRC/contrib/quickstart.d/$part.sh"
done

HERE=$SRC/tests/bench
CARRIER=carrier # the link's name

# ---- hotlined ----

# The shipped words and places with the benchmark's own conversation.
flows_make() {
	mkdir -p "$W/flows"
	sed 's/^flows: .*/flows: [citizen]/; /^start_for:/d' "$SRC/flows/hotline/pack.yaml" >"$W/flows/pack.yaml"
	cp "$HERE/flow/citizen.yaml" "$W/flows/"
}

# Instead of the quickstart's: one carrier, windows as wide as the SMSC's.
service_config() {
	cat <<TXT
node: bench
keys: {dir: keys, team: hotline}
spool: {dir: spool}
redis: {socket: $BASE/run/redis.sock, user: hotlined, password_file: keys/redis.password}
postgres: {conninfo: "host=$BASE/run/pg port=5432 dbname=hotlined user=hotlined"}
control: {socket: $BASE/run/control.sock}
replies: {per_sender: 0, per_day: 0}
flows: {dir: "$W/flows"}
short_codes: ["111"]
links:
  - {name: $CARRIER, adapter: smpp, host: 127.0.0.1, port: $PORT, system_id: bench, password_file: keys/smpp.password, short_codes: ["111"], window: 256, enquire_link: 10s}
TXT
}

hotlined_up() {
	D=$W/hotlined SMPP='' REDIS=everysec
	mkdir -p "$D/log" "$D/pid" "$D/keys"
	chmod 700 "$D" "$D/log" "$D/pid" "$D/keys"
	flows_make
	stores_find
	stores_place
	options_save
	service_keys
	(umask 077 && printf bench >"$D/keys/smpp.password")
	redis_start
	postgres_start
	service_up
}

hotlined_down() {
	[ -n "${D:-}" ] && [ -d "$D/pid" ] || return 0
	service_stop
	redis_stop
	postgres_stop
}

pid_of() {
	cat "$D/pid/$1"
}

# ---- Kannel ----

# kannel_config STORE: STORE is none or spool. Windows wide, log levels high, no limits.
kannel_config() {
	cat <<TXT
group = core
admin-port = $((PORT + 1))
admin-interface = 127.0.0.1
admin-password = bench
smsbox-port = $((PORT + 2))
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
log-file = "$D/log/bearerbox.log"
log-level = 4
dlr-storage = internal
sms-incoming-queue-limit = -1
sms-outgoing-queue-limit = -1
TXT
	[ "$1" = none ] || printf 'store-type = spool\nstore-location = "%s"\n' "$D/store"
	cat <<TXT

group = smsc
smsc = smpp
smsc-id = sim
host = 127.0.0.1
port = $PORT
transceiver-mode = true
smsc-username = bench
smsc-password = bench
system-type = ""
interface-version = 34
enquire-link-interval = 10
reconnect-delay = 1
max-pending-submits = 256
source-addr-ton = 0
source-addr-npi = 1
dest-addr-ton = 1
dest-addr-npi = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = $((PORT + 3))
log-file = "$D/log/smsbox.log"
log-level = 4
max-pending-requests = 1024

group = sendsms-user
username = bench
password = bench

group = sms-service
keyword = default
catch-all = true
accepted-smsc = sim
max-messages = 1
get-url = "http://127.0.0.1:$((PORT + 4))/?from=%p&text=%a"
TXT
}

# kannel_up STORE PRELOAD: a fresh Kannel that will bind to the SMSC as soon as it listens.
kannel_up() {
	D=$W/kannel
	rm -rf "$D"
	mkdir -p "$D/log" "$D/pid" "$D/store"
	kannel_config "$1" >"$D/kannel.conf"
	process_start answer "$TOOLS/answer" $((PORT + 4)) \
		'Da nhan tin. Co can nguoi den giup ngay luc nay khong? 1 Co 2 Khong'
	process_start bearerbox env LD_PRELOAD="$2" "$KANNEL/bearerbox" -v 4 "$D/kannel.conf"
	kannel_wait $((PORT + 2))
	process_start smsbox env LD_PRELOAD="$2" "$KANNEL/smsbox" -v 4 "$D/kannel.conf"
	kannel_wait $((PORT + 3))
	sleep 1
}

# kannel_wait PORT: something listens there.
kannel_wait() {
	local tries
	for ((tries = 0; tries < 200; tries++)); do
		(exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
		sleep 0.05
	done
	die "Kannel does not start; its log is $D/log/bearerbox.log"
}

kannel_down() {
	[ -d "$W/kannel/pid" ] || return 0
	D=$W/kannel
	process_signal smsbox "$D/kannel.conf" TERM 10 || process_signal smsbox "$D/kannel.conf" KILL 5
	process_signal bearerbox "$D/kannel.conf" TERM 10 || process_signal bearerbox "$D/kannel.conf" KILL 5
	process_signal answer "$TOOLS/answer" TERM 5
}
