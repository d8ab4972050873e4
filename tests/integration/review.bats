#!/usr/bin/env bats
# Staged work: seen with diff, brought back with apply, thrown away with discard.

load lib

# inside SCRIPT: runs it in the sandbox "t", in the project.
inside()
{
	"$BAILEY" run -q --name t --keep --workspace staged --net none -- bash -euc "$1"
}

# ended_with STATUS: of the last `run`; says what it said otherwise.
ended_with()
{
	[ "$status" -eq "$1" ] || {
		printf '%s\n' "status $status, not $1" "$output" | head -n 30 | cut -c1-300
		return 1
	}
}

# What a tree is: names, types, permissions, link targets, contents.
tree='find . -mindepth 1 ! -path "./.git*" -printf "%P %y %m %l\n" | LC_ALL=C sort; find . -type f ! -path "./.git*" -exec sha256sum {} + | LC_ALL=C sort -k2'

@test "apply: the project is then what the inside saw, for changes of every kind" {
	mkdir -p d/sub e/f gone/deep opaque closed
	echo 1 >d/sub/x; echo 2 >d/y; echo 3 >e/f/z; echo 4 >gone/deep/a; echo 5 >gone/b
	echo 6 >opaque/old; echo same >opaque/same; echo 7 >to-dir; mkdir to-file; echo 8 >to-file/x
	echo 9 >to-link; ln -s a link; ln -s a relink; ln -s a link-to-file; chmod 755 d; echo 10 >move
	mkdir to-link2; echo 11 >to-link2/x; echo 12 >"with space"; printf 'no newline' >nonl
	inside '
		echo two >>a; rm d/sub/x; mv d d2; echo new >e/f/new; chmod 700 e/f; rm -r gone
		rm -r opaque; mkdir opaque; echo same >opaque/same; echo fresh >opaque/fresh
		rm to-dir; mkdir -p to-dir/in; echo x >to-dir/in/x; rm -r to-file; echo x >to-file
		rm to-link; ln -s e to-link; rm link; ln -sfn e/f relink; rm link-to-file; echo x >link-to-file
		rm -r to-link2; ln -s nowhere to-link2; mv move moved; chmod 600 nonl; chmod 755 "with space"
		mkdir empty; mkdir -m 711 empty711; touch zero; head -c 200000 /dev/urandom >random
		truncate -s 3M sparse; echo x >hard1; ln hard1 hard2; echo x >closed/x; chmod 555 closed
		printf x >"new
line"; printf x >"$(printf "esc\033[2J")"; printf x >"$(printf "\377\376")"; printf x >"-rf"; printf x >" "
		printf x >"$(printf "%0255d" 0)"; printf x >"$(printf "\342\200\256rtl")"; umask 0; echo x >open
		'"$tree" >"$T/want"
	"$BAILEY" diff --no-pager >"$T/diff"
	! LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xe2\x80\xae' "$T/diff" || false
	"$BAILEY" apply -y --accept=all >"$T/out"
	bash -c "$tree" >"$T/got"
	diff "$T/want" "$T/got"
	[ -z "$("$BAILEY" diff --name-only)" ]
	run "$BAILEY" diff --exit-code --no-pager
	ended_with 0
	[ "$output" = "no changes" ]
	[ -z "$(find . -name '.bailey-*')" ]
	chmod 755 closed # so that it can be removed
}

@test "diff: what would run comes first, deletions before text, and nothing is obeyed" {
	echo x >gone
	inside 'rm gone; printf "#!/bin/sh\n" >run; chmod +x run; mkdir -p .vscode; echo {} >.vscode/tasks.json
		printf "a \033]0;t\007 \342\200\256\n" >>a'
	"$BAILEY" diff --no-pager >"$T/out"
	[[ $(head -n 1 "$T/out") == "Can run code on this host"* ]]
	[ "$(grep -n 'accept=editor' "$T/out" | head -n 1 | cut -d: -f1)" -lt "$(grep -n '^Deleted (1)' "$T/out" | cut -d: -f1)" ]
	[ "$(grep -n '^Deleted (1)' "$T/out" | cut -d: -f1)" -lt "$(grep -n '^@@' "$T/out" | head -n 1 | cut -d: -f1)" ]
	grep -qF '+a \e]0;t\x07 \u{202e}' "$T/out"
	"$BAILEY" diff --json | python3 -c '
import json, sys
changes = {c["path"]: c for c in json.load(sys.stdin)["changes"]}
assert changes["gone"]["kind"] == "deleted"
assert changes["run"]["exec_surface"] == ["exec-mode"] and changes["run"]["mode"] == "0755"
assert changes[".vscode/tasks.json"]["exec_surface"] == ["editor"]
assert changes["a"]["exec_surface"] == ["text"] and not changes["a"]["conflict"]'
	run "$BAILEY" diff --exit-code --stat
	ended_with 1
	[[ $output == *" modified     a | +1 -0"* ]]
}

