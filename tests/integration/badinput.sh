#!/bin/sh
# Wrong input of every kind to every command, as completion lists them, so that a new
# command is covered by being there: exactly one line on standard error, which shows
# nothing raw, nothing on standard output, status 2, no signal, no sanitizer report.
set -u
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/../../tools/lib.sh"

: "${BAILEY:?the program under test}"
tmp=$(mktemp -d /var/tmp/bailey-badinput.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
HOME=$tmp/home
export HOME
unset XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
mkdir -p "$HOME/project"
cd "$HOME/project" || exit 1

control=$(printf 'a\033]0;x\007\nb')
latin=$(printf '\377\376')
huge=$(head -c 100000 /dev/zero | tr '\0' x)

# The one line, and how it ended. What is raw in it is in neither of these ranges.
is_refusal()
{
	if [ "$status" != 2 ]; then
		echo "# status $status"
	elif [ -s "$tmp/out" ]; then
		echo "# something on standard output"
	elif [ "$(wc -l <"$tmp/err")" != 1 ]; then
		echo "# not one line"
	elif ! grep -q '^bailey: [a-zA-Z.*'"'"'-]' "$tmp/err"; then
		echo "# it does not start with 'bailey: '"
	elif LC_ALL=C grep -q '[^ -~]' "$tmp/err"; then
		echo "# raw bytes"
	elif [ "$(wc -c <"$tmp/err")" -gt 1000 ]; then
		echo "# it goes on and on"
	else
		return 0
	fi
	head -c 300 "$tmp/err" | LC_ALL=C sed 's/^/# /; s/[^ -~]/?/g'
	echo
	return 1
}

# refused NAME ARGS...
refused()
{
	name=$1
	shift
	timeout -k 1 20 "$BAILEY" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	tap_check "$name" is_refusal
}

# What may be right or wrong, but may show nothing raw and end by no signal.
is_clean()
{
	if [ "$status" -ge 128 ]; then
		echo "# status $status"
	elif [ "$status" = 124 ]; then
		echo "# it hangs"
	elif [ "$(wc -l <"$tmp/err")" -gt 1 ]; then
		echo "# not one line"
	elif LC_ALL=C grep -q '[^ -~]' "$tmp/err" "$tmp/out"; then
		echo "# raw bytes"
	else
		return 0
	fi
	head -c 300 "$tmp/err" | LC_ALL=C sed 's/^/# /; s/[^ -~]/?/g'
	echo
	return 1
}

# clean NAME ARGS...
clean()
{
	name=$1
	shift
	timeout -k 1 20 "$BAILEY" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	tap_check "$name" is_clean
}

# Of the agents one: they are one command under many names.
commands=$("$BAILEY" --complete '' | awk -F '\t' '/\tRun this agent/ && agents++ { next } { print $1 }')
tap_check "there are commands" [ "$(echo "$commands" | wc -l)" -gt 5 ]

refused "no command"
refused "an unknown command" nonsense
refused "an empty command" ''
refused "a command of control characters" "$control"
refused "a command that is no UTF-8" "$latin"
refused "a huge command" "$huge"
refused "an unknown global option" --nonsense version
refused "an unknown global letter" -Z version
refused "quiet and verbose" -q -v version
refused "a colour that is none" --color=purple version
refused "a directory that is not there" -C "$tmp/nowhere" version
refused "a directory that is a file" -C "$BAILEY" version
refused "a huge directory" -C "$huge" version
refused "no directory" -C

for command in $commands; do
	refused "$command: unknown option" "$command" --nonsense
	refused "$command: unknown letter" "$command" -Z
	refused "$command: option of control characters" "$command" "--$control"
	refused "$command: option that is no UTF-8" "$command" "--$latin"
	refused "$command: huge option" "$command" "--$huge"
	refused "$command: quiet and verbose" "$command" --quiet --verbose
	refused "$command: colour that is none" "$command" --color "$control"
	# shellcheck disable=SC2046 # many
	refused "$command: too many operands" "$command" $(seq 2000)
	"$BAILEY" "$command" --help | grep -oE '^ +(-[a-zA-Z], )?--[][a-z=-]+' |
		sed 's/.*--\(\[no-\]\)\{0,1\}/--/' | sort -u >"$tmp/options"
	while read -r option; do
		case $option in
		*=*) refused "$command: ${option%%=*} without a value" "$command" "${option%%=*}" ;;
		*) refused "$command: $option with a value" "$command" "$option=x" ;;
		esac
	done <"$tmp/options"
	# Values that are strange, but of the right type.
	dry=
	grep -q '^--dry-run' "$tmp/options" && dry=--dry-run
	while read -r option; do
		case $option in
		*=*) ;;
		*) continue ;;
		esac
		for value in "$control" "$latin" "$huge" ''; do
			shown=$(printf '%.10s' "$value" | LC_ALL=C tr -c ' -~' '?')
			# shellcheck disable=SC2086 # perhaps nothing
			clean "$command: $option'$shown'" "$command" $dry "$option$value"
		done
	done <"$tmp/options"
	# What starts something: settings by option and by file.
	if grep -q '^--dry-run' "$tmp/options"; then
		set -- "$command"
		[ "$command" != run ] || set -- run --
		for bad in isolation=stone memory=lots cpus=-1 pids=1 timeout=never host-port=0 \
			host-port=1:2:3 net=maybe 'mount=a:b:c:d' mount= mask= env== env=1=2 \
			"env=NOT_SET_$$" user=../x workdir= allow-degraded="$control" \
			set=nonsense=1 set=nothing "set=$control=1" "memory=$huge" "mount=$latin:$latin:x:y" \
			"env=$latin=x" "user=$control" "allow=$control" "net=$huge"; do
			shown=$(printf '%.40s' "$bad" | LC_ALL=C tr -c ' -~' '?')
			refused "$command: --$shown" "$command" --dry-run "--$bad" -- true
		done
		refused "$command: --net none and --allow" "$command" --dry-run --net none --allow x.y -- true
		refused "$command: --dry-run and --detach" "$command" --dry-run --detach -- true
	fi
