#!/usr/bin/env bash
# The key ceremony as doc/keys.md tells it, and what the keys then allow: an entitled officer reads a
# report, another identity does not, and calling back honours what the reporter said is safe.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

EXIT_REFUSED=77
keys=$SCRATCH/keys
pass=$SCRATCH/passphrase
backup=$SCRATCH/backup
(umask 077 && echo 'correct horse battery staple' >"$pass" && echo 'another passphrase' >"$pass.wrong")

modes_closed() {
	[ -z "$(find "$1" -type f ! -perm 600 ! -name '*.pub')" ]
}

same_keys() {
	local name
	for name in root.key index.key escrow.pub team-hotline.pub; do
		cmp "$keys/$name" "$1/$name" || return 1
	done
}

# status_is N COMMAND...
status_is() {
	local want=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" -eq "$want" ] || { echo "status $status, not $want"; return 1; }
}

ok 'keys init makes every key' "$BUILD/hotlinectl" keys init --dir "$keys" --team hotline
ok 'no key is open to others' modes_closed "$keys"
ok 'keys init never overwrites' not "$BUILD/hotlinectl" keys init --dir "$keys" --team hotline
ok 'keys backup' "$BUILD/hotlinectl" keys backup --dir "$keys" --out "$backup" --passphrase-file "$pass"
ok 'a backup holds no identity and no plain key' not grep -qF "$(cat "$keys/team-hotline.identity")" "$backup"
ok 'keys restore with a wrong passphrase is refused' \
	not "$BUILD/hotlinectl" keys restore --in "$backup" --dir "$SCRATCH/wrong" --passphrase-file "$pass.wrong"
ok 'keys restore' "$BUILD/hotlinectl" keys restore --in "$backup" --dir "$SCRATCH/restored" --passphrase-file "$pass"
ok 'the restored keys are the same' same_keys "$SCRATCH/restored"
ok 'a stranger' "$BUILD/hotlinectl" keys init --dir "$SCRATCH/stranger" --team hotline

world plain
SAFE=+84912000222 UNSAFE=+84912000333 UNSAID=+84912000444
TEXT='ba dang danh con chay mau dau o ap 5 minh hung'

# report_from NUMBER [ANSWER]: a report by the simulated phone; the answer is to "is it safe to call?".
report_from() {
	printf '> %s so %s\n< /./\n' "$TEXT" "${1: -3}" >"$SCRATCH/report.phone"
	[ -z "${2:-}" ] || printf '> %s\n< /./\n' "$2" >>"$SCRATCH/report.phone"
	ctl phone --from "$1" --script "$SCRATCH/report.phone" && wait_until reference_of "$1"
}

# reference_of NUMBER: sets REF to its newest report's.
reference_of() {
	REF=$(echo "$1" | ctl reports --json --from - | tr ',{}' '\n' |
		sed -n 's/^ *"ref": *"\([^"]*\)".*/\1/p' | head -n 1)
	[ -n "$REF" ]
}

wait_until() {
	local i
	for ((i = 0; i < 100; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

open_with() {
	ctl report open "$REF" --identity "$1" --reason 'system test'
}

reads_text() {
	open_with "$D/keys/team-hotline.identity" | tr -s ' \n' ' ' | grep -F 'chay mau dau'
}

# contact NUMBER [OPTION...]
contact() {
	reference_of "$1" || return 1
	shift
	ctl report contact "$REF" --identity "$D/keys/team-hotline.identity" --reason 'system test' "$@"
}

shows_number() {
	contact "$@" | grep -F "$1"
}

ok 'a hotline' "$QUICKSTART" up --dir "$D"
ok 'a report whose sender says calling is safe' report_from "$SAFE" co
ok 'the identity of the team opens it' reads_text
ok 'the identity of a stranger does not' status_is "$EXIT_REFUSED" open_with "$SCRATCH/stranger/team-hotline.identity"
ok 'a reason is asked for' not ctl report open "$REF" --identity "$D/keys/team-hotline.identity"
ok 'its number is shown to call back' shows_number "$SAFE"
ok 'a report whose sender says calling is not safe' report_from "$UNSAFE" khong
ok 'its number is not shown' status_is "$EXIT_REFUSED" contact "$UNSAFE"
ok 'not even on purpose' status_is "$EXIT_REFUSED" contact "$UNSAFE" --unknown-ok
ok 'a report whose sender says nothing about it' report_from "$UNSAID"
ok 'its number is not shown just so' status_is "$EXIT_REFUSED" contact "$UNSAID"
ok 'but on purpose it is' shows_number "$UNSAID" --unknown-ok