@test "diff of a path, from a sub-directory too" {
	mkdir sub
	: >bailey.toml # so that this is the project
	inside 'echo x >sub/one; echo x >sub/two; echo x >three'
	cd sub
	[ "$("$BAILEY" diff --name-only -- one)" = sub/one ]
	[ "$("$BAILEY" diff t --name-only -- "$P/sub")" = "$(printf 'sub/one\nsub/two')" ]
	run "$BAILEY" diff -- ../../outside
	ended_with 2
	run "$BAILEY" diff --stat --json
	ended_with 2
	run "$BAILEY" diff nobody
	ended_with 125
}

@test "apply: special files and setuid bits never reach the host" {
	inside 'mkfifo fifo; python3 -c "import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")"
		cp /bin/true su; chmod 6755 su; echo fine >fine'
	run "$BAILEY" apply -y --accept=all
	ended_with 1
	[[ $output == *"fifo is a FIFO"* ]]
	[[ $output == *"su has a setuid"* ]]
	[ -f fine ] && [ ! -e fifo ] && [ ! -e sock ] && [ ! -e su ]
}

@test "apply: each class of the exec surface needs its own yes" {
	inside 'mkdir -p .git/hooks; echo x >.git/hooks/pre-commit; echo x >Makefile; echo x >src.c; ln -s /etc out'
	run "$BAILEY" apply
	ended_with 1
	[ ! -e src.c ]
	run "$BAILEY" apply -y
	ended_with 1
	[ -f src.c ] && [ ! -e Makefile ] && [ ! -e .git ] && [ ! -L out ]
	run "$BAILEY" apply -y --accept=build
	ended_with 1
	[ -f Makefile ] && [ ! -e .git ]
	run "$BAILEY" apply -y --accept=git --accept=symlink
	ended_with 0
	[ -f .git/hooks/pre-commit ] && [ -L out ]
	run "$BAILEY" apply --accept=gti
	ended_with 2
	[[ $output == *"did you mean 'git'"* ]]
}

@test "apply on a terminal: each class is asked for, then the whole" {
	inside 'echo x >Makefile; echo x >.envrc; echo x >src.c'
	printf '%s\n' 'expect apply it? [y/N]' 'type n\r' 'expect build tool' 'type y\r' \
		'expect apply 2 of 3 changes? [y/N]' 'type y\r' 'expect applied 2 of 3' 'exit 1' |
		"$PTYRUN" -r 50 -c 150 - -- "$BAILEY" apply
	[ -f Makefile ] && [ -f src.c ] && [ ! -e .envrc ]
	printf '%s\n' 'expect [y/N]' 'type y\r' 'expect apply 1 of 1 changes? [y/N]' 'type n\r' 'exit 1' |
		"$PTYRUN" -r 50 -c 150 - -- "$BAILEY" apply
	[ ! -e .envrc ]
}

@test "diff on a terminal: through a pager, in colours, and no shell sees the pager" {
	inside 'echo two >>a'
	cat >"$T/pager" <<-'PAGER'
		#!/bin/sh
		[ "$LESSSECURE" = 1 ] && [ -z "${LESSOPEN+x}" ] && echo "paged: $*"
		sed 's/^/P:/'
	PAGER
	chmod +x "$T/pager"
	export LESSOPEN='|touch '"$T"'/obeyed %s'
	printf '%s\n' 'expect paged: -x $(touch evil)' 'expect P:@@ -1 +1,2 @@' 'bytes \e[32m+two' 'exit 0' |
		BAILEY_PAGER="$T/pager -x \$(touch evil)" "$PTYRUN" -r 50 -c 150 - -- "$BAILEY" diff
	[ ! -e evil ] && [ ! -e "$T/obeyed" ]
	printf '%s\n' 'expect @@ -1 +1,2 @@' 'never \e[32m' 'exit 0' |
		NO_COLOR=1 BAILEY_PAGER="$T/missing" "$PTYRUN" -r 50 -c 150 - -- "$BAILEY" diff
	[ "$(BAILEY_PAGER=false "$BAILEY" diff | grep -c '^+two')" = 1 ]
}

@test "apply: exactly what diff showed, and what changed since is left out" {
	inside 'echo good >f; echo good >g'
	"$BAILEY" diff --no-pager >"$T/out"
	inside 'echo evil >f; echo late >h'
	run "$BAILEY" apply -y
	ended_with 1
	[[ $output == *"changed since 'bailey diff' showed it (2)"* ]]
	[ ! -e f ] && [ ! -e h ] && [ "$(cat g)" = good ]
	"$BAILEY" diff --no-pager >"$T/out"
	run "$BAILEY" apply
	ended_with 0
	[ "$(cat f)" = evil ] && [ "$(cat h)" = late ]
}

@test "apply: what the user changed meanwhile is not overwritten" {
	echo old >both; echo old >deleted; echo old >mine
	inside 'echo inside >both; rm deleted; echo inside >new'
	echo host >both; echo host >deleted; echo host >new; echo host >mine
	run "$BAILEY" apply -y
	ended_with 1
	[[ $output == *"changed on the host meanwhile"* ]]
	[ "$(cat both deleted new mine)" = "$(printf 'host\nhost\nhost\nhost')" ]
	run "$BAILEY" apply -y --overwrite -- both
	ended_with 0
	[ "$(cat both)" = inside ] && [ "$(cat new)" = host ]
	# What we wrote ourselves is no conflict the next time.
	inside 'echo again >both'
	run "$BAILEY" apply -y -- both
	ended_with 0
	[ "$(cat both)" = again ]
}

