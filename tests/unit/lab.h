/* A project, an upper layer and a state directory in a temporary place, made by hand. */
#ifndef BAILEY_TESTS_LAB_H
#define BAILEY_TESTS_LAB_H

#include "tap.h"
#include "workspace/change.h"
#include "workspace/staged.h"
#include "workspace/upper.h"

struct lab {
	char root[32];
	int dir;
	struct staged s; /* since: now, so what the host has already is old */
};

void lab_init(struct lab *l);
void lab_done(struct lab *l);
/* Files and directories below a descriptor; parents are made; exact modes. */
void lab_put(int dirfd, const char *path, const char *content, mode_t mode);
void lab_mkdir(int dirfd, const char *path, mode_t mode);
void lab_link(int dirfd, const char *path, const char *target);
void lab_mknod(int dirfd, const char *path, mode_t mode);
void lab_whiteout(int dirfd, const char *path);
void lab_opaque(int dirfd, const char *path);
void lab_xattr(int dirfd, const char *path, const char *name, const char *value);
/* The content, or NULL. Free it. */
char *lab_get(int dirfd, const char *path);
/* The changes; one line each: "added file a", in order. Free it. */
char *lab_scan(struct lab *l);
struct change_list *lab_changes(struct lab *l);
/* Waits until the clock that files are stamped with has moved on. */
void lab_tick(struct lab *l);

#endif
