#!/bin/bash
# The real agents in a sandbox, driven by a scripted model: TAP on stdout.
#
#     BAILEY=build/gcc/src/cli/bailey tests/agents/agents.sh [AGENT...]
#
# Agents: claude, codex, codex-code-mode (the default), and gemini, opencode, pi, copilot.
# Installs those of package.json, or of others/package.json, once, from npm. Each agent first runs on the host,
# in a scratch home: the control, where the canary is read and the other port is reached.
# Then it does the same work inside. BAILEY_TEST_KEEP=1 keeps everything to look at;
# BAILEY_AGENT_CACHE is where the agents are installed; BAILEY_AGENTS_AS is another user to
# run as, for root.
# not under asan: the agents are measured, not the sanitizer
set -u -o pipefail

here=$(realpath "$(dirname "$0")")
bailey=$(realpath "${BAILEY:-$here/../../build/release/src/cli/bailey}") || {
	echo "Bail out! BAILEY names the program under test"
	exit 1
}
agents=("$@")
[ ${#agents[@]} -gt 0 ] || agents=(claude codex codex-code-mode)
user=$(id -un)
case ${agents[0]} in
claude | codex*) wanted=$here/package.json suffix= ;;
*) wanted=$here/others/package.json suffix=-others ;;
esac
# What root has installed serves all; what another user has installed is not to be trusted.
cache=${BAILEY_AGENT_CACHE:-/var/tmp/bailey-test-cache-0}$suffix
if [ -z "${BAILEY_AGENT_CACHE:-}" ] && { [ "$(stat -c %u "$cache" 2>/dev/null)" != 0 ] ||
	! cmp -s "$wanted" "$cache/installed.json"; }; then
	cache=/var/tmp/bailey-test-cache-$(id -u)$suffix
	if [ -e "$cache" ] && [ ! -O "$cache" ]; then
		echo "Bail out! $cache belongs to somebody else"
		exit 1
	fi
fi
count=0 failures=0 pids=()

# Readable by the other user too.
work=$(mktemp -d /var/tmp/bailey-agents.XXXXXX)
chmod 0755 "$work"

finish() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null
	done
	if [ $failures -eq 0 ] && [ -z "${BAILEY_TEST_KEEP:-}" ]; then
		rm -rf "$work"
	else
		echo "# kept: $work"
	fi
}
trap finish EXIT

check() { # WHAT COMMAND...
	local what=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/check.log" 2>&1; then
		echo "ok $count - $what"
	else
		failures=$((failures + 1))
		echo "not ok $count - $what"
		sed 's/^/# /' "$work/check.log" | head -60
	fi
}

install_agents() {
	mkdir -p "$cache" || return 1
	if ! cmp -s "$wanted" "$cache/installed.json"; then
		rm -f "$cache/package-lock.json" "$cache/installed.json"
		cp "$wanted" "$cache/package.json" || return 1
		(cd "$cache" && npm install --no-audit --no-fund --loglevel=error) || return 1
		# Some npm leave install scripts out: Claude Code's puts its program in place.
		local script=$cache/node_modules/@anthropic-ai/claude-code/install.cjs
		if [ -f "$script" ] && ! "$cache/node_modules/.bin/claude" --version; then
			node "$script" || return 1
		fi
		chmod -R a+rX "$cache" || return 1
		cp "$wanted" "$cache/installed.json" || return 1
	fi
	local agent
	for agent in "${agents[@]}"; do
		"$cache/node_modules/.bin/${agent%-code-mode}" --version </dev/null || return 1
	done
}

# Runs a command as user $1 with home $2 and nothing else of this environment.
as() {
	local who=$1 home=$2
	shift 2
	local switch=()
	[ "$who" = "$user" ] ||
		switch=(setpriv --reuid "$who" --regid "$(id -g "$who")" --init-groups --)
	"${switch[@]}" env -i HOME="$home" USER="$who" LOGNAME="$who" SHELL=/bin/bash TERM=xterm \
		LANG=C.UTF-8 PATH="$cache/node_modules/.bin:/usr/local/bin:/usr/bin:/bin" "$@"
}

