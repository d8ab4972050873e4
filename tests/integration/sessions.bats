#!/usr/bin/env bats
# Sandboxes that stay: sessions, attaching, stopping, removing, and crashes.

load lib

state_of()
{
	"$BAILEY" status "$1" --json | grep '"state"'
}

running()
{
	[[ $(state_of "$1") == *running* ]]
}

stopped()
{
	[[ $(state_of "$1") == *stopped* ]]
}

@test "new, ls, status, exec, stop, rm" {
	"$BAILEY" new box
	run "$BAILEY" new box
	[ "$status" -ne 0 ]
	run "$BAILEY" ls
	[[ $output == *box*stopped*staged* ]]
	"$BAILEY" exec -d box -- sleep 4712
	running box
	run "$BAILEY" status box
	[[ $output == *"sleep 4712"* ]]
	"$BAILEY" stop box
	stopped box
	none_marked "sleep 4712"
	"$BAILEY" rm box
	run "$BAILEY" ls
	[[ $output == *"no sandboxes"* ]]
	[ -z "$(ls -A "$HOME/.local/state/bailey/sandboxes")" ]
}

@test "files and home persist until rm; rm asks before changes are lost" {
	"$BAILEY" new box
	"$BAILEY" exec box -- sh -c 'echo h >~/h; echo c >c'
	run "$BAILEY" exec box -- sh -c 'cat ~/h c'
	[ "$output" = "h
c" ]
	run "$BAILEY" rm box </dev/null
	[ "$status" -ne 0 ]
	[[ $output == *"staged changes"* ]]
	"$BAILEY" rm -y box
	[ ! -e c ]
}

@test "several commands at once share one sandbox" {
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 4713
	for i in 1 2 3 4 5 6; do
		"$BAILEY" exec box -- sh -c "echo $i >/tmp/$i; pgrep -f 'sleep 4713' >/dev/null" &
		pids[$i]=$!
	done
	for i in 1 2 3 4 5 6; do
		wait "${pids[$i]}"
	done
	[ "$("$BAILEY" exec box -- sh -c 'cat /tmp/[1-6]' | tr -d '\n')" = 123456 ]
	"$BAILEY" stop box
}

@test "commands that start a stopped sandbox at the same moment all run in the same one" {
	"$BAILEY" new box
	for i in 1 2 3 4 5; do
		"$BAILEY" exec box -- sh -c 'readlink /proc/self/ns/pid; sleep 1' >"$T/ns.$i" &
		pids[$i]=$!
	done
	for i in 1 2 3 4 5; do
		wait "${pids[$i]}"
	done
	[ "$(cat "$T"/ns.* | sort -u | wc -l)" -eq 1 ]
}

@test "detach and attach: the session goes on, the screen comes back" {
	"$BAILEY" new box
	"$PTYRUN" - -- "$BAILEY" exec box -- bash -c 'echo first line; read -r x; echo "then $x"; read -r y' <<'S'
expect first line
type \cP\cQ
exit 0
S
	running box
	"$PTYRUN" - -- "$BAILEY" attach box <<'S'
expect first line
type hello\r
expect then hello
type \cP\cQ
exit 0
S
	"$PTYRUN" - -- "$BAILEY" attach --watch box <<'S'
expect then hello
type \r
type \cP\cQ
exit 0
S
	running box
	"$PTYRUN" - -- "$BAILEY" attach box <<'S'
expect then hello
type \r
exit 0
S
	wait_for 10 stopped box
}

@test "logs: what a session has printed, without what would harm a terminal" {
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sh -c 'printf "plain \033]52;c;ZXZpbA==\007\033[31mred\033[0m end\n"; sleep 0.2'
	wait_for 10 stopped box
	run "$BAILEY" logs box
	[ "$status" -eq 0 ]
	[[ $output == *"plain red end"* ]]
	[[ $output != *$'\033'* ]]
	[[ $output != *ZXZpbA* ]]
}

@test "cp: both ways, files and directories, and an archive cannot leave its destination" {
	"$BAILEY" new box
	mkdir -p "$T/src/sub"
	echo data >"$T/src/sub/f"
	"$BAILEY" cp "$T/src/sub/f" box:in
	"$BAILEY" cp -r "$T/src" box:/tmp/
	run "$BAILEY" exec box -- sh -c 'cat in'
	[ "$output" = data ]
	"$BAILEY" exec box -- sh -c 'mkdir -p o/p; echo out >o/p/f; cp /bin/true o/suid; chmod 6755 o/suid; ln -s /etc o/link'
	mkdir "$T/dst"
	"$BAILEY" cp -r box:o "$T/dst"
	[ "$(cat "$T/dst/o/p/f")" = out ]
	[ ! -u "$T/dst/o/suid" ]
	"$BAILEY" cp box:o/p/f "$T/single"
	[ "$(cat "$T/single")" = out ]
	run "$BAILEY" cp box:nothing "$T/none"
	[ "$status" -ne 0 ]
}

@test "kill -9 of the supervisor: the sandbox is dead, the terminal usable, the next command clears up" {
	"$BAILEY" new box
	cat >"$T/kill-supervisor" <<'K'
for p in $(pgrep -x bailey-super); do
	grep -qzx "HOME=$HOME" "/proc/$p/environ" 2>/dev/null && kill -9 "$p" && exit 0
done
exit 1
K
	"$PTYRUN" - -- "$BAILEY" exec box -- sh -c 'echo up; sleep 4714' <<S
cooked
save
expect up
raw
sh sh $T/kill-supervisor
cooked
same
exit 125
S
	wait_for 10 none_marked "sleep 4714"
	stopped box
	[ "$("$BAILEY" exec box -- echo again)" = again ]
}

@test "kill -9 of every process in turn leaves nothing that runs, and the state usable" {
	for victim in bailey-super bailey-init; do
		"$BAILEY" run -q -- sh -c 'echo x >x; sleep 4715' &
		client=$!
		wait_for 10 pgrep -u "$(id -u)" -f "sleep 4715"
		found=$(pgrep -x "$victim" | while read -r p; do
			# init has no environment: its parent, the supervisor, has.
			[ "$victim" = bailey-super ] || owner=$(ps -o ppid= -p "$p" | tr -d ' ')
			grep -qzx "HOME=$HOME" "/proc/${owner:-$p}/environ" 2>/dev/null && echo "$p"
		done | head -n 1)
		[ -n "$found" ]
		kill -9 "$found"
		status=0
		wait $client || status=$?
		[ "$status" -ne 0 ]
		wait_for 10 none_marked "sleep 4715"
	done
	"$BAILEY" run -- true
	"$BAILEY" ls >/dev/null
	[ -z "$(ls -A "$HOME/.local/state/bailey/run")" ]
}

@test "the name of another project's sandbox is not mistaken" {
	"$BAILEY" new box
	mkdir "$T/other"
	cd "$T/other"
	run "$BAILEY" status box
	[ "$status" -ne 0 ]
	"$BAILEY" new box
	"$BAILEY" exec box -- sh -c 'echo other >f'
	cd "$P"
	run "$BAILEY" exec box -- cat f
	[ "$status" -ne 0 ]
	run "$BAILEY" ls --all --json
	[ "$(grep -c '"name": "box"' <<<"$output")" -eq 2 ]
	cd "$T/other"
	"$BAILEY" rm -y box
}

@test "the options a sandbox was made with hold for its later starts" {
	echo secret >.env
	"$BAILEY" run -q --keep --name box --mask .env -- true
	[ -z "$("$BAILEY" exec box -- cat .env)" ]
	"$BAILEY" rm -y box
	"$BAILEY" new box --mask .env
	[ -z "$("$BAILEY" exec box -- cat .env)" ]
	"$BAILEY" rm -y box
	# What is in the environment may be a secret: it is not written down.
	"$BAILEY" run -q --keep --name box -e TOKEN=t0ps3cret -- true
	if grep -r t0ps3cret "$HOME/.local/state"; then return 1; fi
	"$BAILEY" rm -y box
	"$BAILEY" new box
	[ "$("$BAILEY" exec box -- cat .env)" = secret ]
}

@test "a relay that is killed takes its session along, and no other" {
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 4716
	"$BAILEY" exec -d box -- sleep 4717
	for p in $(pgrep -x bailey-super); do
		grep -qzx "HOME=$HOME" "/proc/$p/environ" 2>/dev/null && super=$p
	done
	relay=$(pgrep -x -P "$super" bailey-relay | head -n 1)
	[ -n "$relay" ]
	kill -9 "$relay"
	one_session() { [ "$("$BAILEY" status box | grep -c 'session ')" -eq 1 ]; }
	wait_for 10 one_session
	running box
	"$BAILEY" exec box -- true
	running box
	"$BAILEY" stop box
}

@test "a damaged record is an error, not a fresh start without its options" {
	echo secret >.env
	"$BAILEY" new box --mask .env
	echo '{' >"$(echo "$HOME"/.local/state/bailey/sandboxes/box-*/meta.json)"
	run "$BAILEY" run --keep --name box -- cat .env
	[ "$status" -eq 125 ]
	[[ $output != *secret* ]]
	[[ $output == *meta.json* ]]
}
