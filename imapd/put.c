/* Messages put into a mailbox from another owner's; see put.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "imapd/naming.h"
#include "imapd/put.h"
#include "imapd/shared.h"

/* What one APPEND of ours may bring (append.h). */
#define IN_COMMAND_MAX 1000
/* Into a folder of our own. */
#define MESSAGES_MAX 100000

bool
put_open(struct put *p, struct session *s, char const *name)
{
	char dir[BOXNAME_MAX + 2];
	struct share share;

	p->s = s;
	strcpy(p->name, name);
	p->relay = NULL;
	p->count = p->in_command = 0;
	p->validity = 0;
	p->left = 0;
	p->uids = (stralloc)STRALLOC_ZERO;
	p->append.folder_fd = -1;
	p->is_relayed = shared_find(s, name, &share);
	if (p->is_relayed) {
		p->relay = relay_get(s, &share);
		if (p->relay == NULL)
			relay_failed(s);
		return p->relay != NULL;
	}
	boxname_dir(name, dir);
	if (append_open(&p->append, s->root_fd, dir, s->host)) {
		p->append.max = MESSAGES_MAX;
		return true;
	}
	if (errno == ENOENT)
		session_reply(s, "NO", "[TRYCREATE] No such mailbox");
	else
		session_reply_errno(s, "COPY");
	return false;
}

/* The end of the APPEND that has begun. */
static bool
end_command(struct put *p)
{
	struct session *const s = p->s;
	struct lex_text set;

	if (p->in_command == 0)
		return true;
	p->in_command = 0;
	relay_puts(p->relay, "\r\n");
	if (!relay_finish(s, p->relay, NULL, NULL)) {
		p->relay = NULL;
		relay_failed(s);
		return false;
	}
	if (!relay_is_ok(p->relay)) {
		relay_answer(s, p->relay);
		return false;
	}
	if (relay_line_appenduid(&p->relay->parsed.rest, &p->validity, &set) &&
		(p->uids.len == 0 || stralloc_catb(&p->uids, ",", 1)) &&
		stralloc_catb(&p->uids, set.s, set.len))
		return true;
	session_reply(s, "NO", "[SERVERBUG] Copied, but to which UIDs?");
	return false;
}

static bool
add_word(stralloc *out, char const *word, size_t len, bool *any)
{
	bool const ok = stralloc_cats(out, *any ? " " : " (") &&
			stralloc_catb(out, word, len);

	*any = true;
	return ok;
}

static bool
add_flags(stralloc *out, struct flag_args const *flags)
{
	bool any = false, ok = true;

	for (unsigned i = 0; ok && i < FLAG_COUNT; i++)
		if (flags->system >> i & 1)
			ok = add_word(out, flag_names[i], strlen(flag_names[i]),
				&any);
	for (unsigned i = 0; ok && i < flags->keywords_count; i++)
		ok = add_word(out, flags->keywords[i].s, flags->keywords[i].len,
			&any);
	return ok && (!any || stralloc_cats(out, ")"));
}

static bool
add_date(stralloc *out, int64_t date)
{
	static char const months[][4] = {"Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t const t = date;
	char text[64];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year > 8099 || tm.tm_year < 0)
		return true;
	(void)snprintf(text, sizeof text,
		" \"%02d-%s-%04d %02d:%02d:%02d +0000\"", tm.tm_mday,
		months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
		tm.tm_sec);
	return stralloc_cats(out, text);
}

/* Is the first message wanted? */
static bool
wait_for_more(struct put *p)
{
	struct session *const s = p->s;
	struct relay *const r = p->relay;

	do
		if (!relay_read(s, r, true) ||
			(r->parsed.kind != RELAY_MORE &&
				r->parsed.kind != RELAY_DONE &&
				!relay_hear(s, r, NULL, NULL))) {
			p->relay = NULL;
			relay_failed(s);
			return false;
		}
	while (r->parsed.kind != RELAY_MORE && r->parsed.kind != RELAY_DONE);
	if (r->parsed.kind == RELAY_MORE)
		return true;
	p->in_command = 0;
	relay_answer(s, r);
	return false;
}

