/* Tests of a Sieve script but those of the message's text; see state.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/flags.h"
#include "local/sieve/name.h"
#include "local/sieve/state.h"
#include "mime/header.h"

/* RFC 7352, 3.3: what is longer is made this long. */
#define SEEN_SECONDS_MAX (UINT64_C(90) * 24 * 3600)
#define SEEN_SECONDS (UINT64_C(7) * 24 * 3600)

static int
test_list(struct sieve_run *r, struct sieve_node const *n, bool all)
{
	for (uint32_t i = n->test; i != 0; i = r->p->nodes[i].next) {
		int const result = sieve_test(r, i);

		if (result < 0 || (result > 0) != all)
			return result;
	}
	return all;
}

static int
test_not(struct sieve_run *r, struct sieve_node const *n)
{
	int const result = sieve_test(r, n->test);

	return result < 0 ? -1 : !result;
}

static int
note_field(void *data, char const *value, size_t len)
{
	(void)value;
	(void)len;
	*(bool *)data = true;
	return 0;
}

static int
test_exists(struct sieve_run *r, struct sieve_node const *n)
{
	bool found = true;

	for (uint32_t i = 0; found && i < n->args[0].count; i++) {
		found = false;
		if (!sieve_get(r, n->args[0], i, &r->key) ||
			sieve_each_field(r, n, r->key.s, r->key.len, note_field,
				&found) < 0)
			return -1;
	}
	return found;
}

static int
test_size(struct sieve_run *r, struct sieve_node const *n)
{
	uint64_t const size = r->mail->size;

	return n->flags & SIEVE_F_OVER ? size > n->number : size < n->number;
}

static int
test_string(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};

	for (uint32_t i = 0; !m.matched && i < n->args[0].count; i++) {
		if (!sieve_get(r, n->args[0], i, &r->value))
			return -1;
		/* RFC 5229, 5: an empty string is not counted. */
		if (n->match == SIEVE_COUNT && r->value.len == 0)
			continue;
		if (!sieve_match_value(&m, r->value.s, r->value.len))
			return -1;
	}
	return sieve_match_end(&m);
}

static bool
match_flags(struct sieve_matcher *m, stralloc const *set)
{
	size_t pos = 0, len;
	char const *word;

	while (set != NULL && !m->matched &&
		sieve_flags_next(set->s, set->len, &pos, &word, &len) > 0)
		if (!sieve_match_value(m, word, len))
			return false;
	return true;
}

/* The keys of hasflag are lists of flags themselves (RFC 5232, 4): each word of
 * them is one. */
static int
test_hasflag(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};
	stralloc *set = &r->flags;

	if (n->args[0].count == 0) {
		if (!match_flags(&m, set))
			return -1;
	}
	for (uint32_t i = 0; !m.matched && i < n->args[0].count; i++) {
		if (!sieve_get(r, n->args[0], i, &r->value))
			return -1;
		set = sieve_lookup(r, r->value.s, r->value.len);
		if (!match_flags(&m, set))
			return -1;
	}
	return sieve_match_end(&m);
}

/* RFC 5490, 3.1: all of them. */
static int
test_mailboxexists(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_host const *const host = &r->mail->host;
	char name[BOXNAME_MAX + 1];

	for (uint32_t i = 0; i < n->args[0].count; i++) {
		if (!sieve_get(r, n->args[0], i, &r->key))
			return -1;
		if (!sieve_name_box(r->key.s, r->key.len, name) ||
			host->mailbox_exists == NULL ||
			!host->mailbox_exists(host->data, name))
			return 0;
	}
	return 1;
}

/* RFC 8579, 3. */
static int
test_specialuse_exists(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_host const *const host = &r->mail->host;
	bool const is_named = n->args[0].count > 0;
	char name[BOXNAME_MAX + 1];

	if (is_named) {
		if (!sieve_get(r, n->args[0], 0, &r->key))
			return -1;
		if (!sieve_name_box(r->key.s, r->key.len, name))
			return 0;
	}
	for (uint32_t i = 0; i < n->args[1].count; i++) {
		if (!sieve_get(r, n->args[1], i, &r->key) ||
			!stralloc_0(&r->key))
			return -1;
		if (host->has_use == NULL ||
			!host->has_use(
				host->data, is_named ? name : NULL, r->key.s))
			return 0;
	}
	return 1;
}

/* RFC 5183, 4.1. NULL: there is no such item. */
static char const *
environment(struct sieve_run const *r, stralloc const *name)
{
	static char const *const known[][2] = {{"location", "MDA"},
		{"phase", "post"}, {"name", "Kereru"},
		{"version", KERERU_VERSION}};
	char const *const host = r->mail->hostname;
	char const *const dot = host != NULL ? strchr(host, '.') : NULL;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strlen(known[i][0]) == name->len &&
			strncasecmp(known[i][0], name->s, name->len) == 0)
			return known[i][1];
	if (name->len == 4 && strncasecmp(name->s, "host", 4) == 0)
		return host;
	if (name->len == 6 && strncasecmp(name->s, "domain", 6) == 0)
		return dot != NULL ? dot + 1 : NULL;
	return NULL;
}

static int
test_environment(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};
	char const *value;

	if (!sieve_get(r, n->args[0], 0, &r->value))
		return -1;
	value = environment(r, &r->value);
	/* "If the item is unknown the test fails." */
	if (value == NULL)
		return 0;
	if (!sieve_match_value(&m, value, strlen(value)))
		return -1;
	return sieve_match_end(&m);
}

