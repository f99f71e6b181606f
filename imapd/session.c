/* One IMAP session; see session.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "imapd/capabilities.h"
#include "imapd/commands.h"
#include "imapd/context.h"
#include "imapd/deflate.h"
#include "imapd/naming.h"
#include "imapd/notify.h"
#include "imapd/permit.h"
#include "imapd/session.h"
#include "imapd/shared.h"
#include "imapd/tree.h"

/* A larger buffer is given back after the command. */
#define OUT_KEEP 65536

void
session_reply(struct session *s, char const *status, char const *format, ...)
{
	va_list args;

	s->status = status;
	s->code = NULL;
	va_start(args, format);
	(void)vsnprintf(s->reply, sizeof s->reply, format, args);
	va_end(args);
}

void
session_reply_errno(struct session *s, char const *what)
{
	int const error = errno;

	switch (error) {
	case ENOSPC:
	case EDQUOT:
		session_reply(s, "NO", "[OVERQUOTA] No space left");
		break;
	case ENOENT:
		session_reply(s, "NO", "[NONEXISTENT] No such mailbox");
		break;
	case EEXIST:
		session_reply(s, "NO", "[ALREADYEXISTS] Mailbox exists");
		break;
	case EAGAIN:
		session_reply(s, "NO", "[INUSE] Mailbox is locked, try later");
		break;
	case EACCES:
	case EPERM:
	case EROFS:
		session_reply(s, "NO", "[NOPERM] Permission denied");
		break;
	default:
		session_reply(
			s, "NO", "[UNAVAILABLE] %s failed, try later", what);
	}
	errno = error;
	if (error != ENOENT && error != EEXIST)
		log_error("failed", NULL, "what", what, (char *)0);
}

void
session_reply_syntax(struct session *s)
{
	session_reply(s, "BAD", "Arguments not understood");
}

void
session_puts(struct session *s, char const *text)
{
	(void)stream_puts(s->stream, text);
}

void
session_printf(struct session *s, char const *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text, format, args);
	va_end(args);
	(void)stream_puts(s->stream, text);
}

void
session_send(struct session *s)
{
	(void)stream_write(s->stream, s->out.s, s->out.len);
	s->out.len = 0;
}

bool
session_mailbox_name(struct session *s, char *name_r)
{
	struct lex_text name;

	if (!lex_space(&s->command.lex) ||
		!lex_astring(&s->command.lex, &name)) {
		session_reply_syntax(s);
		return false;
	}
	if (!naming_in(s->utf8, name.s, name.len, name_r)) {
		session_reply(s, "NO", "[CANNOT] Not a valid mailbox name");
		return false;
	}
	return true;
}

void
session_unselect(struct session *s)
{
	if (s->selected)
		mailbox_close(&s->mailbox);
	s->selected = false;
	shared_unselect(s);
	saved_clear(&s->saved);
	context_clear();
	s->told_exists = s->told_recent = 0;
}

static void
no_arguments(struct session *s, char const *text)
{
	if (lex_end(&s->command.lex))
		session_reply(s, "OK", "%s", text);
	else
		session_reply_syntax(s);
}

static void
cmd_noop(struct session *s)
{
	no_arguments(s, "NOOP completed");
}

static void
cmd_check(struct session *s)
{
	no_arguments(s, "CHECK completed");
}

static void
cmd_capability(struct session *s)
{
	session_puts(s, "* CAPABILITY ");
	session_puts(s, capabilities);
	session_puts(s, "\r\n");
	no_arguments(s, "CAPABILITY completed");
}

static void
cmd_logout(struct session *s)
{
	no_arguments(s, "LOGOUT completed");
	if (s->status[0] != 'O')
		return;
	session_unselect(s);
	session_puts(s, "* BYE Goodbye\r\n");
	s->ended = true;
}

static void
cmd_compress(struct session *s)
{
	struct lex *const l = &s->command.lex;
	struct lex_text word;

	if (!lex_space(l) || !lex_atom(l, &word) || !lex_end(l))
		session_reply_syntax(s);
	else if (s->stream->layer != NULL)
		session_reply(s, "NO",
			"[COMPRESSIONACTIVE] DEFLATE is active already");
	else if (!lex_is(&word, "DEFLATE"))
		session_reply(s, "BAD", "Only DEFLATE");
	else {
		s->compress = true;
		session_reply(s, "OK", "DEFLATE active");
	}
}

/* "NIL" or "(field value ...)". */
static bool
id_arguments(struct lex *l)
{
	struct lex_text text;

	if (!lex_space(l))
		return false;
	if (!lex_char(l, '('))
		return lex_value(l, &text) && text.s == NULL && lex_end(l);
	while (!lex_char(l, ')'))
		if (!lex_string(l, &text) || !lex_space(l) ||
			!lex_value(l, &text) ||
			(lex_peek(l) != ')' && !lex_space(l)))
			return false;
	return lex_end(l);
}

