/*
 * log.h - one event, one line, on standard error
 *
 * A line is logfmt: `smtpd event=accepted id=0k3v... from=a@example.org`.
 * It is at most PIPE_BUF octets, so that lines of many processes on one pipe
 * never mix, and is written without blocking: a logger that stands still
 * stops nobody. What could not be written is counted and told by the next
 * line that could (`dropped=N`). Values from outside are escaped here.
 */
#ifndef LOG_H
#define LOG_H

#include <stddef.h>
#include <stdint.h>

/* Octets of a line, its newline included: PIPE_BUF on Linux. */
#define LOG_LINE_MAX 4096
/* Octets kept of one value; the rest is cut. */
#define LOG_VALUE_MAX 512

struct log_line {
	size_t len;
	char text[LOG_LINE_MAX];
};

/*
 * Name the program that speaks; once, before the sandbox closes. Sets standard
 * error non-blocking if it is a pipe. name must stay valid.
 */
void log_open(char const *name);

/* Build a line piece by piece. id (of a queue file) may be NULL. */
void log_begin(struct log_line *line, char const *event, char const *id);
void log_text(
	struct log_line *line, char const *key, char const *s, size_t len);
void log_number(struct log_line *line, char const *key, uint64_t n);
void log_end(struct log_line *line);

/*
 * A whole line at once: pairs of key and NUL-ended value, ended by NULL.
 * log_event("died", id, "role", "auth", (char *)0);
 */
void log_event(char const *event, char const *id, ...)
	__attribute__((sentinel));

/* The same with strerror(errno) as `error`; keeps errno. */
void log_error(char const *event, char const *id, ...)
	__attribute__((sentinel));

#endif
