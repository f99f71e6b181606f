/* APPEND and REPLACE (RFC 9051, 6.3.12; RFC 3502 MULTIAPPEND; RFC 4469
 * CATENATE; RFC 3516 BINARY; RFC 4315 APPENDUID; RFC 8508). Messages go from
 * the client straight into files, however many they are: of the command only
 * what stands between two of them is kept. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "imapd/append.h"
#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/imapurl.h"
#include "imapd/junk.h"
#include "imapd/permit.h"
#include "imapd/recode.h"
#include "imapd/set.h"
#include "imapd/shared.h"

/* A message with octets that are no text is held in memory. */
#define BINARY_MAX (UINT64_C(64) << 20)

enum step {
	DONE,
	REFUSED, /* answered; the rest of the command is to be dropped */
	LOST	 /* no more can be read */
};

struct job {
	struct session *s;
	struct append append;
	struct lex lex;
	size_t keep; /* of the command: what is kept all the time */
	/* The literal that the client is about to send. */
	bool pending, synchronizing;
	uint64_t size;
	uint64_t octets; /* of the message so far, as they come */
	/* REPLACE */
	bool replace;
	size_t index;
	unsigned rights; /* to the mailbox that it goes to */
	/* CATENATE: the mailbox that was looked into last. */
	char box_name[BOXNAME_MAX + 1];
	struct mailbox box;
	bool box_open;
	struct content content;
	struct fetch_args section;
};

static enum step
refuse_syntax(struct job *j)
{
	session_reply_syntax(j->s);
	return REFUSED;
}

static enum step
refuse_errno(struct job *j)
{
	struct session *const s = j->s;

	switch (errno) {
	case E2BIG:
		session_reply(s, "NO", "[LIMIT] Too many messages at once");
		break;
	case EXFULL:
		session_reply(s, "NO", "[LIMIT] No room for another keyword");
		break;
	case ENODATA:
		session_reply(s, "NO", "Cancelled by an empty message");
		break;
	case EBADMSG:
		session_reply(s, "NO", "[CANNOT] NUL octets in a literal");
		break;
	case EILSEQ:
		session_reply(s, "NO",
			"[UNKNOWN-CTE] Binary octets outside binary parts");
		break;
	default:
		session_reply_errno(s, "APPEND");
	}
	return REFUSED;
}

/* Is there a literal at the end of the line that was read last? */
static void
look_for_literal(struct job *j)
{
	struct reader const *const r = &j->s->reader;

	j->pending = lex_literal(
		r->s + r->line, r->len - r->line, &j->size, &j->synchronizing);
}

/* Go on with the next line of the command. */
static enum step
next_line(struct job *j)
{
	struct reader *const r = &j->s->reader;
	int const k = reader_line(r);

	if (k <= 0)
		return LOST;
	if (r->too_long) {
		look_for_literal(j);
		session_reply(j->s, "BAD", "[TOOBIG] Command too long");
		return REFUSED;
	}
	j->lex.len = r->len;
	look_for_literal(j);
	return DONE;
}

/* The literal has been read, and all of the command before it is done with. */
static enum step
after_literal(struct job *j)
{
	struct reader *const r = &j->s->reader;

	r->len = j->keep;
	r->literals = 0;
	j->lex.pos = j->keep;
	j->lex.text_used = 0;
	return next_line(j);
}

/* "{12}" or "~{12+}" at the end of the line: it is what is pending. */
static bool
at_literal(struct job *j, bool *binary_r)
{
	struct lex *const l = &j->lex;

	*binary_r = lex_char(l, '~');
	return j->pending && lex_peek(l) == '{' &&
	       memchr(l->s + l->pos, '\r', l->len - l->pos) == NULL &&
	       memchr(l->s + l->pos, ' ', l->len - l->pos) == NULL;
}

