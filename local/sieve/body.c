/* The test body (RFC 5173). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "local/sieve/state.h"
#include "mime/body.h"
#include "mime/message.h"

/* Takes the message apart when a test asks for it first. */
static bool
open_message(struct sieve_run *r)
{
	struct message *m;

	if (r->message != NULL)
		return true;
	m = r->message = calloc(1, sizeof *m);
	if (m == NULL)
		return sieve_fail_memory(r);
	/* Nothing of what is called writes into it. */
	if (!stralloc_copyb(&m->text, r->mail->message, r->mail->message_len))
		return sieve_fail_memory(r);
	m->count = structure_parse(
		m->text.s, m->text.len, m->parts, STRUCTURE_PARTS_MAX);
	return sieve_spend(r, m->text.len);
}

void
sieve_body_free(struct sieve_run *r)
{
	if (r->message != NULL)
		stralloc_free(&r->message->text);
	free(r->message);
	r->message = NULL;
}

/* "", "text" or "text/plain" (RFC 5173, 5.2). */
static bool
is_wanted(char const *type, char const *wanted, size_t len)
{
	char const *const slash = strchr(type, '/');

	if (len == 0)
		return true;
	/* Neither a slash at an end nor two of them match anything. */
	if (memchr(wanted, '/', len) == NULL)
		return slash != NULL && (size_t)(slash - type) == len &&
		       strncasecmp(type, wanted, len) == 0;
	return strlen(type) == len && strncasecmp(type, wanted, len) == 0;
}

static int
wants(struct sieve_run *r, struct sieve_node const *n, char const *type)
{
	for (uint32_t i = 0; i < n->args[0].count; i++) {
		if (!sieve_get(r, n->args[0], i, &r->key))
			return -1;
		if (is_wanted(type, r->key.s, r->key.len))
			return 1;
	}
	return 0;
}

/* What a part is to be matched by, into r->value. */
static bool
get_content(struct sieve_run *r, struct structure_part const *part)
{
	struct message const *const m = r->message;
	char const *const s = m->text.s;
	struct structure_part const *child =
		part->child != STRUCTURE_NONE ? &m->parts[part->child] : NULL;
	size_t const end = part->body_offset + part->body_len;
	bool ok = true;

	r->value.len = 0;
	if (part->kind == STRUCTURE_LEAF)
		return body_text(m, part, body_append, &r->value);
	if (child == NULL)
		return true;
	/* The header of a message within; of a multipart what is before its
	 * first part and behind its last. */
	if (part->kind == STRUCTURE_MESSAGE)
		return stralloc_copyb(
			&r->value, s + child->header_offset, child->header_len);
	if (child->header_offset > part->body_offset)
		ok = stralloc_copyb(&r->value, s + part->body_offset,
			child->header_offset - part->body_offset);
	while (child->next != STRUCTURE_NONE)
		child = &m->parts[child->next];
	if (ok && child->body_offset + child->body_len < end)
		ok = stralloc_catb(&r->value,
			s + child->body_offset + child->body_len,
			end - child->body_offset - child->body_len);
	return ok;
}

static bool
match_part(struct sieve_matcher *m, struct structure_part const *part)
{
	struct sieve_run *const r = m->r;

	if (!sieve_spend(r, part->body_len))
		return false;
	if (!get_content(r, part))
		return sieve_fail_memory(r);
	return sieve_match_value(m, r->value.s, r->value.len);
}

static bool
match_raw(struct sieve_matcher *m)
{
	struct message const *const message = m->r->message;
	struct structure_part const *const top = &message->parts[0];

	return sieve_match_value(
		m, message->text.s + top->body_offset, top->body_len);
}

int
sieve_test_body(struct sieve_run *r, struct sieve_node const *n)
{
	struct sieve_matcher m = {.r = r, .n = n};
	char type[STRUCTURE_TYPE_MAX];

	if (!open_message(r))
		return -1;
	if (n->flags & SIEVE_F_RAW)
		return match_raw(&m) ? sieve_match_end(&m) : -1;
	for (size_t i = 0; !m.matched && i < r->message->count; i++) {
		struct structure_part const *const part = &r->message->parts[i];
		int wanted;

		if (part->made_up)
			continue;
		structure_type(r->message->text.s, part, type);
		wanted = n->flags & SIEVE_F_CONTENT
				 ? wants(r, n, type)
				 : strncmp(type, "text/", 5) == 0;
		if (wanted < 0 || (wanted > 0 && !match_part(&m, part)))
			return -1;
	}
	return sieve_match_end(&m);
}
