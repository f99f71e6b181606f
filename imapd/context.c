/* Searches that are kept up to date; see context.h. */
#include <stdlib.h>
#include <string.h>

#include "imapd/context.h"
#include "imapd/context_order.h"

#define TAG_MAX 64

struct context {
	char tag[TAG_MAX];
	size_t tag_len; /* 0: none here */
	bool uid;
	struct search_key *keys; /* their strings are in text */
	size_t keys_count;
	char *text;
	uint32_t *uids; /* results, growing */
	size_t count;
	bool sorted;
	struct context_order order;
	uint64_t modseq; /* of what was looked at last */
	uint32_t last_uid;
};

static struct context contexts[CONTEXTS_MAX];

static struct context *
find(struct lex_text const *tag)
{
	for (size_t k = 0; k < CONTEXTS_MAX; k++)
		if (contexts[k].tag_len > 0 &&
			contexts[k].tag_len == tag->len &&
			memcmp(contexts[k].tag, tag->s, tag->len) == 0)
			return &contexts[k];
	return NULL;
}

bool
context_has(struct lex_text const *tag)
{
	return find(tag) != NULL;
}

static void
release(struct context *c)
{
	free(c->keys);
	free(c->text);
	free(c->uids);
	context_order_free(&c->order);
	*c = (struct context){0};
}

static void
refuse(struct session *s, char const *tag, size_t tag_len)
{
	session_puts(s, "* NO [NOUPDATE \"");
	(void)stream_write(s->stream, tag, tag_len);
	session_puts(s, "\"] Not kept up to date\r\n");
}

/* What can't be kept up to date any more. */
static void
give_up(struct session *s, struct context *c)
{
	refuse(s, c->tag, c->tag_len);
	release(c);
}

bool
context_cancel(struct lex_text const *tag)
{
	struct context *const c = find(tag);

	if (c == NULL)
		return false;
	release(c);
	return true;
}

void
context_clear(void)
{
	for (size_t k = 0; k < CONTEXTS_MAX; k++)
		release(&contexts[k]);
}

/* The command's strings are gone with it. */
static char *
copy_text(char *to, struct lex_text *text)
{
	if (text->len > 0)
		memcpy(to, text->s, text->len);
	text->s = to;
	return to + text->len;
}

static bool
copy_program(struct context *c, struct search_args const *args)
{
	size_t const n = args->keys_count;
	size_t text_len = 0;
	char *to;

	for (size_t k = 0; k < n; k++) {
		if (args->keys[k].kind == SEARCH_SET ||
			(args->keys[k].kind == SEARCH_UID &&
				SAVED_IS(&args->keys[k].text)))
			return false;
		text_len += args->keys[k].text.len + args->keys[k].name.len;
	}
	if (n > CONTEXT_KEYS_MAX || text_len > CONTEXT_TEXT_MAX)
		return false;
	c->keys = malloc(n * sizeof *c->keys);
	c->text = to = malloc(text_len + 1);
	if (c->keys == NULL || to == NULL)
		return false;
	c->keys_count = n;
	memcpy(c->keys, args->keys, n * sizeof *c->keys);
	for (size_t k = 0; k < n; k++) {
		to = copy_text(to, &c->keys[k].text);
		to = copy_text(to, &c->keys[k].name);
	}
	return true;
}

static int
by_uid(void const *a, void const *b)
{
	uint32_t const x = *(uint32_t const *)a, y = *(uint32_t const *)b;

	return x < y ? -1 : x > y;
}

static uint32_t
last_uid(struct session const *s)
{
	return s->told_exists > 0 ? s->mailbox.view.v[s->told_exists - 1].uid
				  : 0;
}

/* The results in the mailbox's order. */
static bool
copy_results(struct context *c, struct session const *s,
	struct search_found const *found)
{
	c->uids = malloc((found->count + 1) * sizeof *c->uids);
	if (c->uids == NULL)
		return false;
	for (size_t k = 0; k < found->count; k++)
		c->uids[k] = s->mailbox.view.v[found->v[k]].uid;
	c->count = found->count;
	if (c->sorted)
		qsort(c->uids, c->count, sizeof *c->uids, by_uid);
	return true;
}

static bool
add(struct session *s, struct search const *q, struct search_found const *found,
	struct sort_args const *criteria)
{
	struct context *c = NULL;

	for (size_t k = 0; k < CONTEXTS_MAX && c == NULL; k++)
		if (contexts[k].tag_len == 0)
			c = &contexts[k];
	if (c == NULL || s->command.tag.len > TAG_MAX)
		return false;
	c->sorted = criteria != NULL;
	if (!copy_program(c, &q->args) || !copy_results(c, s, found) ||
		(c->sorted &&
			!context_order_init(&c->order, s, criteria, found))) {
		release(c);
		return false;
	}
	memcpy(c->tag, s->command.tag.s, s->command.tag.len);
	c->tag_len = s->command.tag.len;
	c->uid = s->command.uid;
	c->modseq = mailbox_highest(&s->mailbox);
	c->last_uid = last_uid(s);
	return true;
}

void
context_add(struct session *s, struct search const *q,
	struct search_found const *found, struct sort_args const *criteria)
{
	if (!add(s, q, found, criteria))
		refuse(s, s->command.tag.s, s->command.tag.len);
}

/* What a change is told of: indices, with place to grow. */
struct changes {
	uint32_t *v;
	size_t count;
};

/* Append the places and sets of a change. */
static bool
add_pairs(struct session *s, struct context *c, struct search *q,
	struct changes const *changes)
{
	if (!c->sorted)
		return stralloc_cats(&s->out, " 0") &&
		       search_reply_set(s, changes->v, changes->count, &s->out);
	if (q == NULL)
		return context_order_remove(
			&c->order, s, changes->v, changes->count, &s->out);
	return context_order_add(
		&c->order, &q->message, changes->v, changes->count, &s->out);
}

/*
 * `* ESEARCH (TAG "B01") UID ADDTO (0 32768:32769)`, or REMOVEFROM without q.
 * False: it cannot be told.
 */
static bool
tell(struct session *s, struct context *c, struct search *q,
	struct changes const *changes)
{
	stralloc *const out = &s->out;
	bool const uid = s->command.uid;
	size_t start;
	bool ok;

	if (changes->count == 0)
		return true;
	out->len = 0;
	ok = stralloc_cats(out, "* ESEARCH (TAG \"") &&
	     stralloc_catb(out, c->tag, c->tag_len) &&
	     stralloc_cats(out, "\")") &&
	     (!c->uid || stralloc_cats(out, " UID")) &&
	     stralloc_cats(out, q != NULL ? " ADDTO " : " REMOVEFROM ");
	start = out->len;
	s->command.uid = c->uid;
	ok = ok && add_pairs(s, c, q, changes) && stralloc_cats(out, ")\r\n");
	s->command.uid = uid;
	if (ok) {
		out->s[start] = '(';
		session_send(s);
	}
	out->len = 0;
	return ok;
}

static bool
is_result(struct context const *c, uint32_t uid)
{
	return bsearch(&uid, c->uids, c->count, sizeof uid, by_uid) != NULL;
}

/* Take the changes out of the results. */
static void
forget(struct context *c, struct session const *s,
	struct changes const *changes)
{
	size_t n = 0, next = 0;

	for (size_t k = 0; k < c->count; k++) {
		if (next < changes->count &&
			s->mailbox.view.v[changes->v[next]].uid == c->uids[k])
			next++;
		else
			c->uids[n++] = c->uids[k];
	}
	c->count = n;
}

void
context_tell_gone(struct session *s)
{
	uint32_t *const v = malloc((s->told_exists + 1) * sizeof *v);

	for (size_t n = 0; v != NULL && n < CONTEXTS_MAX; n++) {
		struct context *const c = &contexts[n];
		struct changes gone = {v, 0};

		if (c->tag_len == 0)
			continue;
		for (uint32_t i = 0; i < s->told_exists; i++)
			if (s->mailbox.view.v[i].state & MESSAGE_GONE &&
				is_result(c, s->mailbox.view.v[i].uid))
				v[gone.count++] = i;
		if (tell(s, c, NULL, &gone))
			forget(c, s, &gone);
		else
			give_up(s, c);
	}
	free(v);
}

/* Merge messages that match now into the results; both grow. */
static bool
add_results(struct context *c, struct session const *s,
	struct changes const *changes)
{
	size_t const total = c->count + changes->count;
	uint32_t *const v = realloc(c->uids, (total + 1) * sizeof *v);
	size_t old = c->count, fresh = changes->count;

	if (v == NULL)
		return false;
	c->uids = v;
	for (size_t k = total; k > 0 && fresh > 0; k--) {
		uint32_t const uid =
			s->mailbox.view.v[changes->v[fresh - 1]].uid;

		if (old > 0 && v[old - 1] > uid) {
			v[k - 1] = v[--old];
		} else {
			v[k - 1] = uid;
			fresh--;
		}
	}
	c->count = total;
	return true;
}

/* Ask the program of what has changed since it was asked last. */
static void
compare(struct session *s, struct context *c, struct search *q, uint32_t *v)
{
	struct message const *const messages = s->mailbox.view.v;
	struct changes come = {v, 0}, went = {v + s->told_exists, 0};

	for (uint32_t i = 0; i < s->told_exists; i++) {
		bool before, now;

		if (messages[i].state & MESSAGE_GONE ||
			(messages[i].modseq <= c->modseq &&
				messages[i].uid <= c->last_uid))
			continue;
		before = is_result(c, messages[i].uid);
		now = search_matches(q, i);
		if (now && !before)
			come.v[come.count++] = i;
		else if (before && !now)
			went.v[went.count++] = i;
	}
	if (!tell(s, c, NULL, &went)) {
		give_up(s, c);
		return;
	}
	forget(c, s, &went);
	if (!tell(s, c, q, &come) || !add_results(c, s, &come))
		give_up(s, c);
}

void
context_tell(struct session *s)
{
	static struct search q;
	/* The command has its answer already. */
	char const *const status = s->status, *const code = s->code;
	char reply[SESSION_REPLY_MAX];
	uint64_t const modseq = mailbox_highest(&s->mailbox);
	uint32_t *v = NULL;

	memcpy(reply, s->reply, sizeof reply);
	for (size_t n = 0; n < CONTEXTS_MAX; n++) {
		struct context *const c = &contexts[n];

		if (c->tag_len == 0 ||
			(c->modseq == modseq && c->last_uid >= last_uid(s)))
			continue;
		if (v == NULL)
			v = malloc((2 * s->told_exists + 1) * sizeof *v);
		if (v == NULL)
			break;
		q.args.charset = SEARCH_UTF8;
		q.args.keys_count = c->keys_count;
		memcpy(q.args.keys, c->keys, c->keys_count * sizeof *c->keys);
		if (search_prepare(&q, s))
			compare(s, c, &q, v);
		search_release(&q);
		if (c->tag_len == 0)
			continue;
		c->modseq = modseq;
		if (last_uid(s) > c->last_uid)
			c->last_uid = last_uid(s);
	}
	free(v);
	s->status = status;
	s->code = code;
	memcpy(s->reply, reply, sizeof reply);
}
