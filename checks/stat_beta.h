/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The incomplete beta function, from which Student's law and exact intervals of a share come;
 * layer 3, pure. */
#ifndef PGVIGIL_CHECKS_STAT_BETA_H
#define PGVIGIL_CHECKS_STAT_BETA_H

/* The continued fraction F in I_x(a, b) = x^a (1-x)^b / (a B(a, b)) F (DLMF 8.17.22), by the method
 * of Lentz, to 1e-15; for a, b > 0 and x at most (a + 1) / (a + b + 2), beyond which
 * I_x(a, b) = 1 - I_{1-x}(b, a) converges. It needs about sqrt(max(a, b)) steps left of the mean;
 * after 200 000 it is returned as it is. */
double vg_beta_fraction(double a, double b, double x);

#endif
