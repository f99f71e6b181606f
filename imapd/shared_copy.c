/* COPY and MOVE between mailboxes of different owners; see shared_copy.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/content.h"
#include "imapd/naming.h"
#include "imapd/put.h"
#include "imapd/rights.h"
#include "imapd/set.h"
#include "imapd/shared.h"
#include "imapd/shared_copy.h"
#include "imapd/vanished.h"

/* Octets of the set of UIDs that is removed by one command. */
#define SET_MAX 60000

struct copy {
	struct session *s;
	bool move;
	struct lex_text set;
	struct put put;
	/* UIDs of what was copied, as a set. */
	stralloc uids;
	uint32_t first, last;
	uint32_t validity; /* of where they come from */
	bool failed;	   /* answered */
};

static bool
add_range(struct copy *c)
{
	return c->first == 0 ||
	       vanished_add_range(&c->uids, 0, c->first, c->last);
}

/* They come in their order. */
static bool
add_uid(struct copy *c, uint32_t uid)
{
	if (c->first != 0 && uid == c->last + 1) {
		c->last = uid;
		return true;
	}
	if (!add_range(c))
		return false;
	c->first = c->last = uid;
	return true;
}

static void
octets(struct copy *c, int fd, bool *ok)
{
	static char block[CONTENT_BLOCK];
	bool after_cr = false;
	ssize_t n;

	while ((n = read(fd, block, sizeof block)) > 0 ||
		(n < 0 && errno == EINTR)) {
		ssize_t start = 0;

		for (ssize_t i = 0; i < n; i++) {
			if (block[i] == '\n' && !after_cr) {
				put_octets(&c->put, block + start,
					(size_t)(i - start));
				put_octets(&c->put, "\r", 1);
				start = i;
			}
			after_cr = block[i] == '\r';
		}
		if (n > start)
			put_octets(&c->put, block + start, (size_t)(n - start));
	}
	*ok = n == 0;
}

static void
flags_of(struct session const *s, struct message const *v,
	struct flag_args *flags_r)
{
	flags_r->system = v->system;
	flags_r->keywords_count = 0;
	for (int i = 0; i < FLAG_KEYWORDS_MAX; i++) {
		char const *const name = s->mailbox.keywords.names[i];

		if (v->keywords >> i & 1 && *name != '\0')
			flags_r->keywords[flags_r->keywords_count++] =
				(struct lex_text){name, strlen(name)};
	}
}

/* A message of ours. False: answered. */
static bool
copy_own(struct copy *c, struct content *content, size_t i)
{
	struct session *const s = c->s;
	struct message const *const v = &s->mailbox.view.v[i];
	struct flag_args flags;
	uint64_t size = 0;
	int const r = content_open(content, &s->mailbox, i);
	bool ok = r > 0;

	if (r == 0) {
		session_reply(s, "NO",
			"[EXPUNGEISSUED] Some of the messages are gone");
		return false;
	}
	if (!ok || !body_size(content, &size) ||
		lseek(content->fd, 0, SEEK_SET) < 0) {
		session_reply_errno(s, "COPY");
		return false;
	}
	flags_of(s, v, &flags);
	if (!put_begin(&c->put, &flags, content->st.st_mtim.tv_sec, size))
		return false;
	octets(c, content->fd, &ok);
	if (!ok) {
		session_reply_errno(s, "COPY");
		return false;
	}
	return put_end(&c->put) && add_uid(c, v->uid);
}

/* False: answered. */
static bool
read_own(struct copy *c)
{
	struct content content = CONTENT_ZERO;
	struct session *const s = c->s;
	bool ok = true;

	c->validity = s->mailbox.validity;
	for (size_t i = 0; ok && i < s->told_exists; i++)
		if (session_has(s, i))
			ok = copy_own(c, &content, i);
	content_free(&content);
	return ok;
}

