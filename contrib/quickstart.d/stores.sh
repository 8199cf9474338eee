# shellcheck shell=bash
# A private Redis and PostgreSQL in one folder, on unix sockets only. The machine's own databases are
# neither used nor changed. Needs D, SRC, process.sh and machine.sh.
#
# BASE is where sockets and the database live: D itself, or a folder under /var/tmp (linked from
# D/base) when D's path is too long for a socket or closed to the user that PostgreSQL runs as.

NOBODY=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
MAPPED=(unshare --user --map-user=65534)
SOCKET_PATH_MAX=107

# stores_find: sets PGBIN and REDIS_SERVER, REDIS_CLI; unpacks Debian's packages where there are none.
# QUICKSTART_PRIVATE_STORES=1 ignores what the machine has.
stores_find() {
	local private=$SRC/.build/stores candidate
	PGBIN='' REDIS_SERVER='' REDIS_CLI=''
	if [ -z "${QUICKSTART_PRIVATE_STORES:-}" ]; then
		for candidate in /usr/lib/postgresql/*/bin; do
			[ -x "$candidate/initdb" ] && [ -x "$candidate/psql" ] && PGBIN=$candidate
		done
		redis_from /usr/bin
	fi
	[ -n "$PGBIN" ] && [ -n "$REDIS_SERVER" ] && return
	[ -f "$private/complete" ] || stores_unpack "$private"
	if [ -z "$PGBIN" ]; then
		stores_open "$private"
		PGBIN=$private.open/usr/lib/postgresql/15/bin
	fi
	[ -n "$REDIS_SERVER" ] || redis_from "$private/usr/bin"
	[ -n "$REDIS_SERVER" ] || die "no usable redis-server in $private"
	# The link itself lies in the source tree.
	PGBIN=$(readlink -f "$PGBIN")
}

# stores_open FOLDER: FOLDER.open leads to the same files where "nobody" can run them too: a copy under
# /var/tmp when we are root and the source tree is closed to others (under /root, for instance).
stores_open() {
	local copy
	[ -x "$1.open/usr/lib/postgresql/15/bin/postgres" ] && return
	copy=$1
	if [ "$(id -u)" -eq 0 ] && ! "${NOBODY[@]}" test -x "$1/usr/lib/postgresql/15/bin/postgres"; then
		copy=$(mktemp -d /var/tmp/hotlined-stores.XXXXXX)
		cp -a "$1/usr" "$copy/"
		chmod 755 "$copy"
	fi
	ln -sfn "$copy" "$1.open"
}

# redis_from FOLDER: redis-check-rdb of redis-tools is the server under another name.
redis_from() {
	[ -x "$1/redis-cli" ] || return 0
	if [ -x "$1/redis-server" ]; then
		REDIS_SERVER=$1/redis-server
	elif [ -x "$1/redis-check-rdb" ]; then
		mkdir -p "$SRC/.build/bin"
		ln -sfn "$1/redis-check-rdb" "$SRC/.build/bin/redis-server"
		REDIS_SERVER=$SRC/.build/bin/redis-server
	else
		return 0
	fi
	REDIS_CLI=$1/redis-cli
	# Functions came with version 7.
	"$REDIS_SERVER" --version 2>/dev/null | grep -qE 'v=([7-9]|[1-9][0-9])\.' || REDIS_SERVER=''
}

stores_unpack() {
	local -a libraries
	mapfile -t libraries < <(packages_of stores)
	machine_packages "${libraries[@]}"
	step 'unpacking Redis and PostgreSQL' "$SRC/.build/stores.log" 0 packages_unpack "$1" unpack ||
		die 'could not download the stores'
}

# stores_place: sets BASE, PGDATA, PG_AS (the words before each PostgreSQL command) and PG_OWNER.
stores_place() {
	local longest="/run/pg/.s.PGSQL.5432"
	BASE=$D
	if [ -L "$D/base" ]; then
		BASE=$(readlink "$D/base")
		mkdir -p "$BASE"
	elif [ $((${#D} + ${#longest})) -gt "$SOCKET_PATH_MAX" ]; then
		stores_elsewhere
	fi
	PG_AS=() PG_OWNER=''
	if [ "$(id -u)" -eq 0 ]; then
		chmod go+x "$BASE"
		stores_unprivileged
	fi
	PGDATA=$BASE/pg
	mkdir -p "$BASE/run/pg"
	[ -z "$PG_OWNER" ] || chown "$PG_OWNER" "$BASE/run/pg"
	chmod 711 "$BASE/run"
	chmod 700 "$BASE/run/pg"
}

stores_elsewhere() {
	BASE=$(mktemp -d /var/tmp/hotlined.XXXXXX)
	chmod 711 "$BASE"
	ln -s "$BASE" "$D/base"
}

# PostgreSQL refuses to be root. "nobody" needs a way to the folder; a user namespace needs none, but
# containers often forbid it.
stores_unprivileged() {
	local how
	how=$(cat "$D/postgres-user" 2>/dev/null) || how=''
	if [ -z "$how" ]; then
		how=nobody
		if ! "${NOBODY[@]}" test -x "$BASE/."; then
			if "${MAPPED[@]}" "$PGBIN/postgres" --version >/dev/null 2>&1; then
				how=mapped
			elif [ "$BASE" = "$D" ]; then
				stores_elsewhere
			fi
		fi
		echo "$how" >"$D/postgres-user"
	fi
	if [ "$how" = mapped ]; then
		PG_AS=("${MAPPED[@]}")
	else
		PG_AS=("${NOBODY[@]}")
		PG_OWNER=nobody:nogroup
	fi
}

# fill TEMPLATE SOCKET-FOLDER: replaces the @...@ of a template.
fill() {
	sed -e "s|@DIR@|$D|g" -e "s|@RUN@|$2|g" -e "s|@FSYNC@|${FSYNC:-everysec}|g" "$SRC/contrib/quickstart.d/$1"
}

redis_runs() {
	process_pid redis "$D/redis/redis.conf" >/dev/null
}

redis_start() {
	local digest
	redis_runs && return
	mkdir -p "$D/redis" && chmod 700 "$D/redis"
	if [ ! -s "$D/keys/redis.password" ]; then
		(umask 077 && od -An -tx1 -N24 /dev/urandom | tr -d ' \n' >"$D/keys/redis.password")
	fi
	digest=$(tr -d '\n' <"$D/keys/redis.password" | sha256sum | cut -d' ' -f1)
	fill redis.conf "$BASE/run" >"$D/redis/redis.conf"
	sed "s|@DIGEST@|$digest|" "$SRC/contrib/quickstart.d/redis.acl" >"$D/redis/users.acl"
	process_start redis "$REDIS_SERVER" "$D/redis/redis.conf"
	process_ready redis "$D/redis/redis.conf" 60 redis_answers
}

redis_answers() {
	[ "$(REDISCLI_AUTH=$(cat "$D/keys/redis.password") "$REDIS_CLI" -s "$BASE/run/redis.sock" \
		--user hotlined --no-auth-warning ping 2>/dev/null)" = PONG ]
}

redis_stop() {
	process_signal redis "$D/redis/redis.conf" TERM 30 || die 'Redis does not stop'
}

postgres_runs() {
	process_pid postgres "-D $PGDATA" >/dev/null
}

postgres_start() {
	postgres_runs && return
	[ -f "$PGDATA/PG_VERSION" ] || postgres_init
	fill postgresql.conf "$BASE/run/pg" >"$PGDATA/postgresql.conf"
	# Only this user may connect, as the daemon's role or as the superuser. In a user namespace
	# every other user looks like "nobody", and the folder is closed to all others.
	echo 'local all all peer map=quickstart' >"$PGDATA/pg_hba.conf"
	postgres_map >"$PGDATA/pg_ident.conf"
	# A pid file that outlived a crash and names somebody else's process would block the start.
	postgres_running_by_its_own_file || rm -f "$PGDATA/postmaster.pid"
	process_start postgres "${PG_AS[@]}" "$PGBIN/postgres" -D "$PGDATA"
	process_ready postgres "-D $PGDATA" 60 postgres_answers
	postgres_database
}

postgres_map() {
	local user=nobody role
	[ "${PG_AS[*]}" = "${MAPPED[*]}" ] || user=$(id -un)
	for role in hotlined postgres; do
		echo "quickstart $user $role"
	done
}

postgres_running_by_its_own_file() {
	local pid
	pid=$(head -n 1 "$PGDATA/postmaster.pid" 2>/dev/null) || return 1
	tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF -- "-D $PGDATA"
}

postgres_init() {
	rm -rf "$PGDATA.new"
	mkdir -m 700 "$PGDATA.new"
	[ -z "$PG_OWNER" ] || chown "$PG_OWNER" "$PGDATA.new"
	(cd / && "${PG_AS[@]}" "$PGBIN/initdb" -D "$PGDATA.new" -U postgres --auth=peer \
		--encoding=UTF8 --locale=C.UTF-8) >>"$D/log/initdb.log" 2>&1 ||
		die "initdb failed; see $D/log/initdb.log"
	mv "$PGDATA.new" "$PGDATA"
}

postgres_sql() {
	"$PGBIN/psql" -X -q -A -t -h "$BASE/run/pg" -U postgres -d "$1" -c "$2"
}

postgres_answers() {
	postgres_sql postgres 'select 1' >/dev/null 2>&1
}

postgres_database() {
	[ -n "$(postgres_sql postgres "select 1 from pg_roles where rolname = 'hotlined'")" ] ||
		postgres_sql postgres 'create role hotlined login' || die 'no role'
	[ -n "$(postgres_sql postgres "select 1 from pg_database where datname = 'hotlined'")" ] ||
		postgres_sql postgres 'create database hotlined owner hotlined' || die 'no database'
}

# SIGINT is PostgreSQL's fast shutdown.
postgres_stop() {
	process_signal postgres "-D $PGDATA" INT 60 || die 'PostgreSQL does not stop'
}
