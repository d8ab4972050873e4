# Sourced by the other scripts here: where the project is, and which files are its own.
# shellcheck shell=sh
top=$(cd "$(dirname "$0")/.." && pwd)

# own_files PATTERN...: the project's files under the working tree that match, one per
# line. By find rather than by git, so that a copy without .git is checked as well.
own_files()
{
	(
		cd "$top" || exit 1
		for pattern; do
			find . -path ./build -prune -o -path ./.git -prune -o \
				-name node_modules -prune -o -type f -name "$pattern" -print
		done | sed 's|^\./||' | sort -u
	)
}

# TAP: tap_check NAME COMMAND... passes when the command does; tap_end prints the plan.
tap_n=0
tap_failed=0
tap_check()
{
	tap_n=$((tap_n + 1))
	tap_name=$1
	shift
	if "$@"; then
		echo "ok $tap_n - $tap_name"
	else
		echo "not ok $tap_n - $tap_name"
		tap_failed=1
	fi
}
tap_end()
{
	echo "1..$tap_n"
	return $tap_failed
}

# The commands that `bailey help` lists, for the program in $bailey.
# shellcheck disable=SC2154 # the caller sets it
bailey_commands()
{
	"$bailey" help | awk '
		/^[A-Z].*:$/ { on = !/ptions:$/; next }
		on && /^  [a-z]/ { print $1 }'
}
