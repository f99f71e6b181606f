/* SEARCH (RFC 3501, 6.4.4). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "imapd/body.h"
#include "imapd/commands.h"
#include "imapd/content.h"
#include "mime/fold.h"
#include "imapd/search_key.h"
#include "imapd/search_text.h"
#include "mime/date.h"
#include "mime/header.h"

#define DAY 86400

struct search {
	struct session *s;
	struct search_args args;
	/* Of keys that are sets: a bit for each message. */
	unsigned char *sets[SEARCH_KEYS_MAX];
	char *needles[SEARCH_KEYS_MAX]; /* folded text */
	uint32_t keywords[SEARCH_KEYS_MAX];
	/* The file must be looked at. */
	bool costly[SEARCH_KEYS_MAX];
	struct content content;
	size_t message;
	bool opened, missing; /* the file of this message */
	size_t failed;
};

static bool
open_content(struct search *q)
{
	if (!q->opened) {
		int const r =
			content_open(&q->content, &q->s->mailbox, q->message);

		q->opened = true;
		q->missing = r <= 0;
		q->failed += r < 0;
	}
	return !q->missing;
}

static bool
stat_file(struct search *q, struct stat *st_r)
{
	int const r = mailbox_stat(&q->s->mailbox, q->message, st_r);

	q->failed += r < 0;
	return r > 0;
}

static bool
result(struct search *q, int r)
{
	q->failed += r < 0;
	return r > 0;
}

static bool
sent_day(struct search *q, int64_t *day_r)
{
	struct header_field field;
	struct date date;

	if (!open_content(q) || !content_header(&q->content) ||
		!header_find(
			q->content.s, q->content.header_len, "Date", &field) ||
		!date_parse(field.value, field.value_len, &date))
		return false;
	*day_r = date_day(&date);
	return true;
}

static bool
compare_day(enum search_kind kind, int64_t day, int64_t wanted)
{
	switch (kind) {
	case SEARCH_BEFORE:
	case SEARCH_SENTBEFORE:
		return day < wanted;
	case SEARCH_ON:
	case SEARCH_SENTON:
		return day == wanted;
	default:
		return day >= wanted;
	}
}

static bool
message_size(struct search *q, uint64_t *size_r)
{
	struct message *const v = &q->s->mailbox.view.v[q->message];

	*size_r = v->size;
	if (v->size != MESSAGE_SIZE_UNKNOWN)
		return true;
	return open_content(q) && body_size(&q->content, size_r);
}

static bool matches(struct search *q, uint16_t k);

/* What costs little is asked first. */
static bool
all_match(struct search *q, uint16_t first)
{
	for (int costly = 0; costly < 2; costly++)
		for (uint16_t k = first; k != SEARCH_NONE;
			k = q->args.keys[k].next)
			if (q->costly[k] == costly && !matches(q, k))
				return false;
	return true;
}

static bool
any_matches(struct search *q, uint16_t first)
{
	for (int costly = 0; costly < 2; costly++)
		for (uint16_t k = first; k != SEARCH_NONE;
			k = q->args.keys[k].next)
			if (q->costly[k] == costly && matches(q, k))
				return true;
	return false;
}

static bool
matches_text(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];

	if (!open_content(q))
		return false;
	switch (key->kind) {
	case SEARCH_HEADER:
		return result(q,
			search_text_field(&q->content, key->name.s,
				key->name.len, q->needles[k], key->text.len));
	case SEARCH_BODY:
		return result(q, search_text_body(&q->content, q->needles[k],
					 key->text.len));
	default:
		return result(q, search_text_all(&q->content, q->needles[k],
					 key->text.len));
	}
}

static bool
matches_file(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	struct stat st;
	uint64_t size;
	int64_t day;

	switch (key->kind) {
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
		return stat_file(q, &st) &&
		       compare_day(key->kind, st.st_mtim.tv_sec / DAY,
			       key->day / DAY);
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return sent_day(q, &day) &&
		       compare_day(key->kind, day, key->day / DAY);
	case SEARCH_LARGER:
		return message_size(q, &size) && size > key->number;
	case SEARCH_SMALLER:
		return message_size(q, &size) && size < key->number;
	default:
		return matches_text(q, k);
	}
}

