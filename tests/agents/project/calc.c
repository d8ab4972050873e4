#include "calc.h"

int calc_add(int a, int b)
{
	return a + b;
}

int calc_sub(int a, int b)
{
	return b - a;
}

int calc_mul(int a, int b)
{
	return a * b;
}

int calc_div(int a, int b, int *ret)
{
	if (b == 0)
		return -1;
	*ret = a / b;
	return 0;
}
