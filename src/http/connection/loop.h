/* SPDX-License-Identifier: MIT
 *
 * libevent with its struct event made visible, to be embedded. Its header spells out queue(3)'s
 * LIST_ENTRY unless somebody has a macro of that name, as base/list.h does. */
#ifndef BROOD_HTTP_CONNECTION_LOOP_H
#define BROOD_HTTP_CONNECTION_LOOP_H

#pragma push_macro("LIST_ENTRY")
#undef LIST_ENTRY
#include <event2/event.h>
#include <event2/event_struct.h>
#pragma pop_macro("LIST_ENTRY")

#endif