done

# A sandbox with a name that cannot be one.
for command in $commands; do
	"$BAILEY" "$command" --help | head -n 1 | grep -qF '[NAME]' || continue
	for name in "$control" "$latin" "$huge" '' ../x -; do
		shown=$(printf '%.10s' "$name" | LC_ALL=C tr -c ' -~' '?')
		case $command in
		exec) refused "exec: a sandbox '$shown'" exec "$name" -- true ;;
		*) refused "$command: a sandbox '$shown'" "$command" "$name" ;;
		esac
	done
done

# Files.
bad_file()
{
	name=$1
	# shellcheck disable=SC2059 # the caller's escapes are meant
	printf "$2" >bailey.toml
	refused "file: $name, config check" config check
	refused "file: $name, config show" config show
	refused "file: $name, explain" explain x
	refused "file: $name, run" run --dry-run -- true
	rm -f bailey.toml
}
bad_file "unknown key" 'nonsense = 1\n'
bad_file "wrong type" 'seed = 1\n'
bad_file "twice" 'seed = true\nseed = true\n'
bad_file "out of range" 'limits.pids = 1\n'
bad_file "no TOML" '[\n'
bad_file "control characters" 'image = "a\\u001bb"\n"\\u001b" = 1\n'
bad_file "raw control characters" 'image = "a\033b"\n'
bad_file "no UTF-8" 'image = "\377"\n'
bad_file "NUL" 'image = "a\000b"\n'
bad_file "NUL by escape" 'image = "a\\u0000b"\n'
head -c 2000000 /dev/zero | tr '\0' '#' >bailey.toml
refused "file: huge" config check
mkfifo fifo
rm -f bailey.toml
mkdir bailey.toml
refused "file: a directory" config check
rmdir bailey.toml
mv fifo bailey.toml
refused "file: a FIFO" config check
rm -f bailey.toml
awk 'BEGIN { printf "mask = "; for (i = 0; i < 100000; i++) printf "["; }' >bailey.toml
refused "file: deep" config check
awk 'BEGIN { printf "a"; for (i = 0; i < 100000; i++) printf ".a"; print " = 1" }' >bailey.toml
refused "file: a long key" config check
rm -f bailey.toml
tap_end