static enum step
check_size(struct job *j, uint64_t more)
{
	uint64_t all;

	if (__builtin_add_overflow(j->octets, more, &all) ||
		all > j->s->append_max) {
		session_reply(j->s, "NO", "[TOOBIG] Message too large");
		return REFUSED;
	}
	if (!append_allows(&j->append, all)) {
		session_reply(j->s, "NO", "[OVERQUOTA] Quota exceeded");
		return REFUSED;
	}
	j->octets = all;
	return DONE;
}

/* A literal that was read is refused: what is left is the line behind it. */
static enum step
refuse_literal(struct job *j)
{
	j->pending = true;
	j->synchronizing = false;
	j->size = 0;
	return refuse_errno(j);
}

/* Hand the octets of the literal to put. */
static enum step
receive(struct job *j, bool (*put)(struct job *, char const *, size_t))
{
	struct stream *const in = j->s->stream;
	uint64_t left = j->size;
	bool ok = true;
	int error = 0;

	if (j->synchronizing)
		session_puts(j->s, "+ Go ahead\r\n");
	j->pending = false;
	while (left > 0) {
		size_t n = stream_pending(in);

		if (n == 0) {
			if (stream_fill(in) <= 0)
				return LOST;
			continue;
		}
		if (n > left)
			n = (size_t)left;
		if (ok && !put(j, in->in + in->in_start, n)) {
			ok = false;
			error = errno;
		}
		in->in_start += n;
		left -= n;
	}
	errno = error;
	return ok ? DONE : refuse_literal(j);
}

static bool
put_text(struct job *j, char const *s, size_t len)
{
	append_write(&j->append, s, len);
	return true;
}

/* A literal has no NUL (RFC 9051, 4.3), and no answer could hold it. */
static bool
put_literal(struct job *j, char const *s, size_t len)
{
	if (memchr(s, '\0', len) == NULL)
		return put_text(j, s, len);
	errno = EBADMSG;
	return false;
}

static bool
put_utf8(struct job *j, char const *s, size_t len)
{
	if (memchr(s, '\0', len) == NULL)
		return put_text(j, s, len);
	errno = EILSEQ;
	return false;
}

static bool
put_memory(struct job *j, char const *s, size_t len)
{
	return stralloc_catb(&j->s->out, s, len);
}

/* Lines can hold it once its binary parts are in base64. */
static enum step
receive_binary(struct job *j)
{
	stralloc *const raw = &j->s->out;
	stralloc text = STRALLOC_ZERO;
	enum step step;

	if (j->size > BINARY_MAX) {
		session_reply(j->s, "NO", "[TOOBIG] Binary message too large");
		return REFUSED;
	}
	raw->len = 0;
	step = receive(j, put_memory);
	if (step == DONE && raw->len > 0) {
		if (recode_binary(&text, raw->s, raw->len))
			append_write(&j->append, text.s, text.len);
		else
			step = refuse_literal(j);
	}
	stralloc_free(&text);
	stralloc_free(raw);
	return step;
}

static enum step
literal(struct job *j, bool binary)
{
	enum step step = check_size(j, j->size);

	if (step == DONE)
		step = binary ? receive_binary(j) : receive(j, put_literal);
	return step == DONE ? after_literal(j) : step;
}

static enum step
bad_url(struct job *j, struct lex_text const *url)
{
	struct session *const s = j->s;
	bool ok;

	session_reply(s, "NO", "Nothing there");
	s->out.len = 0;
	ok = stralloc_cats(&s->out, "[BADURL ");
	for (size_t i = 0; ok && i < url->len; i++)
		if (url->s[i] > ' ' && url->s[i] < 127 && url->s[i] != ']' &&
			url->s[i] != '\\')
			ok = stralloc_catb(&s->out, url->s + i, 1);
	if (ok && url->len > 0 && stralloc_cats(&s->out, "] ") &&
		stralloc_0(&s->out))
		s->code = s->out.s;
	return REFUSED;
}