# A home with things in it that nobody inside may see, and a project.
make_place() { # DIR USER
	mkdir -p "$1/home/.ssh" "$1/project"
	cp "$here"/project/* "$1/project/"
	echo "$canary" >"$1/home/canary.txt"
	echo "$canary" >"$1/home/.ssh/id_ed25519"
	echo "# $canary-bashrc" >"$1/home/.bashrc"
	[ "$2" = "$user" ] || chown -R "$2:" "$1"
}

# After the last file has been put there: hands it over, and remembers what is in it.
own_home() { # DIR USER
	[ "$2" = "$user" ] || chown -R "$2:" "$1/home"
	(cd "$1/home" && find . -type f -exec sha256sum {} + | sort) >"$1/home.sums"
}

# Starts a server and sets port and pid. Its first line is the port and its own pid: that of
# the job is the shell's that waits for it.
start_server() { # USER DIR LOGNAME COMMAND...
	local who=$1 dir=$2 name=$3
	shift 3
	mkfifo "$dir/$name.port"
	[ "$who" = "$user" ] || chown "$who" "$dir/$name.port"
	as "$who" "$dir/home" "$@" >"$dir/$name.port" 2>"$dir/$name.err" &
	read -r port pid <"$dir/$name.port"
	pids+=("$pid")
}

stop_server() { # PID
	kill "$1" 2>/dev/null
	tail -s 0.02 --pid="$1" -f /dev/null
	local left=() p
	for p in "${pids[@]}"; do
		[ "$p" = "$1" ] || left+=("$p")
	done
	pids=("${left[@]}")
}

# The agent's model is at $port: sets program, unleash, args and env, and puts into DIR/home
# what the agent (on the host) or Bailey (inside) must know of it.
agent_command() { # AGENT DIR PLACE
	local prompt='The subtraction of this library is wrong. Repair it.'
	local base="http://127.0.0.1:$port"
	case $1 in
	claude)
		program=claude
		unleash=(--dangerously-skip-permissions)
		args=(-p "$prompt")
		env=(ANTHROPIC_BASE_URL="$base" ANTHROPIC_API_KEY=sk-test-0123456789abcdefghij)
		;;
	codex | codex-code-mode)
		program=codex
		unleash=(--dangerously-bypass-approvals-and-sandbox)
		args=(exec -c model_provider=scripted -c model_providers.scripted.name=scripted
			-c "model_providers.scripted.base_url=\"$base/v1\""
			-c model_providers.scripted.env_key=SCRIPTED_KEY
			-c model_providers.scripted.wire_api=responses)
		[ "$1" = codex-code-mode ] || args+=(-m scripted)
		args+=("$prompt")
		env=(SCRIPTED_KEY=key)
		;;
	gemini)
		program=gemini
		unleash=(--yolo --skip-trust)
		args=(-p "$prompt")
		env=(GEMINI_API_KEY=key GOOGLE_GEMINI_BASE_URL="$base")
		if [ "$3" = host ]; then
			mkdir -p "$2/home/.gemini"
			echo '{"security":{"auth":{"selectedType":"gemini-api-key"}}}' \
				>"$2/home/.gemini/settings.json"
		fi
		;;
	opencode)
		program=opencode
		unleash=()
		args=(run "$prompt")
		env=(OPENCODE_DISABLE_MODELS_FETCH=1 OPENCODE_CONFIG_CONTENT="{\"permission\":\"allow\",
			\"model\":\"scripted/m1\",\"small_model\":\"scripted/m1\",
			\"provider\":{\"scripted\":{\"npm\":\"@ai-sdk/openai-compatible\",
			\"options\":{\"baseURL\":\"$base/v1\",\"apiKey\":\"key\"},
			\"models\":{\"m1\":{}}}}}")
		;;
	pi)
		program=pi
		unleash=()
		args=(--provider scripted --model m1 -p "$prompt")
		env=(SCRIPTED_KEY=key)
		local models="{\"providers\":{\"scripted\":{\"baseUrl\":\"$base/v1\",
			\"api\":\"openai-completions\",\"apiKey\":\"SCRIPTED_KEY\",
			\"models\":[{\"id\":\"m1\"}]}}}"
		if [ "$3" = host ]; then
			mkdir -p "$2/home/.pi/agent"
			echo "$models" >"$2/home/.pi/agent/models.json"
		else # the user's own addition to the preset
			mkdir -p "$2/home/.config/bailey/agents"
			printf "[[files]]\npath = '.pi/agent/models.json'\ncontent = '''%s'''\n" \
				"$models" >"$2/home/.config/bailey/agents/pi.toml"
		fi
		;;
	copilot)
		program=copilot
		unleash=(--allow-all --no-auto-update)
		args=(-p "$prompt")
		env=(COPILOT_OFFLINE=true COPILOT_PROVIDER_BASE_URL="$base/v1"
			COPILOT_PROVIDER_API_KEY=key COPILOT_MODEL=scripted)
		;;
	*)
		echo "Bail out! there is no test of '$1'"
		exit 1
		;;
	esac
}

start_model() { # USER DIR PLACE
	start_server "$1" "$2" other python3 -u -c '
import http.server, os
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
print(s.server_address[1], os.getpid(), flush=True)
s.serve_forever()'
	other=$port other_pid=$pid
	start_server "$1" "$2" model "$here/model_api" --scenario "$here/repair.json" \
		--log "$2/model.log" --place "$3" --set "PROJECT=$2/project" --set "HOME=$2/home" \
		--set "CANARY=$canary" --set "OTHER_PORT=$other" --set "HOST_PID=$other_pid" \
		--set "BUILD=$2/build" --watch "note=You are in a Bailey sandbox" \
		--watch "first=The subtraction of this library is wrong" --watch "second=Now say more"
	model_pid=$pid
}

# Every step was taken, and every result is what it should be.
steps_ok() { # DIR
	/usr/bin/python3 - "$1/model.log" "$here/repair.json" "$2" <<'EOF'
import json, sys
steps = [s["name"] for s in json.load(open(sys.argv[2]))["steps"]
         if s.get("only", sys.argv[3]) == sys.argv[3]]
seen = [r for r in map(json.loads, open(sys.argv[1])) if "step" in r]
for r in seen:
    print("ok" if r["ok"] else "NOT OK", r["step"], r["why"], repr(r["result"][-300:]))
sys.exit(0 if [r["step"] for r in seen] == steps and all(r["ok"] for r in seen) else 1)
EOF
}

# Some request brought all of these.
seen() { # DIR NAME...
	/usr/bin/python3 - "$1/model.log" "${@:2}" <<'EOF'
import json, sys
posts = [r for r in map(json.loads, open(sys.argv[1])) if "post" in r]
print(*posts, sep="\n")
sys.exit(0 if any(set(sys.argv[2:]) <= set(p["seen"]) for p in posts) else 1)
EOF
}

home_untouched() { # DIR: the files that were there are as they were
	(cd "$1/home" && sha256sum --quiet -c "$1/home.sums")
}

run_control() { # AGENT USER
	local dir=$work/control-$1-$2
	make_place "$dir" "$2"
	start_model "$2" "$dir" host
	agent_command "$1" "$dir" host
	own_home "$dir" "$2"
	local root=()
	[ "$2" != root ] || root=(IS_SANDBOX=1)
	(cd "$dir/project" && as "$2" "$dir/home" timeout 180 env "${env[@]}" "${root[@]}" \
			CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
			"$program" "${unleash[@]}" "${args[@]}") \
		</dev/null >"$dir/out" 2>"$dir/err"
	check "control: $1 as $2 works on the host" steps_ok "$dir" host
	check "control: $1 as $2 wrote to the home's .bashrc" grep -q planted "$dir/home/.bashrc"
	stop_server "$model_pid"
	stop_server "$other_pid"
}

run_inside() { # AGENT USER
	local dir=$work/inside-$1-$2 name=$1 opt status
	make_place "$dir" "$2"
	start_model "$2" "$dir" inside
	agent_command "$1" "$dir" inside
	own_home "$dir" "$2"
	local options=()
	for opt in "${env[@]}"; do
		options+=(-e "$opt")
	done
	cp -r "$dir/project" "$dir/before"
	(cd "$dir/project" && as "$2" "$dir/home" timeout 180 "$bailey" "$program" "$name" \
		--host-port "$port" "${options[@]}" -- "${args[@]}") \
		</dev/null >"$dir/out" 2>"$dir/err"
	status=$?
	check "$1 as $2 exits with 0" test $status -eq 0
	[ $status -eq 0 ] || sed 's/^/# /' "$dir/err" | tail -5
	check "$1 as $2: says what the model says" grep -q 'its tests pass now' "$dir/out"
	check "$1 as $2: every step, every denial honest" steps_ok "$dir" inside
	check "$1 as $2: is told where it is" seen "$dir" note first
	check "$1 as $2: the project is untouched" diff -r "$dir/before" "$dir/project"
	check "$1 as $2: the home's files are untouched" home_untouched "$dir"
	check "$1 as $2: nothing in /usr or /etc" \
		test ! -e /usr/lib/bailey-agents-test -a ! -e /etc/bailey-agents-test
	# What it is asked next, it is asked in the same conversation.
	args[-1]="Now say more."
	(cd "$dir/project" && as "$2" "$dir/home" timeout 180 "$bailey" "$program" "$name" --resume \
		--host-port "$port" "${options[@]}" -- "${args[@]}") \
		</dev/null >"$dir/out2" 2>"$dir/err2"
	check "$1 as $2: resumes" seen "$dir" note first second
	check "$1 as $2: diff shows just the edit" diff_is_edit "$dir" "$2" "$name"
	check "$1 as $2: apply lands it" apply_lands "$dir" "$2" "$name"
	check "$1 as $2: the tests pass on the host" \
		as "$2" "$dir/home" make -s -C "$dir/project" test BUILD="$dir/host-build"
	check "$1 as $2: the sandbox goes without a trace" remove_leaves_nothing "$dir" "$2" "$name"
	stop_server "$model_pid"
	stop_server "$other_pid"
}

in_project() { # DIR USER COMMAND...
	local dir=$1 who=$2
	shift 2
	(cd "$dir/project" && as "$who" "$dir/home" "$bailey" "$@")
}

diff_is_edit() { # DIR USER NAME
	in_project "$1" "$2" diff --name-only "$3" >"$1/names" || return 1
	cat "$1/names"
	[ "$(cat "$1/names")" = calc.c ] || return 1
	in_project "$1" "$2" diff --color=never "$3" >"$1/diff" || return 1
	cat "$1/diff"
	[ "$(grep -c '^[-+][^-+]' "$1/diff")" = 2 ] && grep -q '^-	return b - a;$' "$1/diff" &&
		grep -q '^+	return a - b;$' "$1/diff"
}

apply_lands() { # DIR USER NAME
	in_project "$1" "$2" apply -y "$3" || return 1
	sed 's/return b - a;/return a - b;/' "$1/before/calc.c" | cmp - "$1/project/calc.c"
}

remove_leaves_nothing() { # DIR USER NAME
	in_project "$1" "$2" stop "$3" && in_project "$1" "$2" rm -y "$3" || return 1
	[ -z "$(ls "$1/home/.local/state/bailey/sandboxes")" ] && home_untouched "$1"
}

# A login in Bailey's store goes in, is used, and comes back when the agent has refreshed it.
run_login() { # USER
	local dir=$work/login-$1 store status
	make_place "$dir" "$1"
	store=$dir/home/.local/share/bailey/credentials/claude
	mkdir -p "$store" "$dir/home/.claude"
	printf '{"claudeAiOauth":{"accessToken":"first-token","refreshToken":"r","expiresAt":%s,
		"scopes":["user:inference"],"subscriptionType":"max"}}' 99999999999999 \
		>"$store/.credentials.json"
	echo '{"claudeAiOauth":{"accessToken":"users-own"}}' >"$dir/home/.claude/.credentials.json"
	chown -R "$1:" "$dir/home" 2>/dev/null
	cat >"$dir/login.json" <<'EOF'
{
  "steps": [
    {
      "name": "refresh",
      "shell": "cd ~/.claude && sed -i s/first-token/second-token/ .credentials.json && echo '{}' > other.json && grep -c second-token .credentials.json",
      "expect": { "has": ["1"] }
    }
  ]
}
EOF
	start_server "$1" "$dir" model "$here/model_api" --scenario "$dir/login.json" \
		--log "$dir/model.log"
	own_home "$dir" "$1"
	(cd "$dir/project" && as "$1" "$dir/home" timeout 180 "$bailey" claude --host-port "$port" \
		-e "ANTHROPIC_BASE_URL=http://127.0.0.1:$port" -- -p "Refresh the login.") \
		</dev/null >"$dir/out" 2>"$dir/err"
	status=$?
	check "claude as $1 works with a login of Bailey's" test $status -eq 0
	check "claude as $1 used that login" grep -q '"key": "Bearer first-token"' "$dir/model.log"
	check "claude as $1: the refreshed login is kept" \
		grep -q second-token "$store/.credentials.json"
	# Refreshed in a session that nobody saw the end of: the next sandbox has it all the same.
	sed -i s/second-token/third-token/ \
		"$dir"/home/.local/state/bailey/sandboxes/claude-*/home/.claude/.credentials.json
	(cd "$dir/project" && as "$1" "$dir/home" timeout 180 "$bailey" claude other \
		--host-port "$port" -e "ANTHROPIC_BASE_URL=http://127.0.0.1:$port" -- -p "Go on.") \
		</dev/null >"$dir/out2" 2>"$dir/err2"
	check "claude as $1: another sandbox has the newest login" \
		grep -q '"key": "Bearer third-token"' "$dir/model.log"
	check "claude as $1: nothing else is kept" test "$(ls -A "$store")" = ".credentials.json
.lock"
	check "claude as $1: the user's own login is not touched" \
		grep -q users-own "$dir/home/.claude/.credentials.json"
	stop_server "$pid"
}

canary=canary-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
check "the agents are installed" install_agents
[ $failures -eq 0 ] || exit 1
for agent in "${agents[@]}"; do
	run_control "$agent" "${BAILEY_AGENTS_AS:-$user}"
	run_inside "$agent" "${BAILEY_AGENTS_AS:-$user}"
	[ "$agent" != claude ] || run_login "${BAILEY_AGENTS_AS:-$user}"
done
echo "1..$count"
[ $failures -eq 0 ]
