# Sourced by the other scripts here: where the project is, and which files are its own.
# shellcheck shell=sh
top=$(cd "$(dirname "$0")/.." && pwd)

# own_files PATTERN...: the project's files under the working tree that match, one per
# line. By find rather than by git, so that a copy without .git is checked as well.
own_files()
{
	(
		cd "$top" || exit 1
		for pattern; do
			find . -path ./build -prune -o -path ./.git -prune -o \
				-name node_modules -prune -o -type f -name "$pattern" -print
		done | sed 's|^\./||' | sort -u
	)
}