static bool
begin_relayed(struct put *p, struct flag_args const *flags, int64_t date,
	uint64_t size)
{
	stralloc text = STRALLOC_ZERO;
	bool is_first, ok;
	char number[32];

	if (p->in_command == IN_COMMAND_MAX && !end_command(p))
		return false;
	is_first = p->in_command == 0;
	/* The first waits, so that nothing is sent that is not wanted. */
	(void)snprintf(number, sizeof number, " {%llu%s}\r\n",
		(unsigned long long)size, is_first ? "" : "+");
	ok = (!is_first || (stralloc_cats(&text, RELAY_TAG " APPEND ") &&
				   naming_out(p->s->utf8, &text, p->name))) &&
	     add_flags(&text, flags) && add_date(&text, date) &&
	     stralloc_cats(&text, number);
	if (ok)
		relay_write(p->relay, text.s, text.len);
	stralloc_free(&text);
	if (!ok) {
		session_reply_errno(p->s, "memory");
		return false;
	}
	p->in_command++;
	return !is_first || wait_for_more(p);
}

bool
put_begin(struct put *p, struct flag_args const *flags, int64_t date,
	uint64_t size)
{
	struct session *const s = p->s;

	p->left = 0;
	if (size == 0 || size > s->append_max) {
		session_reply(s, "NO",
			size == 0 ? "[CANNOT] A message is empty"
				  : "[TOOBIG] A message is too large");
		return false;
	}
	if (p->is_relayed) {
		if (!begin_relayed(p, flags, date, size))
			return false;
	} else if (!append_allows(&p->append, size)) {
		session_reply(s, "NO", "[OVERQUOTA] Quota exceeded");
		return false;
	} else if (!append_begin(&p->append, flags, &date)) {
		if (errno == EXFULL || errno == E2BIG)
			session_reply(s, "NO", "[LIMIT] %s",
				errno == E2BIG ? "Too many messages at once"
					       : "No room for another keyword");
		else
			session_reply_errno(s, "COPY");
		return false;
	}
	p->left = size;
	p->count++;
	return true;
}

void
put_octets(void *put, char const *s, size_t len)
{
	struct put *const p = put;

	/* UNSAFE: the peer counts on what was announced; no more goes out. */
	if (len > p->left)
		len = (size_t)p->left;
	p->left -= len;
	if (!p->is_relayed)
		append_write(&p->append, s, len);
	else if (p->relay != NULL && p->relay->is_open)
		relay_write(p->relay, s, len);
}

bool
put_end(struct put *p)
{
	if (p->left > 0) {
		session_reply(
			p->s, "NO", "[UNAVAILABLE] A message has changed");
		return false;
	}
	if (p->is_relayed || append_end(&p->append))
		return true;
	session_reply_errno(p->s, "COPY");
	return false;
}

bool
put_commit(struct put *p)
{
	char text[48];

	if (p->count == 0)
		return true;
	if (p->is_relayed)
		return end_command(p);
	if (!append_commit(&p->append)) {
		session_reply_errno(p->s, "COPY");
		return false;
	}
	p->validity = p->append.validity;
	(void)snprintf(text, sizeof text, p->count > 1 ? "%lu:%lu" : "%lu",
		(unsigned long)p->append.first_uid,
		(unsigned long)p->append.first_uid + p->count - 1);
	return stralloc_cats(&p->uids, text);
}

void
put_close(struct put *p)
{
	/* In the middle of a command there is no other way out. */
	if (p->relay != NULL && p->relay->is_open && p->in_command > 0)
		relay_close(p->s, p->relay);
	append_close(&p->append);
	stralloc_free(&p->uids);
}