/* A message of a shared mailbox; all else goes to the client. */
static enum relay_taken
copy_shared(void *data, struct relay *r)
{
	struct copy *const c = data;
	struct relay_message m;

	if (!r->has_literal || !relay_line_message(r->line.s, r->line.len, &m))
		return RELAY_PASS;
	if (c->failed || m.size != r->literal ||
		!put_begin(&c->put, &m.flags, m.date, m.size)) {
		c->failed = true;
		return RELAY_DROP;
	}
	if (!relay_literal(c->s, r, put_octets, &c->put) ||
		!relay_read(c->s, r, false))
		return RELAY_STOP;
	c->failed = !put_end(&c->put) || !add_uid(c, m.uid);
	/* ")", and whatever else may stand there. */
	return RELAY_DROP;
}

/* The right to take away what is moved. False: answered. */
struct may {
	bool may;
};

static enum relay_taken
hear_rights(void *data, struct relay *r)
{
	struct may *const m = data;
	struct lex_text text = r->parsed.rest;
	unsigned const need = RIGHT_DELETE | RIGHT_EXPUNGE;
	unsigned rights = 0;

	while (text.len > 0 && *text.s == ' ') {
		text.s++;
		text.len--;
	}
	if (r->parsed.kind != RELAY_NAMED ||
		!lex_is(&r->parsed.word, "MYRIGHTS"))
		return RELAY_PASS;
	m->may = rights_parse(text.s, text.len, &rights) &&
		 (rights & need) == need;
	return RELAY_DROP;
}

/* A command about the mailbox `name`, up to its end. False: answered. */
static bool
ask_named(struct copy *c, struct relay *r, relay_each *each, void *data)
{
	stralloc text = STRALLOC_ZERO;
	bool ok = stralloc_cats(&text, RELAY_TAG " MYRIGHTS ") &&
		  naming_out(c->s->utf8, &text, c->s->name) &&
		  stralloc_cats(&text, "\r\n");

	if (ok) {
		relay_write(r, text.s, text.len);
		ok = relay_finish(c->s, r, each, data);
	}
	stralloc_free(&text);
	if (!ok)
		relay_failed(c->s);
	return ok;
}

static bool
may_remove(struct copy *c, struct relay *r)
{
	struct may m = {.may = false};

	if (r->read_only) {
		session_reply(c->s, "NO", "Mailbox is read-only");
		return false;
	}
	if (!ask_named(c, r, hear_rights, &m))
		return false;
	if (!m.may)
		session_reply(c->s, "NO", "[NOPERM] Permission denied");
	return m.may;
}

/* False: answered. */
static bool
read_shared(struct copy *c, struct relay *r)
{
	relay_puts(r, c->s->command.uid ? RELAY_TAG " UID FETCH "
					: RELAY_TAG " FETCH ");
	relay_write(r, c->set.s, c->set.len);
	relay_puts(r, " (UID FLAGS INTERNALDATE BODY.PEEK[])\r\n");
	if (!relay_finish(c->s, r, copy_shared, c)) {
		relay_failed(c->s);
		return false;
	}
	c->validity = r->validity;
	if (!c->failed && !relay_is_ok(r)) {
		relay_answer(c->s, r);
		c->failed = true;
	}
	return !c->failed;
}

/* One command with the set of what was copied in it. False: answered. */
static bool
command(struct copy *c, struct relay *r, char const *head, char const *tail)
{
	relay_puts(r, head);
	relay_write(r, c->uids.s, c->uids.len);
	relay_puts(r, tail);
	if (!relay_finish(c->s, r, NULL, NULL)) {
		relay_failed(c->s);
		return false;
	}
	if (!relay_is_ok(r))
		relay_answer(c->s, r);
	return relay_is_ok(r);
}

static bool
remove_sources(struct copy *c)
{
	struct session *const s = c->s;

	if (s->remote != NULL)
		return command(c, s->remote, RELAY_TAG " UID STORE ",
			       " +FLAGS.SILENT (\\Deleted)\r\n") &&
		       s->remote != NULL &&
		       command(c, s->remote, RELAY_TAG " UID EXPUNGE ", "\r\n");
	for (size_t i = 0; i < s->told_exists; i++)
		if (session_has(s, i) && mailbox_unlink(&s->mailbox, i) < 0) {
			session_reply_errno(s, "MOVE");
			return false;
		}
	return true;
}

