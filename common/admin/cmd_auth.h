/*
 * cmd_auth.h - what `kereru spf`, `dkim`, `arc` and `dmarc` have in common
 *
 * Options for the resolver and the clock, and reading of messages. These
 * commands play one check by hand or over a set of vectors; they read nothing
 * of a host's own files.
 */
#ifndef CMD_AUTH_H
#define CMD_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "common/query.h"

struct cmd_auth {
	char const *command;  /* for messages */
	char const *resolver; /* --resolver ADDRESS:PORT; NULL: the system's */
	char const *host;     /* --host NAME */
	int timeout_ms;	      /* --timeout MILLISECONDS */
	uint64_t now;	      /* --time SECONDS */
	unsigned bits_min;    /* --bits BITS */
	struct dns dns;
};

/* Defaults. */
void cmd_auth_init(struct cmd_auth *a, char const *command);

/*
 * Take the option at argv[*i] and move *i behind it.
 * 1 it was one of ours, 0 it is not, -1 its value is wrong (told).
 */
int cmd_auth_option(struct cmd_auth *a, int argc, char const *const *argv,
	int *i) __attribute__((warn_unused_result));

/* Get the resolver ready. False: told. */
bool cmd_auth_open(struct cmd_auth *a) __attribute__((warn_unused_result));
void cmd_auth_close(struct cmd_auth *a);
void cmd_auth_query(struct cmd_auth *a, struct query *query);

/*
 * Read a file, or standard input for "-", whole: *bytes_r is allocated. A
 * message without any CRLF has its LF line ends turned into CRLF, as mail
 * travels. False: told.
 */
bool cmd_auth_read(char const *path, char **bytes_r, size_t *len_r)
	__attribute__((warn_unused_result));
/* The same without changing line ends. */
bool cmd_auth_read_raw(char const *path, char **bytes_r, size_t *len_r)
	__attribute__((warn_unused_result));

/* The next line of standard input without its end; NULL at the end. Valid
 * until the next call. */
char *cmd_auth_line(void);
/* Cut a field off a line at the next tab; "" when there is none left. */
char *cmd_auth_field(char **line);

#endif
