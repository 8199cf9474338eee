# shellcheck shell=bash
# What has to be on the machine: Debian packages, and this tree built. Nothing that makes or starts a
# service is ever installed. Needs SRC (the source tree) and progress.sh.

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "root is needed for: $*" >&2
		echo "and neither root nor sudo is here" >&2
		return 1
	fi
}

# packages_of GROUP...: the package names of these groups.
packages_of() {
	local group
	for group; do
		awk -v g="$group" '$1 == g { print $2 }' "$SRC/contrib/debian-packages.txt"
	done
}

# packages_missing NAME...: those that are not installed.
packages_missing() {
	local name
	local -A present=()
	while read -r name; do
		present[${name%%:*}]=1
	done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null |
		awk '$1 ~ /^.i/ { print $2 }')
	for name; do
		[ -n "${present[$name]:-}" ] || echo "$name"
	done
}

apt_install() {
	as_root apt-get update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# machine_packages NAME...: installs what is missing of these.
machine_packages() {
	local -a missing
	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" -eq 0 ] && return 0
	# A password is asked for here, not inside a step whose output goes to a log.
	[ "$(id -u)" -eq 0 ] || ! command -v sudo >/dev/null || sudo -v
	step "installing ${#missing[@]} Debian packages" "$SRC/.build/apt.log" 0 apt_install "${missing[@]}" ||
		die "could not install: ${missing[*]}"
}

# packages_unpack FOLDER GROUP: the group's packages, downloaded and unpacked there, not installed.
packages_unpack() {
	local archive
	local -a names
	mapfile -t names < <(packages_of "$2")
	rm -rf "$1" "$1.deb"
	mkdir -p "$1" "$1.deb"
	(cd "$1.deb" && { apt-get download "${names[@]}" ||
		{ as_root apt-get update && apt-get download "${names[@]}"; }; }) || return 1
	for archive in "$1.deb"/*.deb; do
		dpkg -x "$archive" "$1" || return 1
	done
	rm -rf "$1.deb"
	touch "$1/complete"
}

# machine_peers: sets KANNEL, the folder of Kannel's bearerbox and smsbox, and OSMO_HLR, the program: the
# machine's own, or unpacked for the system tests.
machine_peers() {
	local -a libraries
	local folder=$SRC/.build/peers
	mapfile -t libraries < <(packages_of peer-libraries)
	machine_packages "${libraries[@]}"
	KANNEL=/usr/sbin OSMO_HLR=/usr/bin/osmo-hlr
	[ -x "$KANNEL/bearerbox" ] && [ -x "$KANNEL/smsbox" ] && [ -x "$OSMO_HLR" ] && return
	if [ ! -f "$folder/complete" ] || ! cmp -s "$folder/complete" <(packages_of peers); then
		step 'unpacking the peers to test against' "$SRC/.build/peers.log" 0 packages_unpack "$folder" peers ||
			die 'could not download the peers to test against'
		packages_of peers >"$folder/complete"
	fi
	[ -x "$KANNEL/bearerbox" ] && [ -x "$KANNEL/smsbox" ] || KANNEL=$folder/usr/sbin
	[ -x "$OSMO_HLR" ] || OSMO_HLR=$folder/usr/bin/osmo-hlr
}

# machine_node: node and npm, from Debian where there are none.
machine_node() {
	local -a names=()
	command -v node >/dev/null || names+=(nodejs)
	command -v npm >/dev/null || names+=(npm)
	[ "${#names[@]}" -eq 0 ] || machine_packages "${names[@]}"
	step 'fetching the test carrier (npm)' "$SRC/.build/npm.log" 0 "$SRC/tests/system/install" ||
		die 'the npm package of the test carrier could not be installed'
}

# machine_build DIR TARGET CONFIGURE-OPTION...: configures once and builds TARGET in DIR.
machine_build() {
	local dir=$1 target=$2 total
	shift 2
	if [ ! -x "$SRC/configure" ] || [ ! -e "$SRC/build-aux/missing" ]; then
		step 'autoreconf' "$SRC/.build/autoreconf.log" 0 autoreconf -fi "$SRC" || return 1
	fi
	mkdir -p "$dir"
	# Two builds in one folder at a time would break each other.
	exec 8>"$dir.lock"
	flock 8
	if [ ! -f "$dir/Makefile" ] || [ "$(cat "$dir/.options" 2>/dev/null)" != "$*" ]; then
		step 'configure' "$dir.configure.log" 0 env -C "$dir" "$SRC/configure" "$@" || return 1
		printf '%s\n' "$*" >"$dir/.options"
	fi
	total=$(make -C "$dir" -n "$target" 2>/dev/null | grep -cE 'echo "  [A-Z]+ ' || true)
	[ "$total" -eq 0 ] && total=1
	step 'build' "$dir.log" "$total" make -s -C "$dir" -j"$(nproc)" "$target" || return 1
	exec 8>&-
}