static bool
matches(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	struct message const *const v = &q->s->mailbox.view.v[q->message];
	bool const recent = v->state & MESSAGE_RECENT;

	switch (key->kind) {
	case SEARCH_AND:
		return all_match(q, key->child);
	case SEARCH_OR:
		return any_matches(q, key->child);
	case SEARCH_NOT:
		return !matches(q, key->child);
	case SEARCH_SET:
	case SEARCH_UID:
		return q->sets[k][q->message / 8] >> (q->message % 8) & 1;
	case SEARCH_FLAGS:
		return (v->system & key->system) == key->system;
	case SEARCH_UNFLAGS:
		return (v->system & key->system) == 0;
	case SEARCH_KEYWORD:
		return v->keywords & q->keywords[k];
	case SEARCH_RECENT:
		return recent;
	case SEARCH_OLD:
		return !recent;
	case SEARCH_NEW:
		return recent && !(v->system & FLAG_SEEN);
	default:
		return matches_file(q, k);
	}
}

static bool
prepare_set(struct search *q, uint16_t k)
{
	struct session *const s = q->s;
	struct search_key const *const key = &q->args.keys[k];
	size_t const bytes = s->told_exists / 8 + 1;

	if (!session_set(s, &key->text, key->kind == SEARCH_UID))
		return false;
	q->sets[k] = malloc(bytes);
	if (q->sets[k] == NULL) {
		session_reply_errno(s, "memory");
		return false;
	}
	memcpy(q->sets[k], s->bits.s, bytes);
	return true;
}

static bool
prepare_text(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];

	q->needles[k] = malloc(key->text.len + 1);
	if (q->needles[k] == NULL) {
		session_reply_errno(q->s, "memory");
		return false;
	}
	if (key->text.len > 0)
		memcpy(q->needles[k], key->text.s, key->text.len);
	fold(q->needles[k], key->text.len);
	return true;
}

/* Everything that is the same for all messages. Children stand behind their
 * parents in the array, so going backwards costs are known in time. False:
 * answered. */
static bool
prepare(struct search *q)
{
	struct search_args const *const args = &q->args;

	for (size_t n = args->keys_count; n > 0; n--) {
		uint16_t const k = (uint16_t)(n - 1);
		struct search_key const *const key = &args->keys[k];

		q->costly[k] = key->kind >= SEARCH_BEFORE;
		for (uint16_t c = key->child; c != SEARCH_NONE;
			c = args->keys[c].next)
			q->costly[k] |= q->costly[c];
		if ((key->kind == SEARCH_SET || key->kind == SEARCH_UID) &&
			!prepare_set(q, k))
			return false;
		if (key->kind >= SEARCH_HEADER && !prepare_text(q, k))
			return false;
		if (key->kind == SEARCH_KEYWORD) {
			int const bit = keywords_find(&q->s->mailbox.keywords,
				key->text.s, key->text.len);

			q->keywords[k] = bit < 0 ? 0 : UINT32_C(1) << bit;
		}
	}
	return true;
}

static void
run(struct search *q)
{
	struct session *const s = q->s;

	session_puts(s, "* SEARCH");
	for (size_t i = 0; i < s->told_exists && s->stream->error == 0; i++) {
		struct message const *const v = &s->mailbox.view.v[i];

		q->message = i;
		q->opened = false;
		if (v->state & MESSAGE_GONE || !matches(q, 0))
			continue;
		session_printf(s, " %lu",
			s->command.uid ? (unsigned long)s->mailbox.view.v[i].uid
				       : (unsigned long)(i + 1));
	}
	session_puts(s, "\r\n");
}

void
cmd_search(struct session *s)
{
	static struct search q;

	if (!lex_space(&s->command.lex) ||
		!search_args_lex(&s->command.lex, &q.args) ||
		!lex_end(&s->command.lex)) {
		session_reply_syntax(s);
		return;
	}
	if (q.args.charset == SEARCH_BADCHARSET) {
		session_reply(s, "NO",
			"[BADCHARSET (US-ASCII UTF-8)] Unknown character set");
		return;
	}
	q.s = s;
	q.failed = 0;
	q.content = (struct content)CONTENT_ZERO;
	if (prepare(&q)) {
		run(&q);
		if (q.failed > 0)
			session_reply(s, "NO",
				"[UNAVAILABLE] Some of the messages could not "
				"be read");
		else
			session_reply(s, "OK", "SEARCH completed");
	}
	content_free(&q.content);
	search_text_release();
	for (size_t k = 0; k < q.args.keys_count; k++) {
		free(q.sets[k]);
		free(q.needles[k]);
		q.sets[k] = NULL;
		q.needles[k] = NULL;
	}
}
