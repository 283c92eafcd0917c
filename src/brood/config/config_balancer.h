/* SPDX-License-Identifier: MIT
 *
 * What a configuration means for a server behind load balancers. */
#ifndef BROOD_BROOD_CONFIG_CONFIG_BALANCER_H
#define BROOD_BROOD_CONFIG_CONFIG_BALANCER_H

#include "brood/config/configuration.h"
#include "brood/system/config_report.h"

#include <stdbool.h>

/* Whether connections that come by that address must begin with a PROXY header. */
bool config_balancer_wants_proxy(const struct config *config, const struct address *address);

/* Fills in config->proxy_trusted, and, with behind_lb, gives those settings that nobody has set (they
 * have no origin) values that suit a balancer. 0 or -ENOMEM. */
int config_balancer_settle(struct config *config, const struct origin *origins) __attribute__((warn_unused_result));

/* Tells, in a line each, of what will not do well behind a balancer. */
void config_balancer_advise(const struct config *config, void (*tell)(void *context, const char *line), void *context);

/* The same, in the error log. */
void config_balancer_warn(const struct config *config);

/* Gives back what config_balancer_settle has made. */
void config_balancer_free(struct config *config);

#endif