/* The mailbox of a URL; NULL: there is none. */
static struct mailbox *
url_mailbox(struct job *j, struct imapurl const *url)
{
	struct session *const s = j->s;
	char dir[BOXNAME_MAX + 2];

	if (s->selected &&
		(url->mailbox[0] == '\0' || strcmp(url->mailbox, s->name) == 0))
		return &s->mailbox;
	if (url->mailbox[0] == '\0' ||
		!(permit_rights(s, url->mailbox) & RIGHT_READ))
		return NULL;
	if (j->box_open && strcmp(j->box_name, url->mailbox) == 0)
		return &j->box;
	if (j->box_open)
		mailbox_close(&j->box);
	boxname_dir(url->mailbox, dir);
	j->box_open = mailbox_open(&j->box, s->root_fd, dir, true, false);
	memcpy(j->box_name, url->mailbox, sizeof j->box_name);
	return j->box_open ? &j->box : NULL;
}

/* The section of a URL as FETCH has it. */
static bool
url_section(struct job *j, struct imapurl const *url)
{
	static char const head[] = "BODY.PEEK[";
	static char text[sizeof head + IMAPURL_SECTION_MAX + 1],
		unquoted[sizeof text];
	size_t len = sizeof head - 1;
	struct fetch_item *item;
	struct lex l;

	memcpy(text, head, len);
	memcpy(text + len, url->section, url->section_len);
	len += url->section_len;
	text[len++] = ']';
	lex_init(&l, text, len, unquoted);
	if (!fetch_args_lex(&l, &j->section) || !lex_end(&l))
		return false;
	item = &j->section.items[0];
	item->partial = url->partial;
	item->origin = url->origin;
	item->length = url->length > 0 ? url->length : UINT32_MAX;
	return true;
}

static bool
put_source(void *data, char const *s, size_t len)
{
	append_write(data, s, len);
	return true;
}

static enum step
catenate_url(struct job *j, struct lex_text const *text)
{
	struct imapurl url;
	struct mailbox *m;
	uint64_t size = 0;
	enum step step;
	size_t i;

	if (!imapurl_parse(text->s, text->len, &url) || !url_section(j, &url))
		return bad_url(j, text);
	m = url_mailbox(j, &url);
	if (m == NULL || (url.validity != 0 && url.validity != m->validity))
		return bad_url(j, text);
	i = mailbox_find_uid(m, url.uid);
	if (i >= m->view.count || m->view.v[i].uid != url.uid ||
		content_open(&j->content, m, i) <= 0 ||
		!body_find(&j->content, &j->section, &size))
		return bad_url(j, text);
	step = check_size(j, size);
	if (step != DONE)
		return step;
	return body_copy(&j->content, &j->section, put_source, &j->append)
		       ? DONE
		       : refuse_errno(j);
}

/* Have the literal that is a URL in the command's text. */
static enum step
url_literal(struct job *j)
{
	struct reader *const r = &j->s->reader;

	if (!j->pending)
		return refuse_syntax(j);
	if (j->size > COMMAND_LITERALS_MAX - r->literals) {
		session_reply(j->s, "NO", "[TOOBIG] Literal too large");
		return REFUSED;
	}
	if (j->synchronizing)
		session_puts(j->s, "+ Go ahead\r\n");
	j->pending = false;
	reader_add(r, "\r\n", 2);
	if (reader_literal(r, (size_t)j->size) <= 0)
		return LOST;
	return next_line(j);
}

/* `UTF8 (~{12})`, behind its first word (RFC 6855, 4): the clients that know
 * UTF8=ACCEPT by that standard send no other, Thunderbird among them. */
static enum step
utf8_literal(struct job *j)
{
	struct lex *const l = &j->lex;
	enum step step;
	bool binary;

	if (!j->s->utf8 || !lex_char(l, '(') || !at_literal(j, &binary) ||
		!binary)
		return refuse_syntax(j);
	step = check_size(j, j->size);
	if (step == DONE)
		step = receive(j, put_utf8);
	if (step == DONE)
		step = after_literal(j);
	if (step == DONE && !lex_char(l, ')'))
		return refuse_syntax(j);
	return step;
}

