/*
 * A terminal for tests: a pseudo terminal with a screen (libvterm) on one side and,
 * on the other, a little shell with job control that runs one command in the
 * foreground. So what is tested sees what it would see under a user's shell: a
 * process group of its own that is not orphaned, SIGTSTP from ctrl-z, SIGWINCH.
 *
 * Waits end when the condition is met, or fail after PTY_TIMEOUT_MS.
 */
#ifndef BAILEY_TESTS_LIB_PTYLIB_H
#define BAILEY_TESTS_LIB_PTYLIB_H

#include "base/buf.h"

#include <termios.h>

#define PTY_TIMEOUT_MS 30000

struct pty;

/* Runs fn(arg) as the command; its result is the exit status. */
struct pty *pty_start(unsigned rows, unsigned cols, int (*fn)(void *arg), void *arg);
/* Runs a program, found by PATH. */
struct pty *pty_start_argv(unsigned rows, unsigned cols, char *const *argv);
/* Kills what is left. */
void pty_free(struct pty *p);

pid_t pty_pid(const struct pty *p);
void pty_type(struct pty *p, const void *bytes, size_t n);
void pty_resize(struct pty *p, unsigned rows, unsigned cols);
/* Waits until text is in one line of the screen. */
bool pty_expect(struct pty *p, const char *text);
/* Waits until bytes have been put out since the last such wait. */
bool pty_expect_bytes(struct pty *p, const void *bytes, size_t n);
/* Waits until the terminal is raw (no ICANON, ECHO, ISIG), or is not. */
bool pty_expect_raw(struct pty *p, bool raw);
/* The settings, as the command sees them. */
struct termios pty_termios(const struct pty *p);
void pty_set_termios(struct pty *p, const struct termios *t);
/* Reads what is there. */
void pty_pump(struct pty *p, int timeout_ms);
bool pty_on_screen(struct pty *p, const char *text);
/* The screen's lines without trailing blanks. */
void pty_screen(struct pty *p, struct buf *out);
/* Everything that was put out. */
const struct buf *pty_bytes(const struct pty *p);
/* The command's next change: false after the time. *ret as from waitpid with WUNTRACED. After a
 * stop the shell has the terminal. */
bool pty_wait(struct pty *p, int *ret);
/* fg: gives the terminal to the command and continues it. */
void pty_continue(struct pty *p);

#endif