@test "apply: what the user did before the sandbox was started again is no conflict" {
	echo old >x; echo old >y
	inside 'echo inside >x'
	echo user >x; echo user >y; echo user >z
	inside 'cat y z; echo inside >>y; rm z'
	run "$BAILEY" apply -y
	ended_with 1
	[ "$(cat x)" = user ]
	[ "$(cat y)" = "$(printf 'user\ninside')" ] && [ ! -e z ]
}

@test "apply while it runs: works, and says what to expect" {
	"$BAILEY" run -q --name t --keep --workspace staged --net none -- sh -c 'echo x >new; exec sleep 300' &
	pid=$!
	wait_for 20 sh -c '[ "$("$BAILEY" diff t --name-only)" = new ]'
	run "$BAILEY" apply -y
	ended_with 0
	[[ $output == *"'t' is running"* ]]
	[ "$(cat new)" = x ]
	"$BAILEY" stop -t 0 t
	wait $pid || true
}

@test "rm asks only when something would be lost" {
	inside 'echo x >new'
	run "$BAILEY" rm t
	ended_with 125
	"$BAILEY" apply -y
	"$BAILEY" rm t
	run "$BAILEY" status t
	ended_with 125
}

@test "apply: killed at a random moment, the next one finishes and cleans up" {
	inside 'for i in $(seq 400); do echo "content $i" >f$i; done'
	for moment in 1 40 200; do
		"$BAILEY" apply -q -y >/dev/null &
		pid=$!
		wait_for 30 test -e "f$moment" || true
		kill -KILL $pid 2>/dev/null || true
		wait $pid 2>/dev/null || true
	done
	"$BAILEY" apply -y >"$T/out" 2>&1
	for i in $(seq 400); do [ "$(cat "f$i")" = "content $i" ]; done
	[ -z "$(find . -name '.bailey-*')" ]
	[ -z "$("$BAILEY" diff --name-only)" ]
}

@test "diff and apply while the inside swaps links, pipes and directories: nothing of outside is read" {
	mkdir "$T/outside"
	echo canary >"$T/outside/f"
	inside 'mkdir real; echo inside >real/f; mkfifo pipe; ln -s "'"$T"'/outside" link'
	# The same layer, changed by force from the host: faster than any sandbox could.
	upper=$(echo "$HOME"/.local/state/bailey/sandboxes/*/layer/upper)
	(
		cd "$upper" || exit
		while :; do
			mv real x; mv x real; mv -T link x; mv -T x link; mv pipe x; mv x pipe
		done
	) 2>/dev/null &
	pid=$!
	for _ in $(seq 25); do
		timeout 20 "$BAILEY" diff --no-pager >>"$T/diffs"
		timeout 20 "$BAILEY" apply -y >>"$T/applies" || [ $? -eq 1 ]
		[ -z "$(find . -name '.bailey-*')" ]
	done
	kill $pid
	wait $pid || true
	! grep -q canary "$T/diffs" "$T/applies" || false
	! grep -rq canary "$P" || false
	[ "$(cat "$T/outside/f")" = canary ]
}

@test "diff and apply survive depth, odd names and huge files" {
	inside 'python3 - <<PY
import os
for _ in range(300):
    os.mkdir("directory-with-a-long-name"); os.chdir("directory-with-a-long-name")
open("bottom", "w").write("x")
PY
	truncate -s 8T huge; echo fine >fine'
	"$BAILEY" diff --no-pager >"$T/out"
	grep -q '^    huge is ' "$T/out"
	run "$BAILEY" apply -y
	ended_with 1
	[ -f fine ] && [ ! -e huge ]
	python3 -c '
import os
for _ in range(300):
    os.chdir("directory-with-a-long-name")
assert open("bottom").read() == "x"'
}

@test "discard: a path, everything, and not while it runs" {
	echo keep >gone
	inside 'echo x >one; echo x >two; rm gone'
	"$BAILEY" discard -y -- one
	[ "$("$BAILEY" diff --name-only)" = "$(printf 'gone\ntwo')" ]
	run "$BAILEY" discard
	ended_with 1
	run "$BAILEY" discard -y -- never
	ended_with 125
	"$BAILEY" run -q --name t --keep --workspace staged --net none -- sleep 300 &
	pid=$!
	wait_for 20 sh -c '"$BAILEY" status t | grep -q running'
	run "$BAILEY" discard -y
	ended_with 125
	[[ $output == *"is running"* ]]
	"$BAILEY" stop -t 0 t
	wait $pid || true
	"$BAILEY" discard -y
	[ -z "$("$BAILEY" diff --name-only)" ]
	inside '[ "$(cat gone)" = keep ] && [ ! -e two ]'
}
