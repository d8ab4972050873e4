/*
 * Between a command (client) and the supervisor, by ipc/msg over STATE/ctl or the
 * socket pair of the command that started it. Only the same user gets an answer
 * (SO_PEERCRED), and nothing of it is reachable from inside.
 *
 *   SUP_EXEC     u32 flags, u32 rows, u32 cols, str label, str cwd, strs argv, strs env;
 *                without SUP_TTY and SUP_DETACH: descriptors stdin, stdout, stderr of the
 *                inside, pipes made by the client.
 *                Answer: SUP_STARTED, then SUP_STOPPED... SUP_EXITED
 *   SUP_ATTACH   u32 session (0: the newest with a terminal), u32 read_only, u32 rows, u32 cols.
 *                Answer: SUP_STARTED, then as above
 *   SUP_SIGNAL   u32 session, u32 signal
 *   SUP_LEAVE    u32 session: the client goes, the session stays
 *   SUP_LIST     answer SUP_TEXT: JSON
 *   SUP_STOP     u32 seconds of grace. Answer: the connection ends when all is over
 *
 *   SUP_STARTED  u32 session; with a terminal the descriptor of a relay's stream
 *   SUP_FAILED   u32 exit status for the client, u32 errno, str text, str hint
 *   SUP_STOPPED, SUP_CONTINUED   u32 session
 *   SUP_OVER     u32 changed: the sandbox is gone, nothing of it runs; changed: a one-shot
 *                sandbox's staged changes went with it. Sent to clients that have shut
 *                down their sending side; to all others the end of the connection says it
 *   SUP_EXITED   u32 session, u32 exit status (128+n for a signal), str reason ("" or why the
 *                sandbox ended it: "timeout")
 */
#ifndef BAILEY_SESSION_PROTO_H
#define BAILEY_SESSION_PROTO_H

enum sup_msg {
	SUP_EXEC = 1,
	SUP_ATTACH,
	SUP_SIGNAL,
	SUP_LEAVE,
	SUP_LIST,
	SUP_STOP,
	SUP_STARTED = 50,
	SUP_FAILED,
	SUP_STOPPED,
	SUP_CONTINUED,
	SUP_EXITED,
	SUP_TEXT,
	SUP_OVER,
};

enum sup_exec_flag {
	SUP_TTY = 1 << 0,
	SUP_DETACH = 1 << 1, /* nobody attached; output goes to the log */
	SUP_HANGUP = 1 << 2, /* ends with its client, unless that says SUP_LEAVE */
	SUP_MAIN = 1 << 3,   /* the sandbox ends with it */
};

#define SUP_MAX_ARGS 32768

#endif