/* RFC 2971: we take note of nothing and tell our name. */
static void
cmd_id(struct session *s)
{
	if (!id_arguments(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	session_puts(s, "* ID (\"name\" \"Kereru\")\r\n");
	session_reply(s, "OK", "ID completed");
}

enum need {
	ANY,
	SELECTED,
	SELECTED_KEEP /* and no EXPUNGE may be told (RFC 3501, 7.4.1) */
};

static struct {
	void (*run)(struct session *s);
	enum need need;
} const table[COMMAND_UNKNOWN] = {
	[COMMAND_CANCELUPDATE] = {cmd_cancelupdate, SELECTED},
	[COMMAND_CAPABILITY] = {cmd_capability, ANY},
	[COMMAND_CHECK] = {cmd_check, SELECTED},
	[COMMAND_CLOSE] = {cmd_close, SELECTED},
	[COMMAND_COMPRESS] = {cmd_compress, ANY},
	[COMMAND_COPY] = {cmd_copy, SELECTED},
	[COMMAND_CREATE] = {cmd_create, ANY},
	[COMMAND_DELETE] = {cmd_delete, ANY},
	[COMMAND_DELETEACL] = {cmd_deleteacl, ANY},
	[COMMAND_ENABLE] = {cmd_enable, ANY},
	[COMMAND_EXAMINE] = {cmd_examine, ANY},
	[COMMAND_EXPUNGE] = {cmd_expunge, SELECTED},
	[COMMAND_FETCH] = {cmd_fetch, SELECTED_KEEP},
	[COMMAND_GETACL] = {cmd_getacl, ANY},
	[COMMAND_GETMETADATA] = {cmd_getmetadata, ANY},
	[COMMAND_GETQUOTA] = {cmd_getquota, ANY},
	[COMMAND_GETQUOTAROOT] = {cmd_getquotaroot, ANY},
	[COMMAND_ID] = {cmd_id, ANY},
	[COMMAND_IDLE] = {cmd_idle, ANY},
	[COMMAND_LIST] = {cmd_list, ANY},
	[COMMAND_LISTRIGHTS] = {cmd_listrights, ANY},
	[COMMAND_LOGOUT] = {cmd_logout, ANY},
	[COMMAND_LSUB] = {cmd_lsub, ANY},
	[COMMAND_MOVE] = {cmd_move, SELECTED},
	[COMMAND_MYRIGHTS] = {cmd_myrights, ANY},
	[COMMAND_NAMESPACE] = {cmd_namespace, ANY},
	[COMMAND_NOOP] = {cmd_noop, ANY},
	[COMMAND_NOTIFY] = {cmd_notify, ANY},
	[COMMAND_RENAME] = {cmd_rename, ANY},
	[COMMAND_SEARCH] = {cmd_search, SELECTED_KEEP},
	[COMMAND_SELECT] = {cmd_select, ANY},
	[COMMAND_SETACL] = {cmd_setacl, ANY},
	[COMMAND_SETMETADATA] = {cmd_setmetadata, ANY},
	[COMMAND_SETQUOTA] = {cmd_setquota, ANY},
	[COMMAND_STATUS] = {cmd_status, ANY},
	[COMMAND_SORT] = {cmd_sort, SELECTED_KEEP},
	[COMMAND_STORE] = {cmd_store, SELECTED_KEEP},
	[COMMAND_SUBSCRIBE] = {cmd_subscribe, ANY},
	[COMMAND_THREAD] = {cmd_thread, SELECTED_KEEP},
	[COMMAND_UNSELECT] = {cmd_unselect, SELECTED},
	[COMMAND_UNSUBSCRIBE] = {cmd_unsubscribe, ANY},
};

/* RFC 9586: is it one that names messages by numbers that are switched off? */
static bool
needs_uid(struct session const *s)
{
	static enum command_verb const verbs[] = {COMMAND_COPY, COMMAND_FETCH,
		COMMAND_MOVE, COMMAND_REPLACE, COMMAND_SEARCH, COMMAND_SORT,
		COMMAND_STORE, COMMAND_THREAD};

	if (!s->uid_only || s->command.uid)
		return false;
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (verbs[i] == s->command.verb)
			return true;
	return false;
}

/* What is of the user and not of a mailbox he has at home. */
static bool
is_of_owner(enum command_verb verb)
{
	return verb == COMMAND_COMPRESS || verb == COMMAND_LSUB ||
	       verb == COMMAND_NOTIFY || verb == COMMAND_SUBSCRIBE ||
	       verb == COMMAND_UNSUBSCRIBE;
}

/* The rights to the selected mailbox, as they are now. False: it can't be read
 * any more; answered. */
static bool
look_at_rights(struct session *s)
{
	unsigned const before = s->rights;

	s->rights = permit_rights(s, s->name);
	if (!(s->rights & RIGHT_READ)) {
		session_reply(s, "NO", "[NOPERM] Permission denied");
		return false;
	}
	/* RFC 4314, 5.1.1 */
	if (s->rights != before)
		cmd_select_flags(s);
	return true;
}

static void
run_command(struct session *s)
{
	enum command_verb const verb = s->command.verb;

	if (needs_uid(s)) {
		session_reply(s, "BAD", "[UIDREQUIRED] Numbers are disabled");
		return;
	}

	/* One that is right is done before it is complete: read_command. */
	if (verb == COMMAND_APPEND || verb == COMMAND_REPLACE) {
		cmd_append(s);
		return;
	}
	if (verb == COMMAND_UNKNOWN || table[verb].run == NULL) {
		session_reply(s, "BAD", "Unknown command");
		return;
	}
	if (shared_takes(s))
		return;
	if (table[verb].need != ANY && !s->selected) {
		session_reply(s, "BAD", "No mailbox is selected");
		return;
	}
	if (is_of_owner(verb) && !permit_owner(s))
		return;
	if (table[verb].need != ANY && s->asker != NULL && !look_at_rights(s))
		return;
	/* What was remembered of the messages is looked at from now on; FETCH
	 * reads what it wants. */
	if (table[verb].need != ANY && verb != COMMAND_FETCH &&
		!mailbox_ready(&s->mailbox)) {
		session_reply_errno(s, "mailbox");
		return;
	}
	/* UIDs stay right whatever number they have. */
	s->no_expunge = table[verb].need == SELECTED_KEEP && !s->command.uid;
	table[verb].run(s);
}

/* Answer under the tag that the command has, or none. */
static void
answer(struct session *s)
{
	struct lex l;
	struct lex_text tag;

	static stralloc code = STRALLOC_ZERO;

	/* It may stand in s->out, which changes are told through. */
	if (s->code != NULL) {
		code.len = 0;
		s->code = stralloc_cats(&code, s->code) && stralloc_0(&code)
				  ? code.s
				  : NULL;
	}
	if (!s->just_told)
		session_sync(s, !s->no_expunge);
	s->just_told = false;
	lex_init(&l, s->reader.s, s->reader.len, NULL);
	if (!lex_tag(&l, &tag))
		tag = (struct lex_text){"*", 1};
	(void)stream_write(s->stream, tag.s, tag.len);
	session_printf(s, " %s ", s->status);
	if (s->code != NULL)
		session_puts(s, s->code);
	session_printf(s, "%s\r\n", s->reply);
	if (s->out.a > OUT_KEEP)
		stralloc_free(&s->out);
}

static bool
parse(struct session *s)
{
	static char text[READER_MAX];

	return command_parse(s->reader.s, s->reader.len, text, &s->command);
}

/*
 * Read a command up to its end, or run one that brings messages as it comes.
 * 1 to be run, 2 s->reply is the answer; 0 end, -1.
 */
static int
read_command(struct session *s)
{
	struct reader *const r = &s->reader;
	bool refused = false;

	reader_start(r, s->stream);
	for (;;) {
		uint64_t size;
		bool synchronizing;
		int k = reader_line(r);

		if (k <= 0)
			return k;
		if (!lex_literal(r->s + r->line, r->len - r->line, &size,
			    &synchronizing))
			break;
		if (!refused && !r->too_long && parse(s) && !needs_uid(s) &&
			cmd_append_takes(s)) {
			cmd_append(s);
			return 2;
		}
		if (refused || r->too_long ||
			size > COMMAND_LITERALS_MAX - r->literals) {
			session_reply(s, "NO", "[TOOBIG] Literal too large");
			if (synchronizing)
				return 2;
			/* It comes whether we want it or not. */
			refused = true;
			if (size == UINT64_MAX)
				return 0;
			k = reader_skip(s->stream, size);
			if (k <= 0)
				return k;
			continue;
		}
		if (synchronizing)
			session_puts(s, "+ Go ahead\r\n");
		reader_add(r, "\r\n", 2);
		k = reader_literal(r, (size_t)size);
		if (k <= 0)
			return k;
	}
	if (refused)
		return 2;
	if (r->too_long) {
		session_reply(s, "BAD", "[TOOBIG] Command too long");
		return 2;
	}
	reader_add(r, "\r\n", 2);
	return 1;
}

static void
goodbye(struct session *s, int result)
{
	if (result == 0)
		return;
	if (errno == ETIMEDOUT)
		session_puts(s, "* BYE [UNAVAILABLE] Idle for too long\r\n");
	else if (errno == ECANCELED)
		session_puts(s, "* BYE [UNAVAILABLE] Shutting down\r\n");
}

void
session_run(struct session *s, char const *greeting)
{
	if (!tree_repair(s->root_fd))
		log_error("repair-failed", NULL, "what", "rename", (char *)0);
	if (greeting != NULL)
		session_puts(s, greeting);
	while (!s->ended && s->stream->error == 0) {
		int r;

		s->no_expunge = false;
		r = notify_wait(s) ? read_command(s) : -1;
		if (r <= 0) {
			goodbye(s, r);
			break;
		}
		if (r == 1 && parse(s))
			run_command(s);
		else if (r == 1)
			session_reply(s, "BAD", "No command");
		answer(s);
		if (s->compress &&
			(!stream_flush(s->stream) || !deflate_start(s->stream)))
			break;
		s->compress = false;
	}
	session_unselect(s);
	notify_free(s);
	stream_close(s->stream);
}
