/*
 * What the inside changed, as data: one `struct change` per path, sorted so that a
 * directory comes right before everything below it. Plain values, no descriptors;
 * paths are relative to the project, in the bytes that the inside chose: escape
 * before showing.
 */
#ifndef BAILEY_WORKSPACE_CHANGE_H
#define BAILEY_WORKSPACE_CHANGE_H

#include "digest.h"

#include <sys/stat.h>
#include <time.h>

enum change_kind {
	CHANGE_ADDED,
	CHANGE_MODIFIED,
	CHANGE_DELETED,
	CHANGE_TYPE, /* a file became a directory, a symlink became a file, ... */
	CHANGE_MODE, /* permission bits only */
	CHANGE_N_KINDS
};

enum node_type {
	NODE_NONE,
	NODE_FILE,
	NODE_DIR,
	NODE_SYMLINK,
	NODE_FIFO,
	NODE_SOCKET,
	NODE_DEVICE,
	NODE_N_TYPES
};

/* Why an entry never reaches the host, whatever the user accepts. */
enum refusal {
	REFUSED_NOT,
	REFUSED_SETID,
	REFUSED_FIFO,
	REFUSED_SOCKET,
	REFUSED_DEVICE,
	REFUSED_XATTR,
	REFUSED_UNREADABLE,
	REFUSED_LARGE,
	REFUSED_SPARSE,
	REFUSED_DEEP,
	REFUSED_RACE,
	REFUSED_BELOW,
	REFUSED_N
};

/* What became of an entry in `apply`. */
enum outcome {
	OUTCOME_NONE, /* not part of the apply, or still to be done */
	OUTCOME_APPLIED,
	OUTCOME_REFUSED,   /* see refusal */
	OUTCOME_CLASS,	   /* an exec-surface class of it was not accepted */
	OUTCOME_CONFLICT,  /* changed on the host meanwhile */
	OUTCOME_NOT_SHOWN, /* differs from what `bailey diff` showed */
	OUTCOME_CHANGED,   /* changed while it was being copied */
	OUTCOME_HELD,	   /* the deletion waits for the other half of the rename */
	OUTCOME_FAILED,	   /* see error */
	OUTCOME_N
};

struct node {
	enum node_type type;
	mode_t mode; /* 07777 */
	uint64_t size;
	uint64_t dev, ino;
	uint64_t nlink;
	uint64_t uid, gid;
	struct timespec ctime;
	bool hashed;
	unsigned char sha256[DIGEST_SIZE]; /* when hashed */
	char *target;			   /* of a symlink */
};

struct change {
	char *path;
	enum change_kind kind;
	struct node old; /* on the host; NODE_NONE when there is nothing */
	struct node new; /* in the upper layer; NODE_NONE when deleted */
	enum refusal refusal;
	unsigned classes; /* bits: 1 << enum surface_class */
	unsigned risks;	  /* of the content, STR_RISK_ */
	bool binary;
	bool conflict; /* the host's version is younger than the sandbox */
	/* When the layer's side was born: its inode, or that of what hides the host's side.
	   Zero when the file system does not tell. The inside cannot set it back. */
	struct timespec made;
	size_t rename; /* 1 + index of the other half (exact content), or 0 */
	enum outcome outcome;
	int error; /* errno of OUTCOME_FAILED */
};

struct change_list {
	struct change *v;
	size_t n;
	size_t cap;
	uint64_t path_bytes;
};

/* A new entry at the end; takes ownership of path. */
struct change *change_list_add(struct change_list *l, char *path, enum change_kind kind);
/* By path, '/' lowest, so that what is below a directory follows it at once. */
void change_list_sort(struct change_list *l);
int path_compare(const char *a, const char *b);
/* In a sorted list; or NULL. */
struct change *change_list_find(const struct change_list *l, const char *path);
void change_list_free(struct change_list *l);
DEFINE_AUTO(struct change_list *, change_list_free)
#define AUTO_CHANGES CLEANUP(change_list_freep)

void node_done(struct node *n);
void node_from_stat(struct node *n, const struct stat *st);
enum node_type node_type_of(mode_t mode);

/* "added", "file", "is a FIFO", ...: the words of --json and of the text. */
const char *change_kind_name(enum change_kind k);
const char *node_type_name(enum node_type t);
/* NODE_NONE when unknown. */
enum node_type node_type_parse(const char *name);
/* CHANGE_N_KINDS when unknown. */
enum change_kind change_kind_parse(const char *name);
const char *refusal_text(enum refusal r);
const char *outcome_text(enum outcome o);

/* Whether path is one of the filters or below one; no filters: every path. */
bool path_selected(const char *path, const char *const *filters, size_t n);

#endif
