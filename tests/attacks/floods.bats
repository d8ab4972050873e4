#!/usr/bin/env bats
# Rows K12 to K15, K19 and I11 of the catalogue that need a sandbox which goes on: while
# the inside does its worst, Bailey answers, and stop ends it. The controls of the
# floods themselves are rows of table.c.

load ../integration/lib

PROBE=$BAILEY_BUILD/tests/attacks/attack-probe

processes()
{
	[ "$("$BAILEY" exec box -- sh -c 'ls -d /proc/[0-9]* | wc -l')" -ge "$1" ]
}

# Running, and told so promptly.
answers()
{
	run timeout 10 "$BAILEY" status box
	[ "$status" -eq 0 ]
	[[ $output == *running* ]]
}

stops()
{
	timeout 30 "$BAILEY" stop box
	none_marked "$1"
}

@test "K14 processes that multiply: bounded, answered, stopped" {
	printf "[limits]\npids = 200\n" >bailey.toml
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sh -c 'while :; do sleep 47121 & done 2>/dev/null'
	wait_for 30 eval '[ "$(pgrep -cf "^sleep 47121$")" -ge 100 ]'
	answers
	[ "$(pgrep -cf '^sleep 47121$')" -le 200 ]
	stops "sleep 47121"
}

@test "K14 orphans that die: PID 1 reaps them all" {
	cp "$PROBE" probe
	printf "[limits]\npids = 200\n" >bailey.toml
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 47129
	"$BAILEY" exec box -- ./probe orphans 5000
	answers
	[ "$("$BAILEY" exec box -- sh -c 'grep -l "^State:.Z" /proc/[0-9]*/status | wc -l')" -eq 0 ]
	stops "sleep 47129"
}

@test "K14 zombies and descriptors of one session leave the others alone" {
	cp "$PROBE" probe
	printf "[limits]\npids = 200\nfiles = 256\n" >bailey.toml
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sh -c './probe zombies 100; exec sleep 47122'
	"$BAILEY" exec -d box -- sh -c './probe fd-bomb 10000; exec sleep 47122'
	wait_for 20 eval '[ "$(pgrep -cf "^sleep 47122")" -eq 2 ]'
	answers
	[ "$("$BAILEY" exec box -- echo still here)" = "still here" ]
	stops "sleep 47122"
}

@test "K14 full file systems: the sandbox goes on and can be stopped" {
	printf "[limits]\ntmp = \"8M\"\n" >bailey.toml
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sh -c 'for d in /tmp /run /var/tmp /dev/shm; do cat /dev/zero >$d/x 2>/dev/null; done; exec sleep 47123'
	wait_for 20 eval 'pgrep -f "^sleep 47123" >/dev/null'
	answers
	[ "$("$BAILEY" exec box -- echo still here)" = "still here" ]
	stops "sleep 47123"
}

@test "K15 a session that prints without end: its log is bounded" {
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sh -c 'head -c 100000000 /dev/zero | tr "\0" x; exec sleep 47124'
	wait_for 60 eval 'pgrep -f "^sleep 47124" >/dev/null'
	answers
	[ "$(du -sm "$HOME/.local/state/bailey" | cut -f1)" -le 32 ]
	stops "sleep 47124"
}

@test "K12 PID 1 cannot be ended or stopped from inside" {
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 47125
	for signal in KILL STOP TERM HUP INT SEGV ABRT SYS 34 64; do
		"$BAILEY" exec box -- sh -c "kill -$signal 1" || true
	done
	answers
	[ "$("$BAILEY" exec box -- echo still here)" = "still here" ]
	stops "sleep 47125"
}

@test "K13 what has daemonised dies with the sandbox" {
	cp "$PROBE" probe
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 47126
	"$BAILEY" exec box -- ./probe daemonise bailey-47126
	# The control: it does outlive the command that started it, while the sandbox runs.
	pgrep -f 'linger bailey-47126$' >/dev/null
	timeout 30 "$BAILEY" stop box
	run pgrep -f 'linger bailey-47126$'
	[ "$status" -ne 0 ]
}

@test "K15 K19 the control socket is for the host only" {
	cp "$PROBE" probe
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 47127
	ctl=$(find "$HOME/.local/state/bailey" -path "*/layer" -prune -o -type s -print)
	[ -n "$ctl" ]
	for socket in $ctl; do
		(cd "$(dirname "$socket")" && "$PROBE" unix-seqpacket "$(basename "$socket")")
		run "$BAILEY" exec box -- ./probe unix-seqpacket "$socket"
		[ "$status" -eq 1 ]
	done
	run "$BAILEY" exec box -- find / -xdev -type s
	[ -z "$output" ]
	run "$BAILEY" exec box -- sh -c 'find /tmp /run /var /dev /home /root -type s 2>/dev/null'
	[ -z "$output" ]
	# And nonsense from the host's side does not end the sandbox: the socket takes only whole messages.
	for socket in $ctl; do
		(cd "$(dirname "$socket")" && "$PROBE" unix-seqpacket "$(basename "$socket")")
	done
	answers
	stops "sleep 47127"
}

@test "I11 a command in a sandbox that runs gets three descriptors, whatever the caller has open" {
	cp "$PROBE" probe
	"$BAILEY" new box
	"$BAILEY" exec -d box -- sleep 47128
	run "$PROBE" fd-scan 9</etc/hosts
	[ "$status" -eq 0 ]
	run "$BAILEY" exec box -- ./probe fd-scan 9</etc/hosts
	[ "$status" -eq 1 ]
	stops "sleep 47128"
}
