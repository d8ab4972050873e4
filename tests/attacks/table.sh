#!/bin/sh
# The table of docs/attacks.md is the one that the tests have.
echo "1..1"
if "$BAILEY_BUILD/tests/attacks/attacks" --table | while IFS= read -r line; do
	grep -qxF -e "$line" docs/attacks.md || {
		echo "# not in docs/attacks.md: $line"
		exit 1
	}
done && [ "$(grep -c '^| ' docs/attacks.md)" -eq "$("$BAILEY_BUILD/tests/attacks/attacks" --table | grep -c '^| ')" ]; then
	echo "ok 1 - docs/attacks.md has the table of attacks"
else
	echo "# tests/attacks/attacks --table prints it"
	echo "not ok 1 - docs/attacks.md has the table of attacks"
	exit 1
fi
