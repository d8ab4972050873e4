#!/bin/sh
# Completion offers the right words in the right places.
set -u
# shellcheck source=tools/lib.sh
. "$(dirname "$0")/../../tools/lib.sh"

: "${BAILEY:?the program under test}"
tmp=$(mktemp -d /var/tmp/bailey-complete.XXXXXX)
trap 'rm -rf "$tmp"' EXIT
HOME=$tmp
export HOME
unset XDG_STATE_HOME XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR
mkdir "$tmp/project"
cd "$tmp/project" || exit 1

# offers WANTED WORDS...: the offered words, in order, joined by commas.
offers()
{
	wanted=$1
	shift
	"$BAILEY" --complete "$@" 2>"$tmp/err" | cut -f 1 | paste -sd , >"$tmp/out"
	tap_check "after '$*'" [ "$(cat "$tmp/out")" = "$wanted" ]
	[ "$(cat "$tmp/out")" = "$wanted" ] || echo "# it offers $(cat "$tmp/out")"
	[ ! -s "$tmp/err" ] || tap_check "after '$*' nothing is said" false
}

offers completion comp
offers config conf
offers '' nonsense ''
offers :file config check ''
offers '' config check x ''
offers 'show,check,trust,untrust,schema,path' config ''
offers schema config sc
offers --origin config --or
offers --quiet --q
offers --quiet version --q
offers auto,always,never --color ''
offers always --color al
offers --color=auto,--color=always --color=a
offers auto,always --color = a
offers ':dir' -C ''
offers ':dir' --directory ''
offers ':file' run --mount ''
offers 'none,deny,balanced,allow,ask,record' run --net ''
offers '--net=none' run --net=n
offers '--seed' run --see
offers '--no-seed' run --no-s
offers ':file' run -- ''
offers ':file' run --memory 2G -- ls ''
offers 'bash,zsh,fish' completion ''
offers config -q --color never conf
offers '' run --memory ''
"$BAILEY" --complete '' | cut -f 1 | sort >"$tmp/offered"
bailey=$BAILEY
bailey_commands | sort >"$tmp/commands"
tap_check "every command is offered" [ -z "$(comm -13 "$tmp/offered" "$tmp/commands")" ]
tap_end
