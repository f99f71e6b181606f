/*
 * session.h - one IMAP session after login
 *
 * Reads commands, hands them to their functions (commands.h) and answers. A
 * command's function writes its untagged responses and leaves the tagged one
 * with session_reply; before that goes out, the session tells what has changed
 * in the mailbox meanwhile.
 */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skalibs/stralloc.h>

#include "common/stream.h"
#include "common/boxname.h"
#include "imapd/command.h"
#include "imapd/mailbox.h"
#include "imapd/reader.h"
#include "imapd/saved.h"

#define SESSION_REPLY_MAX 512

struct notify;
struct relay;

struct session {
	struct stream *stream;
	int root_fd;	  /* the maildir; the working directory too */
	char const *host; /* for names of files */
	/* Of a mailbox that others share: who asks (NULL: its owner), whether
	 * the host has named him as its administrator, or as one of those who
	 * may use it as its ACL says. */
	char const *asker;
	bool asker_administers, asker_takes_part;
	char const *owner; /* the mailbox's address; empty: by hand */
	uint64_t append_max;
	bool ended;    /* no further command is read */
	bool compress; /* from the answer on: COMPRESS (RFC 4978) */

	/* What the client has switched on by ENABLE (RFC 5161). */
	bool rev2; /* RFC 9051: no RECENT, ESEARCH always */
	bool utf8; /* names and strings in UTF-8 (RFC 9755; rev2 has it too) */
	bool uid_only; /* RFC 9586 */
	/* RFC 7162: changes are told with UID and MODSEQ; VANISHED in place of
	 * EXPUNGE. */
	bool condstore, qresync;

	struct notify *notify; /* NULL until NOTIFY is used (RFC 5465) */

	/* The table of shared mailboxes (share.h), or NULL; the imapd of the
	 * one that is selected, its name in name, or NULL. */
	char const *shared;
	struct relay *remote;

	bool selected;
	unsigned rights; /* to it: rights.h; as of the command in hand */
	struct mailbox mailbox;
	char name[BOXNAME_MAX + 1];
	size_t told_exists, told_recent;
	bool just_told;	    /* all of it: SELECT */
	struct saved saved; /* `$` */

	struct reader reader;
	struct command command;
	bool no_expunge; /* of the command in hand */
	char const *status;
	char reply[SESSION_REPLY_MAX];
	char const *code; /* a long response code, or NULL */
	stralloc out;	  /* the response that is being written */
	stralloc bits;	  /* the messages of a set, one bit each */
};

/* Serve until the end. greeting: what comes first, NULL for nothing. */
void session_run(struct session *s, char const *greeting);

/* Leave the tagged answer: status "OK", "NO" or "BAD", text as by printf. */
void session_reply(struct session *s, char const *status, char const *format,
	...) __attribute__((format(printf, 3, 4)));

/* NO, for what errno says; logged if it is our own trouble. */
void session_reply_errno(struct session *s, char const *what);

/* BAD: the arguments cannot be understood. */
void session_reply_syntax(struct session *s);

/* Send text as it is. */
void session_puts(struct session *s, char const *text);
void session_printf(struct session *s, char const *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Send s->out, which is emptied. */
void session_send(struct session *s);

/* Read the name of a mailbox behind a blank. False: answered already. */
bool session_mailbox_name(struct session *s, char *name_r)
	__attribute__((warn_unused_result));

/*
 * The messages of a set as s->bits. False: answered already.
 */
bool session_set(struct session *s, struct lex_text const *set, bool uid)
	__attribute__((warn_unused_result));
static inline bool
session_has(struct session const *s, size_t i)
{
	return (unsigned char)s->bits.s[i / 8] >> (i % 8) & 1;
}

/* Begin a response that tells of message i in out: "* 3 FETCH (", or by its
 * UID (RFC 9586). False: memory is out. */
bool session_fetch(struct session const *s, size_t i, stralloc *out)
	__attribute__((warn_unused_result));

/* Append "(\Seen $Forwarded)" of message i to out. */
bool session_flags(struct session const *s, size_t i, stralloc *out)
	__attribute__((warn_unused_result));

/* A command that knows of MODSEQ was given (RFC 7162, 3.1): from now on they
 * are told. */
void session_condstore(struct session *s);

/* Append "UID 4 MODSEQ (65402) " to what tells a change of message i, as far as
 * the client wants it. uid: the UID in any case. */
bool session_modseq(struct session const *s, size_t i, bool uid, stralloc *out)
	__attribute__((warn_unused_result));

/* Look for changes and tell them. */
void session_sync(struct session *s, bool may_expunge);

/* Let go of the mailbox. */
void session_unselect(struct session *s);

#endif
