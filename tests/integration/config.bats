#!/usr/bin/env bats
# Settings: layers and where values come from, mistakes, the rule for a project's file.

load lib

user_file()
{
	mkdir -p "$HOME/.config/bailey"
	cat >"$HOME/.config/bailey/config.toml"
}

@test "config: show --origin names the layer of each value" {
	user_file <<<$'[limits]\npids = 100\nmemory = "2G"'
	echo 'limits.memory = "1G"' >bailey.toml
	run "$BAILEY" config show --origin
	[ "$status" -eq 0 ]
	[[ $output == *'limits.memory = "1G"'*'# bailey.toml:1:8'* ]]
	[[ $output == *'limits.pids = 100'*"# $HOME/.config/bailey/config.toml:2:1"* ]]
	[[ $output == *'limits.files = 65536'*'# built-in'* ]]
}

@test "config: what show prints is a file that says the same" {
	user_file <<'T'
mask = ["a \"quoted\" name", "b"]
network.host_ports = [80, "1:2"]
[limits]
cpus = 0.5
timeout = "90s"
[mounts.data]
source = "/srv/data"
mode = "rw"
[env]
GREETING = "a \\ b"
[agents.pi]
args = ["-x"]
T
	"$BAILEY" config show >"$T/first"
	user_file <"$T/first"
	"$BAILEY" config show >"$T/second"
	diff "$T/first" "$T/second"
	[ -s "$T/first" ]
}

@test "config: show --json and schema are JSON, and agree on the keys" {
	"$BAILEY" config show --json >"$T/show"
	"$BAILEY" config schema >"$T/schema"
	python3 - "$T/show" "$T/schema" <<'PY'
import json, sys
shown, schema = (json.load(open(f)) for f in sys.argv[1:])
for key in shown:
    at = schema
    for part in key.split("."):
        at = at["properties"][part]
    assert "description" in at, key
assert shown["limits.pids"] == {"value": 4096, "origin": "built-in"}
PY
}

@test "config: mistakes are one line with file, line, column and the nearest key" {
	echo $'# fine\n[limits]\nmemroy = 1' >bailey.toml
	run "$BAILEY" config check
	[ "$status" -eq 2 ]
	[ "$output" = "bailey: bailey.toml:3:1: unknown key 'limits.memroy' (did you mean 'limits.memory'?)" ]
	run "$BAILEY" config check bailey.toml
	[ "$status" -eq 2 ]
	rm bailey.toml
	run "$BAILEY" config check
	[ "$status" -eq 0 ]
}

@test "config: a project's file that widens is an error without a terminal, until it is trusted" {
	echo 'network.host_ports = [80]' >bailey.toml
	run "$BAILEY" run --dry-run -- true
	[ "$status" -eq 125 ]
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"bailey.toml asks for more"*"port 80"*"bailey config trust"* ]]
	run "$BAILEY" config trust </dev/null
	[ "$status" -eq 125 ]
	run "$BAILEY" config trust -y
	[ "$status" -eq 0 ]
	run "$BAILEY" run --dry-run -- true
	[ "$status" -eq 0 ]
	[[ $output == *"127.0.0.1:80 reaches port 80"* ]]
	# The same content elsewhere is another file.
	mkdir "$HOME/other"
	cp bailey.toml "$HOME/other"
	run "$BAILEY" -C "$HOME/other" explain x
	[ "$status" -eq 125 ]
	run "$BAILEY" config untrust
	[ "$status" -eq 0 ]
	run "$BAILEY" explain x
	[ "$status" -eq 125 ]
	[ "$(stat -c %a "$HOME/.local/state/bailey/trust")" = 700 ]
}

