#!/usr/bin/env bash
# Plays the phone dialogues of tests/scripts as the README tells a newcomer to.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

for script in "$SRC"/tests/scripts/*.phone; do
	ok "quickstart run --script ${script##*/}" "$QUICKSTART" run --script "$script"
done
printf '> cuu con voi\n< this is never said\n' >"$SCRATCH/wrong.phone"
ok 'a dialogue that does not happen fails' not "$QUICKSTART" run --script "$SCRATCH/wrong.phone"
