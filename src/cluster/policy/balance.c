/* SPDX-License-Identifier: MIT
 *
 * Who steps back from a shared listening socket (balance.h). Workers in mode shared. */
#include "cluster/policy/balance.h"

bool balance_steps_back(uint64_t own, uint64_t total, unsigned workers)
{
	uint64_t mean, slack;

	if (workers < 2)
		return false;
	mean = total / workers;
	slack = mean / 8 > 4 ? mean / 8 : 4;
	return own > mean + slack;
}
