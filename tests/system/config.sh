#!/usr/bin/env bash
# A faulty configuration ends the daemon at once with status 78 and one message that names file, line
# and column, what was expected and what was found.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

EX_CONFIG=78
world plain
ok 'a world to spoil' "$QUICKSTART" up --dir "$D"
"$QUICKSTART" down --dir "$D" >/dev/null

# spoil SED-SCRIPT: writes spoilt.yaml beside hotlined.yaml.
spoil() {
	sed "$1" "$D/hotlined.yaml" >"$D/spoilt.yaml"
	chmod 600 "$D/spoilt.yaml"
}

# refused PATTERN: the daemon ends with 78 in time and says one thing that matches.
refused() {
	local status=0
	timeout 10 "$BUILD/hotlined" --config "$D/spoilt.yaml" >"$SCRATCH/said" 2>&1 </dev/null || status=$?
	cat "$SCRATCH/said"
	[ "$status" -eq "$EX_CONFIG" ] || { echo "status $status, not $EX_CONFIG"; return 1; }
	grep -qE "$1" "$SCRATCH/said" || { echo "expected: $1"; return 1; }
	[ "$(wc -l <"$SCRATCH/said")" -eq 1 ] || { echo 'more than one line'; return 1; }
}

line_of() {
	grep -n "$1" "$D/spoilt.yaml" | head -n 1 | cut -d: -f1
}

spoil 's/^node: quickstart/nodee: quickstart/'
ok 'an unknown key' refused "spoilt.yaml:$(line_of nodee):1: .*nodee"
spoil 's/port: [0-9]*/port: many/; s/^node: .*/node: [a, b]/'
ok 'a value of the wrong type' refused "spoilt.yaml:$(line_of '^node'):[0-9]+: "
spoil 's/adapter: sim,/adapter: telex,/'
ok 'an adapter that does not exist' refused "spoilt.yaml:$(line_of telex):[0-9]+: .*telex"
spoil 's/adapter: sim,/adapter: sim, colour: red,/'
ok 'a setting that this adapter does not know' refused "spoilt.yaml:$(line_of colour):[0-9]+: .*colour"
spoil '1a\region: XX'
ok 'a country that does not exist' refused "spoilt.yaml:2:9: 'XX' is no country"
spoil '1a\home: Hanoi'
ok 'a province that does not exist' refused "spoilt.yaml:2:7: 'Hanoi' is no province"
spoil '1a\reply_regions: VN,KHM'
ok 'countries one of which does not exist' refused "spoilt.yaml:2:16: 'KHM' is no country"
spoil '1a\	tab: yes'
ok 'bytes that are not YAML' refused 'spoilt.yaml:2:[0-9]+: '
spoil 's/keys\/redis.password/keys\/none.password/'
ok 'a password file that is not there' refused "spoilt.yaml:$(line_of none.password):[0-9]+: .*none.password"
spoil 's/keys: {dir: keys/keys: {dir: nokeys/'
ok 'a key folder that is not there' refused "spoilt.yaml:$(line_of nokeys):[0-9]+: .*nokeys"
spoil 's/^flows: .*/flows: {dir: noflows}/'
ok 'a flow folder that is not there' refused "spoilt.yaml:$(line_of noflows):[0-9]+: .*noflows"
spoil 's#^redis: {socket: [^,]*#redis: {socket: /nonexistent/redis.sock#'
ok "a store's socket in a folder that is not there" refused "spoilt.yaml:$(line_of '^redis'):[0-9]+: .*/nonexistent"

spoil ''
chmod 644 "$D/keys/root.key"
ok 'a key that others can read' refused 'root\.key'
chmod 600 "$D/keys/root.key"
chmod 644 "$D/keys/redis.password"
ok 'a password that others can read' refused 'spoilt.yaml:[0-9]+:[0-9]+: .*redis\.password'
chmod 600 "$D/keys/redis.password"
rm -f "$D/spoilt.yaml"
ok 'a configuration file that is not there' refused 'spoilt\.yaml'

# checked FILE: hotlined --check, said and status as refused() wants them.
checked() {
	local status=0
	timeout 10 "$BUILD/hotlined" --check --config "$1" >"$SCRATCH/said" 2>&1 </dev/null || status=$?
	cat "$SCRATCH/said"
	[ "$status" -eq "$2" ] || { echo "status $status, not $2"; return 1; }
	grep -qE "$3" "$SCRATCH/said" || { echo "expected: $3"; return 1; }
}

ok 'the world runs again' "$QUICKSTART" up --dir "$D"
spoil 's/adapter: sim, short_codes: \["111"\]/adapter: sim, short_codes: 111/'
ok 'beside a running daemon a fault of a link is found' checked "$D/spoilt.yaml" 78 "'short_codes' must be a list"
ok 'and only then that the spool is in use' checked "$D/hotlined.yaml" 69 'spool'
"$QUICKSTART" down --dir "$D"