static int
match_number(struct sieve_run *r, struct sieve_node const *n, bool is_known,
	unsigned number)
{
	struct sieve_matcher m = {.r = r, .n = n};
	char digits[12];
	int const len = snprintf(digits, sizeof digits, "%u", number);

	/* RFC 5235, 2: :count says whether it was tested at all. */
	if (n->match == SIEVE_COUNT && !is_known)
		return sieve_match_end(&m);
	if (!sieve_match_value(&m, digits, (size_t)len))
		return -1;
	return sieve_match_end(&m);
}

static int
test_spam(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_mail const *const mail = r->mail;
	bool const is_known = mail->spam > 0;

	if (!(n->flags & SIEVE_F_PERCENT))
		return match_number(r, n, is_known, mail->spam);
	return match_number(r, n, is_known,
		mail->spam_percent > 0 ? (unsigned)mail->spam_percent : 0);
}

static int
note_value(void *data, char const *value, size_t len)
{
	struct sieve_run *const r = data;

	return sieve_decode(r, value, len) ? 0 : -1;
}

/* What identifies the message, into r->decoded; 0: nothing does. */
static int
get_id(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_node const all = {0};
	int go;

	r->decoded.len = 0;
	if (n->flags & SIEVE_F_UNIQUEID)
		return sieve_get(r, n->args[2], 0, &r->decoded)
			       ? r->decoded.len > 0
			       : -1;
	if (n->flags & SIEVE_F_HEADER) {
		if (!sieve_get(r, n->args[1], 0, &r->key))
			return -1;
		if (!sieve_name_field(r->key.s, r->key.len))
			return 0;
		go = sieve_each_field(
			r, &all, r->key.s, r->key.len, note_value, r);
	} else {
		go = sieve_each_field(r, &all, "message-id", 10, note_value, r);
	}
	return go < 0 ? -1 : r->decoded.len > 0;
}

/* What is to be remembered when all is done (RFC 7352, 3). */
static bool
note_seen(struct sieve_run *r, stralloc const *handle, uint64_t seconds)
{
	struct sieve_result *const result = r->result;
	struct sieve_seen *s = &result->seen[result->seen_count];

	for (size_t i = 0; i < result->seen_count; i++) {
		struct sieve_seen const *const old = &result->seen[i];

		if (old->id_len == r->decoded.len &&
			memcmp(old->id, r->decoded.s, old->id_len) == 0 &&
			old->handle_len == handle->len &&
			memcmp(old->handle, handle->s, handle->len) == 0)
			return true;
	}
	if (result->seen_count == SIEVE_SEEN_MAX)
		return sieve_fail(r, "too many tests for duplicates");
	s->handle = sieve_memory_copy(&result->memory, handle->s, handle->len);
	s->handle_len = handle->len;
	s->id = sieve_memory_copy(
		&result->memory, r->decoded.s, r->decoded.len);
	s->id_len = r->decoded.len;
	s->seconds = seconds;
	if (s->handle == NULL || s->id == NULL)
		return sieve_fail_memory(r);
	result->seen_count++;
	return true;
}

static int
test_duplicate(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_host const *const host = &r->mail->host;
	uint64_t seconds =
		n->flags & SIEVE_F_SECONDS ? n->number : SEEN_SECONDS;
	int found = get_id(r, n);
	bool seen;

	if (found <= 0 || seconds == 0)
		return found < 0 ? -1 : 0;
	if (seconds > SEEN_SECONDS_MAX)
		seconds = SEEN_SECONDS_MAX;
	r->key.len = 0;
	if (!stralloc_ready(&r->key, 1) ||
		((n->flags & SIEVE_F_HANDLE) &&
			!sieve_get(r, n->args[4], 0, &r->key)))
		return -1;
	seen = host->was_seen != NULL &&
	       host->was_seen(host->data, r->key.s, r->key.len, r->decoded.s,
		       r->decoded.len);
	if ((!seen || (n->flags & SIEVE_F_LAST)) &&
		!note_seen(r, &r->key, seconds))
		return -1;
	return seen;
}

int
sieve_test(struct sieve_run *r, uint32_t node)
{
	struct sieve_node const *const n = &r->p->nodes[node];

	r->line = n->line;
	if (!sieve_spend(r, 100))
		return -1;
	switch ((enum sieve_op)n->op) {
	case SIEVE_TRUE:
		return 1;
	case SIEVE_FALSE:
		return 0;
	case SIEVE_NOT:
		return test_not(r, n);
	case SIEVE_ALLOF:
		return test_list(r, n, true);
	case SIEVE_ANYOF:
		return test_list(r, n, false);
	case SIEVE_HEADER:
		return sieve_test_header(r, n);
	case SIEVE_ADDRESS:
		return sieve_test_address(r, n);
	case SIEVE_ENVELOPE:
		return sieve_test_envelope(r, n);
	case SIEVE_EXISTS:
		return test_exists(r, n);
	case SIEVE_SIZE:
		return test_size(r, n);
	case SIEVE_STRING:
		return test_string(r, n);
	case SIEVE_BODY:
		return sieve_test_body(r, n);
	case SIEVE_DATE:
		return sieve_test_date(r, n);
	case SIEVE_CURRENTDATE:
		return sieve_test_currentdate(r, n);
	case SIEVE_HASFLAG:
		return test_hasflag(r, n);
	case SIEVE_MAILBOXEXISTS:
		return test_mailboxexists(r, n);
	case SIEVE_SPECIALUSE_EXISTS:
		return test_specialuse_exists(r, n);
	case SIEVE_ENVIRONMENT:
		return test_environment(r, n);
	case SIEVE_DUPLICATE:
		return test_duplicate(r, n);
	case SIEVE_SPAMTEST:
		return test_spam(r, n);
	case SIEVE_VIRUSTEST:
		return match_number(r, n, false, 0);
	default:
		return 0;
	}
}
