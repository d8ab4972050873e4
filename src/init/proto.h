/*
 * Between the supervisor and bailey-init, by ipc/msg over descriptor 3.
 *
 *   INIT_START   to init: u32 session, u32 tty, u32 set_ids, u32 uid, u32 gid, str cwd,
 *                strs argv, strs env; descriptors: the terminal, or stdin, stdout, stderr
 *   INIT_SIGNAL  to init: u32 session, u32 signal: to its foreground group, or its own
 *   INIT_STARTED from init: u32 session, u32 pid (inside)
 *   INIT_FAILED  from init: u32 session, u32 errno, u32 stage
 *   INIT_STOPPED, INIT_CONTINUED, INIT_EXITED
 *                from init: u32 session, u32 status: as in waitid(2), u32 signal (0: exited)
 *
 * What comes from init is believed only as far as it is these numbers: the inside is
 * hostile, and init lives there. No descriptor is ever accepted from it.
 */
#ifndef BAILEY_INIT_PROTO_H
#define BAILEY_INIT_PROTO_H

enum init_msg {
	INIT_START = 200,
	INIT_SIGNAL,
	INIT_STARTED,
	INIT_FAILED,
	INIT_STOPPED,
	INIT_CONTINUED,
	INIT_EXITED
};

enum init_stage {
	INIT_STAGE_FORK,
	INIT_STAGE_TERMINAL,
	INIT_STAGE_IDS,
	INIT_STAGE_CWD,
	INIT_STAGE_EXEC
};

#define INIT_CONTROL_FD 3
#define INIT_MAX_ARGS 32768

#endif
