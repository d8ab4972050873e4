#ifndef CALC_H
#define CALC_H

int calc_add(int a, int b);
int calc_sub(int a, int b);
int calc_mul(int a, int b);
/* 0 and *ret, or -1 when b is zero. */
int calc_div(int a, int b, int *ret);

#endif