@test "config: on a terminal the question is asked once, and no is no" {
	# shellcheck disable=SC2016 # ours to expand
	printf 'env.A = "\\u001b[31m${HOME}"\n' >bailey.toml
	"$PTYRUN" -r 30 -c 100 - -- "$BAILEY" explain x <<'S'
expect asks for more
expect sets the variable A to '\\e[31m${HOME}'
expect [y/N]
never \e[31m
type n\r
expect asks for more than you have approved
exit 125
S
	"$PTYRUN" -r 100 -c 100 - -- "$BAILEY" explain x <<'S'
expect [y/N]
type y\r
expect Sandbox x
exit 0
S
	"$PTYRUN" -r 100 -c 100 - -- "$BAILEY" explain x <<'S'
expect Sandbox x
absent [y/N]
exit 0
S
}

@test "config: an answer that is piped in is no answer" {
	echo 'network.host_ports = [80]' >bailey.toml
	run bash -c 'yes | "$BAILEY" explain x'
	[ "$status" -eq 125 ]
	run "$BAILEY" explain x
	[ "$status" -eq 125 ]
}

@test "config: an approval that others could have written does not count" {
	echo 'network.host_ports = [80]' >bailey.toml
	"$BAILEY" config trust -y
	"$BAILEY" explain x >/dev/null
	chmod 777 "$HOME/.local/state/bailey/trust"
	run "$BAILEY" explain x
	[ "$status" -eq 125 ]
	[[ $output == *"can be written by others"* ]]
}

@test "config: no variable of the environment moves the administrator's file" {
	mkdir "$T/etc"
	echo 'limits.pids = 77' >"$T/etc/config.toml"
	for variable in BAILEY_ETC BAILEY_CONFIG XDG_CONFIG_DIRS; do
		run env "$variable=$T/etc" "$BAILEY" config path
		[[ ${lines[0]} == "/etc/bailey/config.toml"* ]]
		run env "$variable=$T/etc" "$BAILEY" config show
		[[ $output != *77* ]]
	done
}

@test "config: the administrator's file locks" {
	mkdir "$T/etc"
	printf 'locked = ["limits"]\nlimits.pids = 64\n' >"$T/etc/config.toml"
	in_etc()
	{
		# shellcheck disable=SC2016 # the inner shell expands
		unshare -rm sh -c 'mount -t tmpfs none /mnt && mkdir /mnt/up /mnt/work &&
			mount -t overlay -o lowerdir=/etc,upperdir=/mnt/up,workdir=/mnt/work none /etc &&
			mkdir -p /etc/bailey && cp -p "$T/etc/config.toml" /etc/bailey/ && exec "$@"' sh "$@"
	}
	export T
	run in_etc "$BAILEY" config show --origin
	[ "$status" -eq 0 ]
	[[ $output == *'limits.pids = 64'*'/etc/bailey/config.toml:2:8'* ]]
	run in_etc "$BAILEY" explain x --pids 100
	[ "$status" -eq 2 ]
	[[ $output == *"administrator has locked"* ]]
	chmod 666 "$T/etc/config.toml"
	run in_etc "$BAILEY" config show
	[ "$status" -eq 125 ]
	[[ $output == *"does not belong to root alone"* ]]
}

@test "explain: refuses projects and mounts that would give everything away" {
	run "$BAILEY" -C / explain x
	[ "$status" -eq 2 ]
	run "$BAILEY" -C "$HOME" explain x
	[ "$status" -eq 2 ]
	[[ $output == *"holds your home directory"* ]]
	run "$BAILEY" explain x --mount /:/host
	[ "$status" -eq 2 ]
	run "$BAILEY" explain x --mount "$HOME/.local/state/bailey:/s"
	[ "$status" -eq 2 ]
	mkdir -p "$HOME/.local/state/bailey"
	ln -s "$HOME/.local/state/bailey" "$T/link"
	run "$BAILEY" explain x --mount "$T/link:/s"
	[ "$status" -eq 2 ]
	run "$BAILEY" explain x --mount /srv:/proc
	[ "$status" -eq 2 ]
	run "$BAILEY" explain x --isolation vm
	[ "$status" -eq 125 ]
	[[ $output == *"use --isolation container"* ]]
}

@test "start: descriptors 0, 1 and 2 are valid whatever the caller closed" {
	export T
	"$BAILEY" version >"$T/out" 2>&1 <&-
	grep -q '^bailey ' "$T/out"
	run bash -c '"$BAILEY" nonsense 2>&- >"$T/out"; echo $?; wc -c <"$T/out"'
	[ "${lines[0]}" = 2 ]
	[ "${lines[1]}" = 0 ]
}

@test "start: output that cannot be written is an error" {
	run bash -c '"$BAILEY" help >/dev/full'
	[ "$status" -eq 125 ]
	[[ $output == *"No space left"* ]]
}
