#!/usr/bin/env bats
# One-shot sandboxes behave as the command would: status, signals, pipes, limits.

load lib

@test "run: the exit status is the command's own" {
	for want in 0 1 2 3 77 125 255; do
		got=0
		"$BAILEY" run -q -- sh -c "exit $want" || got=$?
		[ "$got" -eq "$want" ]
	done
}

@test "run: a signal is 128 and its number" {
	for signal in HUP:129 INT:130 QUIT:131 ABRT:134 KILL:137 SEGV:139 TERM:143; do
		run "$BAILEY" run -q -- sh -c "kill -${signal%:*} \$\$"
		[ "$status" -eq "${signal#*:}" ]
	done
}

@test "run: 127 not found, 126 not executable, 125 when Bailey fails, 2 for wrong usage" {
	run "$BAILEY" run -- no-such-command
	[ "$status" -eq 127 ]
	[[ $output == *"No such file"* ]]
	echo text >"$P/plain"
	run "$BAILEY" run -- ./plain
	[ "$status" -eq 126 ]
	run "$BAILEY" run --workdir /nowhere -- true
	[ "$status" -eq 125 ]
	[ "${#lines[@]}" -eq 1 ]
	run "$BAILEY" run
	[ "$status" -eq 2 ]
}

@test "run: standard input, output and error are three pipes of their own" {
	printf 'in' | "$BAILEY" run -- sh -c 'cat; echo err >&2; for f in 0 1 2; do [ -p /dev/fd/$f ] || exit 9; done' >"$T/out" 2>"$T/err"
	[ "$(cat "$T/out")" = in ]
	[ "$(cat "$T/err")" = err ]
}

@test "run: closed standard descriptors are not an error" {
	"$BAILEY" run -- sh -c 'echo x >/tmp/x; cat /tmp/x; exit 0' >&- 2>&- <&-
}

@test "run: a reader that leaves ends the writer with SIGPIPE" {
	"$BAILEY" run -q -- yes | head -n 1 >"$T/out"
	[ "${PIPESTATUS[0]}" -eq 141 ]
	[ "$(cat "$T/out")" = y ]
}

@test "run: 1 GiB through a pipe arrives whole" {
	want=$(head -c 1G /dev/zero | sha256sum)
	got=$(head -c 1G /dev/zero | "$BAILEY" run -- cat | sha256sum)
	[ "$got" = "$want" ]
}

@test "run: back-pressure: a writer whose reader does not read stops writing" {
	mkfifo "$T/fifo"
	"$BAILEY" run -q -- sh -c 'i=0; while [ $i -lt 400 ]; do head -c 65536 /dev/zero || exit; i=$((i+1)); echo $i >&2; done' >"$T/fifo" 2>"$T/count" &
	run_pid=$!
	exec 7<"$T/fifo"
	# It writes until every buffer on the way is full, and no more: the count stands still.
	last=-1
	stands_still() { now=$(wc -l <"$T/count"); [ "$now" -gt 0 ] && [ "$now" = "$last" ] || { last=$now; sleep 0.3; return 1; }; }
	wait_for 20 stands_still
	[ "$(wc -l <"$T/count")" -lt 200 ]
	[ "$(cat <&7 | wc -c)" -eq $((400 * 65536)) ]
	wait $run_pid
}

@test "run: signals are passed on to the command" {
	for signal in TERM INT HUP USR1 QUIT; do
		rm -f "$T/out"
		# bash makes background jobs ignore INT and QUIT; env puts that right.
		env --default-signal=INT,QUIT "$BAILEY" run -- sh -c "trap 'echo got $signal; exit 9' $signal; echo ready; while :; do sleep 0.05; done" >"$T/out" &
		pid=$!
		wait_for 10 grep -q ready "$T/out"
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		[ "$status" -eq 9 ]
		grep -q "got $signal" "$T/out"
	done
}