static enum step
catenate_part(struct job *j)
{
	struct lex *const l = &j->lex;
	struct lex_text word;
	enum step step = DONE;
	bool binary;

	if (!lex_atom(l, &word) || !lex_space(l))
		return refuse_syntax(j);
	if (lex_is(&word, "UTF8"))
		return utf8_literal(j);
	if (lex_is(&word, "TEXT"))
		return at_literal(j, &binary) ? literal(j, binary)
					      : refuse_syntax(j);
	if (!lex_is(&word, "URL"))
		return refuse_syntax(j);
	if (at_literal(j, &binary))
		step = binary ? refuse_syntax(j) : url_literal(j);
	if (step != DONE)
		return step;
	return lex_astring(l, &word) ? catenate_url(j, &word)
				     : refuse_syntax(j);
}

static enum step
catenate(struct job *j)
{
	enum step step;

	if (!lex_char(&j->lex, '('))
		return refuse_syntax(j);
	do
		step = catenate_part(j);
	while (step == DONE && lex_char(&j->lex, ' '));
	if (step == DONE && !lex_char(&j->lex, ')'))
		return refuse_syntax(j);
	return step;
}

/* A message with what stands in front of it. */
static enum step
message(struct job *j)
{
	struct lex *const l = &j->lex;
	struct flag_args flags = {0};
	bool has_date = false, binary = false, is_literal;
	struct lex_text word;
	int64_t date = 0;
	enum step step;

	if (lex_peek(l) == '(' &&
		(!flag_args_lex(l, false, &flags) || !lex_space(l)))
		return refuse_syntax(j);
	if (lex_peek(l) == '"') {
		has_date = true;
		if (!lex_date_time(l, &date) || !lex_space(l))
			return refuse_syntax(j);
	}
	is_literal = lex_peek(l) == '{' || lex_peek(l) == '~';
	if (is_literal ? !at_literal(j, &binary)
		       : (!lex_atom(l, &word) || !lex_space(l) ||
				 (!lex_is(&word, "CATENATE") &&
					 !lex_is(&word, "UTF8"))))
		return refuse_syntax(j);
	/* RFC 4314, 4: what may not be set is left out. */
	flags.system &= rights_flags(j->rights);
	if (!(j->rights & RIGHT_WRITE))
		flags.keywords_count = 0;
	if (!append_begin(&j->append, &flags, has_date ? &date : NULL))
		return refuse_errno(j);
	j->octets = 0;
	if (is_literal)
		step = literal(j, binary);
	else
		step = lex_is(&word, "UTF8") ? utf8_literal(j) : catenate(j);
	if (step == DONE && !append_end(&j->append))
		return refuse_errno(j);
	return step;
}

/* The end of the command: what it has sent is put where it belongs. */
static enum step
finish(struct job *j)
{
	struct session *const s = j->s;
	struct append *const a = &j->append;
	size_t const count = a->count;
	char last[32] = "";

	if (!append_commit(a))
		return refuse_errno(j);
	if (j->replace) {
		session_printf(s,
			"* OK [APPENDUID %lu %lu] Replacement is there\r\n",
			(unsigned long)a->validity,
			(unsigned long)a->first_uid);
		if (mailbox_unlink(&s->mailbox, j->index) < 0)
			session_reply_errno(s, "REPLACE");
		else
			session_reply(s, "OK", "REPLACE completed");
		return DONE;
	}
	if (count > 1)
		(void)snprintf(last, sizeof last, ":%lu",
			(unsigned long)a->first_uid + count - 1);
	session_reply(s, "OK", "[APPENDUID %lu %lu%s] APPEND completed",
		(unsigned long)a->validity, (unsigned long)a->first_uid, last);
	return DONE;
}

