/*
 * The driver of the attacks. Each row of the table is tried twice: outside, where
 * it must work (the control), and inside, where it must not. A control that does
 * not work fails the test, unless the row names the reason that this machine or an
 * ordinary user gives, which then stands in the test's name.
 */
#ifndef BAILEY_TESTS_ATTACKS_H
#define BAILEY_TESTS_ATTACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* What shows that an attack worked, when the probe's own word is not what counts. */
enum effect {
	BY_STATUS,    /* the probe's exit status is the verdict */
	EVIL_IN,      /* the host's file @arg has the word "evil" */
	SUID_ON,      /* the host's file @arg has a setuid or setgid bit */
	FIFO_AT,      /* the host's @arg is a FIFO */
	EXISTS,	      /* the host's @arg exists */
	MISSING,      /* the host's @arg is gone */
	SLEEPER_DEAD, /* the victim on the host has ended */
	PTY_WRITTEN,  /* bytes came out of the host's pty */
	UDP_RECEIVED, /* a packet came */
	TYPED,	      /* bytes lie in the input of the caller's terminal */
	PRINTED, /* the bytes of @arg (\e, \a, \5 as probe print) came out of the caller's terminal
		  */
	STARVED, /* the host could not watch a file when "ready" */
	LINGERS, /* a process with the mark @arg is left on the host */
};

enum flag {
	ON_TTY = 1 << 0,	/* stdin, stdout and stderr are a terminal */
	STDIN_FILE = 1 << 1,	/* stdin is the host's @T/notes, open for reading */
	STDIN_DIR = 1 << 2,	/* stdin is the host's directory @T */
	ROOT_ONLY = 1 << 3,	/* the kernel refuses it to an ordinary user anyway */
	MAY_LACK = 1 << 4,	/* the kernel may have been built without it */
	NO_PROBE = 1 << 5,	/* argv is a program of the host's */
	HOST_REPLACES = 1 << 6, /* when "ready", the host renames files over two .env */
	HOST_WATCHES = 1 << 7,	/* when "ready", the host wants to watch a file (inotify) */
};

struct attack {
	const char *row;     /* of the catalogue */
	const char *text;    /* what is tried */
	const char *argv[8]; /* of the probe, with @places */
	unsigned flags;
	enum effect effect;
	const char *arg;	/* of the effect */
	const char *options[6]; /* of bailey run */
	const char *control[8]; /* argv of the control, where it differs */
	const char *says;	/* bailey refuses to start it, with these words */
};

extern const struct attack attacks[];
extern const size_t n_attacks;

/* stage.c: what is attacked, all of it made here. Ends the program when it cannot be made. */
struct stage {
	char base[64];	  /* @T */
	char home[80];	  /* @H */
	char project[96]; /* @P */
	char probe[160];  /* in the project */
	const char *probe_from;
	pid_t driver;  /* this program, not a child of it */
	pid_t sleeper; /* @SLEEPER */
	int pty;       /* master; @PTS is the other end's path */
	char pts[64];
	int tcp4, tcp6, udp4; /* ports: @TCP4 @TCP6 @UDP4 */
	int udp_fd;
	int vsock;	    /* @VSOCK, or -1 */
	char mark[64];	    /* @MARK */
	int tty, tty_slave; /* the caller's terminal, for ON_TTY */
};
extern struct stage stage;

void stage_make(const char *probe);
/* As new: the project, the secrets, the victim. Before each attack. */
void stage_reset(enum effect e, const char *arg);
void stage_drop(void);
/* What the host does when the probe says "ready": HOST_REPLACES, as editors save; HOST_WATCHES. */
void stage_cue(unsigned flags);
/* With @places put in; a new string. */
char *stage_expand(const char *s);
bool stage_effect(enum effect e, const char *arg, const char *printed, size_t n);
/* Never returns without the message. */
__attribute__((noreturn)) void die(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif
