/* Which messages match a search program; see search_run.h. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "imapd/objectid.h"
#include "imapd/search_indexed.h"
#include "imapd/search_text.h"
#include "mime/date.h"
#include "mime/fold.h"

#define DAY 86400
/* Messages between two looks at the clock. */
#define PROGRESS_STEP 256

static bool
result(struct search *q, int r)
{
	q->message.failed += r < 0;
	return r > 0;
}

static bool
sent_day(struct search *q, int64_t *day_r)
{
	struct lex_text const value = search_message_field(&q->message, "Date");
	struct date date;

	if (!date_parse(value.s, value.len, &date))
		return false;
	*day_r = date_day(&date);
	return true;
}

/* When it came into the maildir: no file is older than its name. */
static bool
saved_day(struct search *q, int64_t *day_r)
{
	int64_t seconds;

	if (!objectid_savedate(
		    msgtable_name(&q->message.s->mailbox.view, q->message.i),
		    &seconds) &&
		!search_message_internal(&q->message, &seconds))
		return false;
	*day_r = seconds / DAY;
	return true;
}

static bool
has_id(struct search *q, struct lex_text const *wanted)
{
	char id[OBJECTID_MAX + 1];
	unsigned char digest[META_DIGEST_LEN];

	if (!search_message_digest(&q->message, digest))
		return false;
	objectid_email(digest, id);
	return strlen(id) == wanted->len &&
	       memcmp(id, wanted->s, wanted->len) == 0;
}

static bool
compare_day(enum search_kind kind, int64_t day, int64_t wanted)
{
	switch (kind) {
	case SEARCH_BEFORE:
	case SEARCH_SENTBEFORE:
	case SEARCH_SAVEDBEFORE:
		return day < wanted;
	case SEARCH_ON:
	case SEARCH_SENTON:
	case SEARCH_SAVEDON:
		return day == wanted;
	default:
		return day >= wanted;
	}
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
matches_header(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	struct lex_text header;

	return search_message_header(
		       &q->message, key->name.s, key->name.len, &header) &&
	       result(q, search_text_field(header.s, header.len, key->name.s,
				 key->name.len, q->needles[k], key->text.len));
}

static bool
matches_text(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	struct content *const c = &q->message.content;
	enum search_said const said = search_indexed(q, k);

	if (said != SEARCH_SAID_NOTHING)
		return said == SEARCH_SAID_YES;
	if (!search_message_open(&q->message))
		return false;
	if (key->kind == SEARCH_BODY)
		return result(
			q, search_text_body(c, q->needles[k], key->text.len));
	return result(q, search_text_all(c, q->needles[k], key->text.len));
}

static bool
matches_file(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	uint64_t size;
	int64_t time_s;

	switch (key->kind) {
	case SEARCH_BEFORE:
	case SEARCH_ON:
	case SEARCH_SINCE:
		return search_message_internal(&q->message, &time_s) &&
		       compare_day(key->kind, time_s / DAY, key->day / DAY);
	case SEARCH_OLDER:
		return search_message_internal(&q->message, &time_s) &&
		       time_s <= q->now_s - (int64_t)key->number;
	case SEARCH_YOUNGER:
		return search_message_internal(&q->message, &time_s) &&
		       time_s >= q->now_s - (int64_t)key->number;
	case SEARCH_SENTBEFORE:
	case SEARCH_SENTON:
	case SEARCH_SENTSINCE:
		return sent_day(q, &time_s) &&
		       compare_day(key->kind, time_s, key->day / DAY);
	case SEARCH_EMAILID:
		return has_id(q, &key->text);
	case SEARCH_LARGER:
		return search_message_size(&q->message, &size) &&
		       size > key->number;
	case SEARCH_SMALLER:
		return search_message_size(&q->message, &size) &&
		       size < key->number;
	case SEARCH_HEADER:
		return matches_header(q, k);
	default:
		return matches_text(q, k);
	}
}

static bool
matches(struct search *q, uint16_t k)
{
	struct search_key const *const key = &q->args.keys[k];
	size_t const i = q->message.i;
	struct message const *const v = &q->message.s->mailbox.view.v[i];
	bool const recent = v->state & MESSAGE_RECENT;
	int64_t day;

	switch (key->kind) {
	case SEARCH_AND:
		return all_match(q, key->child);
	case SEARCH_OR:
		return any_matches(q, key->child);
	case SEARCH_NOT:
		return !matches(q, key->child);
	case SEARCH_SET:
	case SEARCH_UID:
		return q->sets[k][i / 8] >> (i % 8) & 1;
	case SEARCH_FLAGS:
		return (v->system & key->system) == key->system;
	case SEARCH_UNFLAGS:
		return (v->system & key->system) == 0;
	case SEARCH_KEYWORD:
		return v->keywords & q->keywords[k];
	case SEARCH_MODSEQ:
		return v->modseq >= key->number;
	case SEARCH_SAVEDBEFORE:
	case SEARCH_SAVEDON:
	case SEARCH_SAVEDSINCE:
		return saved_day(q, &day) &&
		       compare_day(key->kind, day, key->day / DAY);
	case SEARCH_THREADID:
		/* We have none (RFC 8474, 5.2). */
		return false;
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
	struct session *const s = q->message.s;
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
		session_reply_errno(q->message.s, "memory");
		return false;
	}
	if (key->text.len > 0)
		memcpy(q->needles[k], key->text.s, key->text.len);
	fold(q->needles[k], key->text.len);
	return true;
}

/* Children stand behind their parents in the array, so going backwards costs
 * are known in time. */
bool
search_prepare(struct search *q, struct session *s)
{
	struct search_args const *const args = &q->args;

	search_message_init(&q->message, s);
	q->now_s = (int64_t)time(NULL);
	q->asks_modseq = false;
	q->read = 0;
	q->built = false;
	q->told_s = 0;
	if (args->charset == SEARCH_BADCHARSET) {
		session_reply(s, "NO",
			"[BADCHARSET (US-ASCII UTF-8)] Unknown character set");
		return false;
	}
	for (size_t n = args->keys_count; n > 0; n--) {
		uint16_t const k = (uint16_t)(n - 1);
		struct search_key const *const key = &args->keys[k];

		if (s->uid_only && key->kind == SEARCH_SET &&
			!SAVED_IS(&key->text)) {
			session_reply(
				s, "BAD", "[UIDREQUIRED] Numbers are disabled");
			return false;
		}
		q->costly[k] = key->kind >= SEARCH_BEFORE;
		for (uint16_t c = key->child; c != SEARCH_NONE;
			c = args->keys[c].next)
			q->costly[k] |= q->costly[c];
		if ((key->kind == SEARCH_SET || key->kind == SEARCH_UID) &&
			!prepare_set(q, k))
			return false;
		if (key->kind >= SEARCH_HEADER && !prepare_text(q, k))
			return false;
		if (key->kind == SEARCH_MODSEQ) {
			q->asks_modseq = true;
			session_condstore(s);
		}
		if (key->kind == SEARCH_KEYWORD) {
			int const bit = keywords_find(&s->mailbox.keywords,
				key->text.s, key->text.len);

			q->keywords[k] = bit < 0 ? 0 : UINT32_C(1) << bit;
		}
	}
	return true;
}

void
search_release(struct search *q)
{
	search_message_free(&q->message);
	search_text_release();
	search_indexed_free(q);
	for (size_t k = 0; k < q->args.keys_count; k++) {
		free(q->sets[k]);
		free(q->needles[k]);
		q->sets[k] = NULL;
		q->needles[k] = NULL;
	}
}

bool
search_matches(struct search *q, size_t i)
{
	if (q->message.s->mailbox.view.v[i].state & MESSAGE_GONE)
		return false;
	search_message_start(&q->message, i);
	return matches(q, 0);
}

bool
search_collect(struct search *q, enum search_extent extent,
	struct search_found *found_r)
{
	struct session *const s = q->message.s;
	size_t const exists = s->told_exists;
	size_t room = 0;

	*found_r = (struct search_found){0};
	for (size_t n = 0; n < exists && s->stream->error == 0; n++) {
		size_t const i = extent == SEARCH_LAST ? exists - 1 - n : n;

		if (n % PROGRESS_STEP == PROGRESS_STEP - 1 &&
			!search_progress(q, n, exists))
			break;
		if (!search_matches(q, i))
			continue;
		if (found_r->count == room) {
			size_t const more = room > 0 ? room * 2 : 256;
			uint32_t *const v =
				realloc(found_r->v, more * sizeof *v);

			if (v == NULL) {
				search_found_free(found_r);
				return false;
			}
			found_r->v = v;
			room = more;
		}
		found_r->v[found_r->count++] = (uint32_t)i;
		if (extent != SEARCH_ALL)
			break;
	}
	return true;
}

void
search_done(struct search const *q, char const *word)
{
	struct session *const s = q->message.s;

	if (q->message.failed > 0)
		session_reply(s, "NO",
			"[UNAVAILABLE] Some of the messages could not be read");
	else
		session_reply(s, "OK", "%s completed", word);
}