@test "run: the project is a copy: the host's is not touched, and --keep keeps what changed" {
	run "$BAILEY" run -- sh -c 'echo two >>a; rm -f b; echo new >n; cat a n'
	[ "$status" -eq 0 ]
	[[ $output == *one*two*new* ]]
	[[ $output == *discarded* ]]
	[ "$(cat a)" = one ]
	[ ! -e n ]
	"$BAILEY" run -q --keep --name kept -- sh -c 'echo two >>a'
	[ "$("$BAILEY" exec kept -- cat a)" = "one
two" ]
	[ "$(cat a)" = one ]
}

@test "run: nothing is left of a one-shot sandbox" {
	"$BAILEY" run -- sh -c 'sleep 4711 & echo x >/tmp/x; echo x >x; exit 0'
	none_marked "sleep 4711"
	[ -z "$(ls -A "$HOME/.local/state/bailey/run")" ]
	[ "$(ls -A "$HOME")" = ".local
project" ]
	[ "$(ls -A "$P")" = a ]
}

@test "run: the environment is made anew" {
	SECRET=leak AWS_SECRET_ACCESS_KEY=leak LD_PRELOAD='' BASH_ENV=/x run "$BAILEY" run -e GIVEN=yes -- env
	[ "$status" -eq 0 ]
	[[ $output != *leak* ]]
	[[ $output != *BASH_ENV* ]]
	[[ $output == *GIVEN=yes* ]]
	[[ $output == *HOME=$HOME* ]]
	TAKEN=value run "$BAILEY" run -e TAKEN -- printenv TAKEN
	[ "$output" = value ]
}

@test "run: the wall time ends it and says so" {
	run "$BAILEY" run --timeout 1 -- sleep 1000
	[ "$status" -ne 0 ]
	[[ $output == *timeout* ]]
	none_marked "sleep 1000"
}

@test "run: the number of processes is limited" {
	run "$BAILEY" run --pids 40 -- sh -c 'i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done; echo made all'
	[[ $output != *"made all"* ]]
	[[ $output == *fork* ]]
}

@test "run: a limit that cannot be enforced is an error, or named as degraded" {
	run "$BAILEY" run --memory 64M -- true
	if [ "$status" -ne 0 ]; then
		[ "$status" -eq 125 ]
		[[ $output == *"--allow-degraded limits.memory"* ]]
		"$BAILEY" run --memory 64M --allow-degraded limits.memory -- true
	else
		run "$BAILEY" run --memory 64M -- sh -c 'head -c 300M /dev/zero | tail'
		[ "$status" -ne 0 ]
	fi
}

@test "run: a granted host port reaches the host's loopback, no other does" {
	coproc SERVER { exec python3 -u -c '
import http.server, sys
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(s.server_port, flush=True)
s.serve_forever()' 2>/dev/null 3>&-; }
	read -r port <&"${SERVER[0]}"
	server=$SERVER_PID
	curl -sf "http://127.0.0.1:$port/a" >/dev/null # the control
	run "$BAILEY" run --host-port "$port" -- curl -sf "http://127.0.0.1:$port/a"
	[ "$output" = one ]
	run "$BAILEY" run --host-port "18080:$port" -- curl -sf "http://localhost:18080/a"
	[ "$output" = one ]
	run "$BAILEY" run -- curl -s -m 5 "http://127.0.0.1:$port/a"
	[ "$status" -eq 7 ]
	run "$BAILEY" run --host-port 18081 -- curl -s -m 5 "http://127.0.0.1:18081/"
	[ "$status" -ne 0 ]
	# 50 MB each way at once, and half-close.
	kill "$server"
}

@test "run: a terminal of its own, with the size of the user's" {
	"$PTYRUN" -r 30 -c 90 - -- "$BAILEY" run -- bash -c 'tty; stty size; read x; stty size; echo end' <<'S'
expect /dev/pts/0
expect 30 90
size 40 100
type \r
expect 40 100
exit 0
S
}

@test "run: the terminal is as it was before, also after kill -9" {
	"$PTYRUN" - -- bash -c 'exec "$BAILEY" run -- sh -c "echo up; sleep 1000"' <<'S'
cooked
save
expect up
raw
signal 9
cooked
same
S
	wait_for 10 none_marked "sleep 1000"
}

@test "run: ^Z stops the command and us, fg continues both" {
	"$PTYRUN" - -- "$BAILEY" run -- bash -c 'echo pid up; while read -r l; do echo "got $l"; done' <<'S'
expect pid up
type one\r
expect got one
type \cZ
stopped
fg
type two\r
expect got two
type \cD
exit 0
S
}

@test "run: ^C reaches the command, not us" {
	"$PTYRUN" - -- "$BAILEY" run -- bash -c 'trap "echo interrupted; exit 7" INT; echo up; while :; do sleep 0.05; done' <<'S'
expect up
type \cC
expect interrupted
exit 7
S
}