/* "[COPYUID 38505 304,319:320 3956:3958] " */
static bool
copyuid(struct copy *c, stralloc *out)
{
	char text[48];

	(void)snprintf(text, sizeof text, "[COPYUID %lu ",
		(unsigned long)c->put.validity);
	return stralloc_cats(out, text) &&
	       stralloc_catb(out, c->uids.s, c->uids.len) &&
	       stralloc_cats(out, " ") &&
	       stralloc_catb(out, c->put.uids.s, c->put.uids.len) &&
	       stralloc_cats(out, "] ") && stralloc_0(out);
}

static void
finish(struct copy *c)
{
	static stralloc code = STRALLOC_ZERO;
	char const *const verb = c->move ? "MOVE" : "COPY";
	struct session *const s = c->s;

	if (c->put.count == 0) {
		session_reply(s, "OK", "%s completed, nothing found", verb);
		return;
	}
	if (!add_range(c)) {
		session_reply_errno(s, "memory");
		return;
	}
	if (c->move && s->remote != NULL && c->uids.len > SET_MAX) {
		session_reply(s, "NO", "[LIMIT] Too many messages at once");
		return;
	}
	if (!put_commit(&c->put))
		return;
	code.len = 0;
	if (!copyuid(c, &code)) {
		session_reply_errno(s, "memory");
		return;
	}
	if (!c->move) {
		session_reply(s, "OK", "COPY completed");
		s->code = code.s;
		return;
	}
	/* RFC 6851, 4.3: before the EXPUNGEs. */
	session_puts(s, "* OK ");
	session_puts(s, code.s);
	session_puts(s, "Moved\r\n");
	if (remove_sources(c))
		session_reply(s, "OK", "MOVE completed");
}

/* False: answered. */
static bool
read_messages(struct copy *c)
{
	struct session *const s = c->s;
	struct relay *r;

	if (s->remote == NULL)
		return read_own(c);
	r = relay_selected(s);
	if (r == NULL) {
		relay_failed(s);
		return false;
	}
	return (!c->move || may_remove(c, r)) && read_shared(c, r);
}

static bool
may_read(struct copy *c)
{
	struct session *const s = c->s;

	if (s->remote != NULL)
		return true;
	if (c->move && s->mailbox.read_only) {
		session_reply(s, "NO", "Mailbox is read-only");
		return false;
	}
	if (!mailbox_ready(&s->mailbox)) {
		session_reply_errno(s, "mailbox");
		return false;
	}
	return session_set(s, &c->set, s->command.uid);
}

static bool
arguments(struct copy *c, char *name_r)
{
	struct lex l = c->s->command.lex;
	struct lex_text name;

	return lex_space(&l) && set_lex(&l, &c->set) && lex_space(&l) &&
	       lex_astring(&l, &name) && lex_end(&l) &&
	       naming_in(c->s->utf8, name.s, name.len, name_r);
}

bool
shared_copy(struct session *s)
{
	static struct copy c;
	char name[BOXNAME_MAX + 1];
	struct share share;
	bool to_shared;

	c = (struct copy){.s = s, .move = s->command.verb == COMMAND_MOVE};
	if ((!s->selected && s->remote == NULL) || !arguments(&c, name))
		return false;
	to_shared = shared_find(s, name, &share);
	if (s->remote == NULL ? !to_shared
			      : to_shared && strcmp(s->remote->share.mailbox,
						     share.mailbox) == 0)
		return false;
	if (may_read(&c)) {
		if (put_open(&c.put, s, name) && read_messages(&c))
			finish(&c);
		put_close(&c.put);
	}
	stralloc_free(&c.uids);
	return true;
}
