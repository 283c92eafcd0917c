/* SPDX-License-Identifier: MIT
 *
 * What is known of a listener wherever connections come by it (cluster_listen.tag). */
#ifndef BROOD_BROOD_SYSTEM_LISTENER_TAG_H
#define BROOD_BROOD_SYSTEM_LISTENER_TAG_H

enum listener_tag_flags {
	LISTENER_PROXY = 1, /* a PROXY header comes first */
	LISTENER_TLS = 2,
};

#endif
