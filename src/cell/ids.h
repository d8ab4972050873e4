/*
 * Id maps of a new user namespace, written from outside. user_namespaces(7).
 */
#ifndef BAILEY_CELL_IDS_H
#define BAILEY_CELL_IDS_H

#include "base/err.h"

#include <sys/types.h>

/* 0..count-1 inside are base..base+count-1 on the host. Needs CAP_SETUID there. */
int ids_map_as_root(pid_t pid, uint32_t base, uint32_t count, struct err **err) MUST_CHECK;
/*
 * The caller's own id is uid inside; all others, 0 first, come from /etc/subuid and
 * /etc/subgid, by the setuid helpers newuidmap and newgidmap (package uidmap).
 */
int ids_map_range(pid_t pid, uint32_t uid, uint32_t gid, struct err **err) MUST_CHECK;

/*
 * Removes a tree that holds files of the caller's subordinate ids, which only the
 * root of a user namespace with those ids can: in a child in such a namespace.
 */
int ids_remove_tree(const char *path, struct err **err) MUST_CHECK;

#endif
