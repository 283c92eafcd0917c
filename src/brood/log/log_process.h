/* SPDX-License-Identifier: MIT
 *
 * The log process: an unprivileged child of the master, the only one that writes to access logs, and that
 * writes what workers and admin have to say to the error log. It has opened files from the master, and reads
 * what others have left in their queues (cluster/ipc/log_outlet.h), so it holds nothing that matters: when it
 * dies, another one goes on where it was. It lives as long as there is anybody to read from.
 *
 *     worker --lines in shared memory--> log process --write--> files
 *     master --opened files, queues (cluster/ipc/log_message.h)--^
 *
 *     log_process.c its life
 *     log_reader.c  one that has something to say
 *     log_writer.c  one log's file */
#ifndef BROOD_BROOD_LOG_LOG_PROCESS_H
#define BROOD_BROOD_LOG_LOG_PROCESS_H

struct privilege;

/* The child's life, with its end of the channel; returns its exit status (enum cluster_exit). */
int log_process_main(int channel, const struct privilege *privilege);

#endif