static enum step
messages(struct job *j)
{
	enum step step;

	do
		step = message(j);
	while (step == DONE && !j->replace && lex_char(&j->lex, ' '));
	if (step != DONE)
		return step;
	return lex_end(&j->lex) && !j->pending ? finish(j) : refuse_syntax(j);
}

/* Open the folder, and find what is to be replaced. */
static enum step
start(struct job *j)
{
	struct session *const s = j->s;
	char name[BOXNAME_MAX + 1], dir[BOXNAME_MAX + 2];
	struct lex_text set;

	if (j->replace && !s->selected) {
		session_reply(s, "BAD", "No mailbox is selected");
		return REFUSED;
	}
	if (j->replace && (!lex_space(&s->command.lex) ||
				  !set_lex(&s->command.lex, &set)))
		return refuse_syntax(j);
	if (j->replace) {
		if (!session_set(s, &set, s->command.uid))
			return REFUSED;
		for (j->index = 0; j->index < s->told_exists; j->index++)
			if (session_has(s, j->index))
				break;
		if (j->index == s->told_exists || s->mailbox.read_only) {
			session_reply(s, "NO",
				s->mailbox.read_only
					? "[CANNOT] Mailbox is read-only"
					: "[NONEXISTENT] No such message");
			return REFUSED;
		}
	}
	if (!session_mailbox_name(s, name))
		return REFUSED;
	if (!lex_space(&s->command.lex))
		return refuse_syntax(j);
	/* RFC 8508, 5 */
	if (j->replace && !permit(s, s->name, RIGHT_DELETE | RIGHT_EXPUNGE))
		return REFUSED;
	if (!permit(s, name, RIGHT_INSERT))
		return REFUSED;
	j->rights = permit_rights(s, name);
	j->lex = s->command.lex;
	boxname_dir(name, dir);
	if (append_open(&j->append, s->root_fd, dir, s->host)) {
		j->append.teaches = junk_teaches(s->root_fd, name);
		return DONE;
	}
	if (errno != ENOENT)
		return refuse_errno(j);
	session_reply(s, "NO", "[TRYCREATE] No such mailbox");
	return REFUSED;
}

/* The rest of a command that was refused may hold further literals. */
static void
drop(struct job *j)
{
	struct session *const s = j->s;
	struct reader *const r = &s->reader;
	int k = 1;

	while (k > 0 && j->pending && !j->synchronizing) {
		k = j->size == UINT64_MAX ? 0 : reader_skip(s->stream, j->size);
		if (k > 0 && !r->too_long) {
			r->len = j->keep;
			r->literals = 0;
		}
		if (k > 0)
			k = reader_line(r);
		if (k > 0)
			look_for_literal(j);
	}
	if (k <= 0)
		s->ended = true;
}

bool
cmd_append_takes(struct session *s)
{
	struct lex l = s->command.lex;
	struct lex_text text;

	return (s->command.verb == COMMAND_APPEND ||
		       (s->command.verb == COMMAND_REPLACE && lex_space(&l) &&
			       set_lex(&l, &text))) &&
	       lex_space(&l) && lex_astring(&l, &text) && lex_space(&l);
}

void
cmd_append(struct session *s)
{
	static struct job j;
	enum step step;

	if (shared_takes_append(s))
		return;
	j.s = s;
	j.replace = s->command.verb == COMMAND_REPLACE;
	j.keep = s->command.lex.pos;
	j.box_open = false;
	j.append.folder_fd = -1;
	j.content = (struct content)CONTENT_ZERO;
	look_for_literal(&j);
	step = start(&j);
	if (step == DONE)
		step = messages(&j);
	if (step == REFUSED)
		drop(&j);
	if (step == LOST) {
		session_reply(s, "BAD", "The command was not ended");
		s->ended = true;
	}
	append_close(&j.append);
	content_free(&j.content);
	if (j.box_open)
		mailbox_close(&j.box);
}
