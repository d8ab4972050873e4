/*
 * What the cell is built from, as data: made from a policy by cell_plan_make
 * (pure but for the names it is given), printed by `explain --verbose` and golden
 * tests, carried out by enter.c. Order matters: parents before children.
 */
#ifndef BAILEY_CELL_PLAN_H
#define BAILEY_CELL_PLAN_H

#include "policy/policy.h"

enum cell_op_kind {
	CELL_DIR,     /* mkdir -p dst */
	CELL_SYMLINK, /* dst -> src */
	CELL_FILE,    /* dst with the content data */
	CELL_COPY,    /* dst with the content of the host's small file src */
	CELL_SAME,    /* src as it is: a symlink is copied, a small file too, a directory bound */
	CELL_BIND,    /* dst shows the host's src */
	CELL_TMPFS,   /* an empty, writable directory in the sandbox's own memory */
	CELL_PROC,
	CELL_DEVPTS,
	CELL_OVERLAY,  /* dst shows src, changes go to layer/upper with layer/work */
	CELL_MASK,     /* dst, if it exists, appears empty and cannot be written */
	CELL_READONLY, /* dst, a directory made by an earlier operation, cannot be written */
	CELL_OP_MAX_,
};

enum cell_op_flag {
	CELL_RO = 1 << 0,
	CELL_NOEXEC = 1 << 1,
	CELL_OPTIONAL = 1 << 2, /* no src: skip */
	CELL_DEVICE = 1 << 3,	/* may be a device node: without nodev */
	CELL_USER_DATA =
		1 << 4, /* owned by the caller on the host: id-mapped when the cell's ids differ */
	CELL_STATE = 1 << 7,	/* in Bailey's own state, owned by the cell's ids */
	CELL_WRITABLE = 1 << 5, /* the inside may write here: a Landlock rule */
	CELL_VOLATILE = 1 << 6, /* overlay that will be thrown away: no syncing */
};

struct cell_op {
	enum cell_op_kind kind;
	unsigned flags;
	char *src;   /* host path, or a symlink's target */
	char *dst;   /* path inside */
	char *layer; /* CELL_OVERLAY: directory that holds upper/ and work/; NULL: memory, size
			bytes */
	char *data;
	uint64_t size; /* CELL_OVERLAY in memory: bytes */
	unsigned mode; /* of what is made; 0: 0755 */
};

struct cell_plan {
	struct cell_op *ops;
	size_t n_ops, cap_ops;
	char *hostname;
	enum conf_ids ids;
	uint32_t uid, gid; /* inside */
	struct conf_port *ports;
	size_t n_ports;
	uint64_t scratch; /* bytes of all CELL_TMPFS together; 0: half of the machine's memory */
	uint64_t pids, files; /* rlimits; 0: as it is */
	bool no_landlock;     /* --allow-degraded=landlock and it is missing */
};

/* Where the sandbox keeps what is its own. NULL home: a tmpfs. */
struct cell_dirs {
	const char *home;  /* host directory shown as the user's home */
	const char *layer; /* host directory with upper/ and work/; NULL: in memory */
};

int cell_plan_make(const struct policy *p, const struct cell_dirs *dirs, struct cell_plan **ret,
	struct err **err) MUST_CHECK;
void cell_plan_free(struct cell_plan *plan);
/* One line an operation. */
void cell_plan_print(const struct cell_plan *plan, FILE *out);
DEFINE_AUTO(struct cell_plan *, cell_plan_free)
#define AUTO_CELL_PLAN CLEANUP(cell_plan_freep)

#endif
