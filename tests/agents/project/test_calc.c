#include "calc.h"

#include <stdio.h>

static int failed;

static void check(const char *what, int is, int wanted)
{
	if (is == wanted)
		return;
	printf("FAIL %s: %d, not %d\n", what, is, wanted);
	failed = 1;
}

int main(void)
{
	int n = 0;

	check("2 + 3", calc_add(2, 3), 5);
	check("7 - 4", calc_sub(7, 4), 3);
	check("6 * 7", calc_mul(6, 7), 42);
	check("9 / 0", calc_div(9, 0, &n), -1);
	check("9 / 2", calc_div(9, 2, &n), 0);
	check("9 / 2", n, 4);
	if (!failed)
		printf("all tests pass\n");
	return failed;
}
