#!/bin/sh
# Nothing is left behind. Runs many one-shot sandboxes, each busy with files, children and
# sockets; of every fifth, one of our own processes, picked at random, is killed with
# SIGKILL at a random moment. Then compares what the host looked like before and after:
# mounts, processes, sockets, listening ports, /tmp, /var/tmp, /dev/shm, control groups,
# the user's home and the project tree, byte by byte.
#
# RESIDUE_SANDBOXES (60; `make soak`: 1000), RESIDUE_SEED (the time of day; printed).
set -u

: "${BAILEY:?the program under test}"
sandboxes=${RESIDUE_SANDBOXES:-60}
seed=${RESIDUE_SEED:-$(date +%s)}
uid=$(id -u)

tmp=$(mktemp -d /var/tmp/bailey-residue.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT TERM HUP
HOME=$tmp/home
XDG_RUNTIME_DIR=$tmp/run
export HOME XDG_RUNTIME_DIR
unset XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
project=$tmp/home/project
mkdir -m 700 "$HOME" "$XDG_RUNTIME_DIR" "$project" "$project/src" "$HOME/.ssh"
echo canary >"$HOME/.ssh/id"
echo 'export A=1' >"$HOME/.bashrc"
printf 'int main(void) { return 0; }\n' >"$project/src/main.c"
printf '#!/bin/sh\necho tool\n' >"$project/tool"
chmod 755 "$project/tool"
ln -s tool "$project/link"
# The name by which the sandbox's own processes are known on the host.
marker=rsd$$
cp "$(command -v sleep)" "$project/$marker"
# What runs inside: writes into the project, outside it, forks, listens, then ends or not.
cat >"$project/$marker-work" <<WORK
#!/bin/sh
mkdir -p new/deep /tmp/in /dev/shm/in
echo changed >>src/main.c; rm -f link; echo new >new/deep/file; chmod 600 tool
echo x >/tmp/in/x; echo x >/dev/shm/in/x; echo alias >>~/.bashrc
./$marker 300 & ./$marker 300 &
setsid ./$marker 300 &
./$marker "\$1"
WORK
chmod 755 "$project/$marker-work"
cd "$project" || exit 1

test_number=0
failed=0
report() # OK? NAME
{
	test_number=$((test_number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $test_number - $2"
	else
		echo "not ok $test_number - $2"
		failed=1
	fi
}

tree() # DIR [find arguments]: every name, type, mode, owner, size, time, link and content
{
	(
		cd "$1" || exit 1
		shift
		find . "$@" -printf '%p %y %m %U:%G %s %T@ %n %l\n' | sort
		find . "$@" -type f -print0 | sort -z | xargs -0 -r sha256sum
	)
}
ours() # [only]: our processes, and what a sandbox of this test runs unless "only"
{
	# Ours say the marker in their arguments; bailey-init is a child of one of them, or an
	# orphan. Other tests on this machine have processes of the same names.
	ps -eo pid=,ppid=,comm=,args= | awk -v marker="$marker" -v only="${1-}" '
		index($0, "awk") { next }
		$3 == "bailey-init" { init[$1] = $2 }
		$3 == "bailey" && index($0, marker) { print $1; mine[$1] = 1 }
		index($3, marker) && only == "" { print $1 }
		END {
			for (pid in init)
				if (init[pid] in mine || init[pid] == 1)
					print pid
		}' | sort
}
snapshot() # INTO
{
	mkdir "$1"
	sed 's/^[0-9]* [0-9]* //' /proc/self/mountinfo | sort >"$1/mounts"
	ours >"$1/processes"
	awk 'NR > 1 && $8 ~ /bailey|residue/ { print $8 }' /proc/net/unix | sort >"$1/unix-sockets"
	awk -v uid="$uid" '$4 == "0A" && $8 == uid { print $2 }' /proc/net/tcp /proc/net/tcp6 |
		sort >"$1/listening"
	for dir in /tmp /var/tmp /dev/shm; do
		find "$dir" -maxdepth 1 -user "$uid" \( -iname '*bailey*' -o -name in -o -name '*.sock' \) \
			-printf '%p %y %m\n'
	done | sort >"$1/temporary"
	find /sys/fs/cgroup -iname '*bailey*' 2>/dev/null | sort >"$1/cgroups"
	tree "$HOME" -path ./.local -prune -o -path ./project -prune -o -true >"$1/home"
	tree "$project" >"$1/project"
}
none_left() # up to twenty seconds, because SIGKILL takes effect when the kernel says so
{
	n=0
	while [ $n -lt 1000 ]; do
		ours | cmp -s - "$tmp/before/processes" && return 0
		n=$((n + 1))
		sleep 0.02
	done
	return 1
}
victim() # one of our processes that was not there before, by a random number
{
	ours only | grep -vxF -f "$tmp/before/processes" |
		awk -v r="$1" '{ p[NR] = $1 } END { if (NR) print p[r % NR + 1] }'
}

# A sandbox that is over leaves what a first run leaves: the state directory.
"$BAILEY" run -- true </dev/null >/dev/null 2>"$tmp/first" || {
	sed 's/^/# /' "$tmp/first"
	echo "Bail out! a sandbox does not even start"
	exit 1
}
snapshot "$tmp/before"
echo "# seed $seed, $sandboxes sandboxes"

# Per sandbox: a delay in milliseconds, a number that picks the victim, with a terminal or not.
awk -v seed="$seed" -v n="$sandboxes" 'BEGIN {
	srand(seed)
	for (i = 1; i <= n; i++)
		print i, (i % 5 == 0 ? "kill" : "end"), int(rand() * 250), int(rand() * 1000), int(rand() * 3)
}' >"$tmp/plan"

stuck=0
killed=0
unclean=0
while read -r i fate delay pick terminal <&3; do
	seconds=0.02
	[ "$fate" = kill ] && seconds=300
	case $terminal in
	0) script -q -e -c "'$BAILEY' run -- ./$marker-work $seconds" /dev/null </dev/null >"$tmp/out" 2>&1 & ;;
	*) "$BAILEY" run -- ./$marker-work $seconds </dev/null >"$tmp/out" 2>&1 & ;;
	esac
	child=$!
	if [ "$fate" = kill ]; then
		sleep "$(awk -v d="$delay" 'BEGIN { print d / 1000 }')"
		pid=$(victim "$pick")
		n=0
		while [ -z "$pid" ] && [ $n -lt 200 ]; do
			n=$((n + 1))
			sleep 0.005
			pid=$(victim "$pick")
		done
		what=$(cat "/proc/$pid/comm" 2>/dev/null)
		kill -9 "$pid" 2>/dev/null && killed=$((killed + 1))
	fi
	wait $child 2>/dev/null # dash says "Killed"
	status=$?
	if [ "$fate" = end ] && [ $status != 0 ]; then
		unclean=$((unclean + 1))
		echo "# sandbox $i ended with $status: $(head -c 300 "$tmp/out" | tr '\n' ' ')"
	fi
	if ! none_left; then
		stuck=$((stuck + 1))
		echo "# sandbox $i ($fate ${what-} after $delay ms) left processes:"
		for p in $(ours | grep -vxF -f "$tmp/before/processes"); do
			echo "#   $p $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null)"
			kill -9 "$p" 2>/dev/null
		done
	fi
done 3<"$tmp/plan"

# The next command is what cleans up.
"$BAILEY" ls >"$tmp/ls" 2>&1
report $? "ls works afterwards"
report $unclean "every sandbox that was left alone ended with its command's status"
[ $killed -gt 0 ]
report $? "processes of ours were killed ($killed)"
report $stuck "no process outlived its sandbox"
snapshot "$tmp/after"
for what in mounts processes unix-sockets listening temporary cgroups home project; do
	diff "$tmp/before/$what" "$tmp/after/$what" >"$tmp/diff"
	status=$?
	# Something of another test's that went away meanwhile is no residue.
	if [ $what = temporary ] || [ $what = unix-sockets ]; then
		! grep -q '^>' "$tmp/diff"
		status=$?
	fi
	sed 's/^/# /' "$tmp/diff" | head -n 20
	report $status "the same as before: $what"
done
left=$(find "$HOME/.local/state/bailey" -mindepth 2 -maxdepth 2 2>/dev/null | grep -E '/(run|sandboxes)/')
[ -z "$left" ]
status=$?
printf '%s' "$left" | sed 's/^/# /' | head -n 20
report $status "no state of a sandbox that was removed or died"
echo "1..$test_number"
exit $failed
