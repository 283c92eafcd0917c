/* SPDX-License-Identifier: MIT
 *
 * Opening what lies beneath a folder without leaving it, where the kernel cannot be told so in one call (openat2): the
 * path is gone along component by component, each being opened as itself, never through a link. What a link says is
 * read and stands in its place, beneath the same folder. ".." goes back to the folder that was come from, which is
 * still open, never to what may be above by now: whatever is renamed meanwhile, nothing leads out.
 *
 * The answers are those of openat2 with RESOLVE_BENEATH and RESOLVE_NO_MAGICLINKS (or RESOLVE_NO_SYMLINKS), but that
 *   - links of others in folders that everybody may write to are refused as with fs.protected_symlinks, whether that is
 *     set or not;
 *   - no link in /proc is followed but those at its top;
 *   - a link that leads up by more than PATH_WALK_PARENTS folders, or together with others is very long, is
 *     -ENAMETOOLONG. */
#ifndef BROOD_BASE_PATH_WALK_H
#define BROOD_BASE_PATH_WALK_H

#include <stdbool.h>

enum { PATH_WALK_PARENTS = 64 }; /* so many descriptors at most are open meanwhile, beside the result */

/* Opens `name` beneath the folder `root`, which is borrowed, with flags of open(2), without O_CREAT; O_CLOEXEC is
 * added. An fd or -errno: -ELOOP: a link that is not followed, or too many; -EXDEV: it leads out; -EAGAIN: what was
 * looked at became something else meanwhile. Waits for nobody if `flags` do not. Any process. */
int path_walk_open(int root, const char *name, int flags, bool no_links) __attribute__((warn_unused_result));

#endif
