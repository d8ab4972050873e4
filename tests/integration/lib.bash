# shellcheck shell=bash
# For the .bats files here: a home and a project of its own for each test, and waits
# that end when something is true instead of when a time is over.

setup()
{
	T=$(mktemp -d /var/tmp/bailey-it.XXXXXX)
	export HOME=$T/home TERM=xterm-256color
	unset XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
	P=$T/home/project
	mkdir -p "$P"
	echo one >"$P/a"
	cd "$P" || return 1
	PTYRUN=$BAILEY_BUILD/tests/lib/ptyrun
}

teardown()
{
	local left

	# A server that a failed test has not come to end.
	[ -z "${server-}" ] || kill "$server" 2>/dev/null
	"$BAILEY" ls --all --json >/dev/null 2>&1
	for left in "$HOME"/.local/state/bailey/sandboxes/*/; do
		[ -d "$left" ] || continue
		(cd "$P" && "$BAILEY" rm -y "$(basename "${left%-*}")") >/dev/null 2>&1
	done
	cd /
	rm -rf "$T"
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for()
{
	local end=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -lt $end ] || {
			echo "not within the time: $*" >&2
			return 1
		}
		sleep 0.02
	done
}

# Processes of the sandbox whose command line has the mark $1, as the host sees them.
marked()
{
	pgrep -u "$(id -u)" -f "$1" | grep -vx -e $$ -e "$BASHPID"
}

none_marked()
{
	! pgrep -f "[/ ]$1( |$)" >/dev/null
}
