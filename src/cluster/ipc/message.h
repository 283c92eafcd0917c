/* SPDX-License-Identifier: MIT
 *
 * What master and workers say to each other over a worker's channel. Fixed-size structs in host order,
 * both ends being on one machine; whoever receives checks sizes and counts. */
#ifndef BROOD_CLUSTER_IPC_MESSAGE_H
#define BROOD_CLUSTER_IPC_MESSAGE_H

#include <stdint.h>

enum message_type {
	/* worker to master */
	MESSAGE_READY = 1,   /* no data: the worker has answered its own probe */
	MESSAGE_GIVE,        /* struct message_connections: as MESSAGE_CONNECTIONS, for somebody else */
	MESSAGE_HANDED_OVER, /* no data: it accepts nothing, and holds only what cannot move */
	MESSAGE_REPLACE,     /* no data: somebody asked this worker to leave; it serves until it is to drain */
	MESSAGE_HEARD,       /* struct message_heard: what became of a broadcast that wants an answer */
	MESSAGE_CUT,         /* struct message_cut: what came of MESSAGE_ABORT; it leaves now */

	/* both ways, about connections that were given */
	MESSAGE_TAKEN = 8, /* struct message_ids: these are the sender's now */
	MESSAGE_REFUSED,   /* struct message_ids: these are not; nothing was read from them */

	/* master to worker */
	MESSAGE_CONNECTIONS = 16, /* struct message_connections + as many descriptors + states */
	MESSAGE_DRAIN,            /* no data: accept no more, give connections away, leave at last */
	MESSAGE_STOP,             /* no data: the same, and close what is idle */
	MESSAGE_ADOPT = 20,       /* struct message_sockets + descriptors: accept on these too */
	MESSAGE_RELEASE,          /* struct message_sockets, only the slot counts: no longer */
	MESSAGE_BOARD,            /* struct message_board + a descriptor: a record of a slot's scoreboard */
	MESSAGE_BROADCAST,        /* struct message_broadcast + the program's own octets and descriptors */
	MESSAGE_LEAVING,          /* no data: the whole server will stop soon; tell clients, and go on serving */
	MESSAGE_ABORT,            /* no data: end at once what is in flight, log it, say how much, leave */
	MESSAGE_LISTENERS,        /* struct message_sockets, no slot, no descriptors: these listen now, and no others */
};

enum { MESSAGE_BATCH = 64 }; /* no more than BROOD_CHANNEL_FDS_MAX */

struct message_ids {
	uint32_t count, unused;
	uint64_t ids[MESSAGE_BATCH];
};

/* Only `count` of the entries are sent; right behind them come the states, in the same order. */
struct message_connections {
	uint32_t count, unused;
	struct {
		uint64_t id;
		uint32_t listener;
		uint32_t state_size; /* octets; 0 for a new connection */
	} each[MESSAGE_BATCH];
};

struct message_sockets {
	uint32_t slot; /* whose sockets they are */
	uint32_t count;
	uint32_t listeners[MESSAGE_BATCH];
};

struct message_board {
	uint32_t slot, record;
};

struct message_broadcast {
	uint32_t kind;     /* the program's numbers */
	uint32_t question; /* its number; 0: no answer is wanted */
};

struct message_heard {
	uint32_t question, taken; /* 1: yes, 0: no */
};

struct message_cut {
	uint32_t requests;
};

#endif
