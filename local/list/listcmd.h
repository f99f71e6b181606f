/*
 * listcmd.h - what mail to LIST-request asks for
 *
 * The subject if it is a command, else the lines of the text: one command a
 * line, up to the first that is none. Pure.
 */
#ifndef LISTCMD_H
#define LISTCMD_H

#include <stdbool.h>
#include <stddef.h>
#include "local/list/members.h"

/* Commands of one message. */
#define LISTCMD_MAX 10

enum listcmd_verb {
	LISTCMD_NONE,
	LISTCMD_HELP,
	LISTCMD_SUBSCRIBE,
	LISTCMD_UNSUBSCRIBE,
	LISTCMD_SET, /* mode */
	LISTCMD_CONFIRM,
	LISTCMD_WHO,	/* these three for owners */
	LISTCMD_ADD,	/* word: an address */
	LISTCMD_REMOVE, /* the same */
	LISTCMD_END
};

struct listcmd {
	enum listcmd_verb verb;
	enum member_mode mode; /* of SUBSCRIBE, SET and ADD */
	char const *word;      /* an address, or a token; or empty */
	size_t word_len;
};

/* One line, without its end. */
struct listcmd listcmd_line(char const *s, size_t len);

/* All of a message: its decoded subject and text. Returns how many; 0: there
 * is none. */
size_t listcmd_read(char const *subject, size_t subject_len, char const *text,
	size_t text_len, struct listcmd list_r[LISTCMD_MAX]);

#endif
