#!/bin/sh
# The attacks, as the caller; as root also as an ordinary user, and that comes first.
# Usage: run.sh BAILEY INIT ATTACKS PROBE [ROW]. One TAP stream.
#
# The programs are copied to a place that the ordinary user can read. The user is
# $BAILEY_TEST_USER, or the first of /etc/passwd with a number from 1000 on and a shell.
set -eu

bailey=$1 init=$2 attacks=$3 probe=$4
shift 4

[ "$(id -u)" -eq 0 ] || exec "$attacks" "$bailey" "$probe" "$@"

place=$(mktemp -d /tmp/bailey-attacks-bin.XXXXXX)
trap 'rm -rf "$place"' EXIT INT TERM
chmod 755 "$place"
mkdir "$place/cli" "$place/init"
cp "$bailey" "$place/cli/bailey"
cp "$init" "$place/init/bailey-init"
cp "$attacks" "$probe" "$place/"
attacks=$place/$(basename "$attacks") probe=$place/$(basename "$probe")

user=${BAILEY_TEST_USER:-$(awk -F: '$3 >= 1000 && $3 < 60000 && $7 !~ /nologin|false/ { print $1; exit }' /etc/passwd)}
if [ -z "$user" ]; then
	echo "Bail out! there is no ordinary user to attack as: set BAILEY_TEST_USER"
	exit 1
fi

status=0
cd /
# Both streams become one: the numbers of the second go on after the first's.
{
	setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
		env USER="$user" LOGNAME="$user" "$attacks" "$place/cli/bailey" "$probe" "$@" || echo "# status $?"
	echo "# as root"
	"$attacks" "$place/cli/bailey" "$probe" "$@" || echo "# status $?"
} >"$place/tap"
awk '
	/^1\.\./ { plans++; next }
	/^# as root/ { who = "root: "; next }
	/^(not )?ok / {
		n++
		sub(/ok [0-9]+ - /, "ok " n " - " (who ? who : "user: "))
	}
	/^(not ok|Bail out)/ { bad = 1 }
	{ print }
	END {
		print "1.." n
		exit bad || plans != 2
	}
' "$place/tap" || status=1
exit $status
