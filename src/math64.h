/*
 * math64.h: elementary functions in double precision, for tables made at load and for positions.
 * libm differs between hosts; these do not. Errors below 1e-14 relative (absolute for sin and cos) in
 * the ranges given, tested in tests/c/test_math.c.
 */
#ifndef RZ_MATH64_H
#define RZ_MATH64_H

#include "base.h"

double rz_exp64(double x);                           /* -700 <= x <= 700 */
double rz_log64(double x);                           /* normal x > 0 */
void rz_sincos64(double x, double *sin, double *cos); /* |x| <= 2^27 */

#endif
