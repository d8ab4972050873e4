/*
 * The relay of one terminal session: a process of its own, confined to reading,
 * writing and polling what it already holds, because everything that it parses
 * comes from inside. It owns the pty's host side, keeps the screen (libvterm), a
 * bounded log, and any number of clients. Forked by the supervisor.
 *
 * Packets between relay and client (SOCK_SEQPACKET, first byte is the type):
 *   client to relay   'i' input bytes, 'w' rows,cols (2 x u16), 'd' detach,
 *                     'r' redraw: the client's terminal is fresh again
 *   relay to client   'o' output bytes, already filtered
 * The relay closes a client's socket when the session's output has ended and all
 * of it has been sent. A client that sends anything else is closed.
 *
 * While an interactive client's queue is over RELAY_QUEUE_MAX the pty is not read:
 * the session waits for its user's terminal, as it would without us. A read-only
 * client that falls behind so far loses its queue and gets the screen afresh. The
 * window has the size of the writer who was last active (attached, typed, resized).
 *
 * The log holds filtered output. When it is over twice log_max, its last log_max
 * bytes, from the start of a line, are moved to its front: readers see it shrink.
 */
#ifndef BAILEY_SESSION_RELAY_H
#define BAILEY_SESSION_RELAY_H

#include "base/err.h"

enum relay_msg {       /* supervisor to relay, by ipc/msg */
	RELAY_ADD = 1, /* u32 read_only, u32 filter, u32 redraw, u32 rows, u32 cols, fd: a client */
	RELAY_FINISH,  /* the command has ended: drain what is there, flush, exit 0 */
};

struct relay_args {
	int master;	  /* the pty */
	int control;	  /* from the supervisor; its end means exit at once */
	int log;	  /* opened for reading and writing, or -1; not shared */
	uint64_t log_max; /* bytes; older output is dropped at twice this */
	unsigned rows, cols;
};

/* Confines itself and never returns. Exit status 0 after RELAY_FINISH. */
NORETURN void relay_main(const struct relay_args *args);

/* Biggest packet on a client's socket. */
#define RELAY_PACKET_MAX 65536
#define RELAY_QUEUE_MAX (256 * 1024)
#define RELAY_CLIENTS_MAX 32
/* At the end, a client that takes nothing for so long is given up. */
#define RELAY_STUCK_MS 2000

#endif
