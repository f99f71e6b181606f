/* The steps of judging one signature: see dkim_check.h. */
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "mime/dkim/arc.h"
#include "mime/dkim/dkim_check.h"
#include "mime/dkim/taglist.h"

static void
decide(struct dkim_check *c, enum dkim_code code, char const *why)
{
	if (c->code != DKIM_NONE)
		return;
	c->code = code;
	c->why = why;
}

void
dkim_check_begin(struct dkim_check *c, enum dkim_kind kind,
	struct header_field const *field, struct dkim_options const *options,
	struct bodyhashes *bodies)
{
	c->field = field;
	c->body = -1;
	c->code = DKIM_NONE;
	c->why = NULL;
	c->uncovered = 0;
	c->key.bits = 0;
	c->key.testing = false;
	*c->key_name = '\0';
	if (!dkim_signature_parse(kind, field, &c->sig)) {
		decide(c, c->sig.code, c->sig.why);
		return;
	}
	if (c->sig.expires > 0 && options->now > c->sig.expires) {
		decide(c, DKIM_PERMERROR, "the signature has expired");
		return;
	}
	snprintf(c->key_name, sizeof c->key_name, "%s._domainkey.%s",
		c->sig.selector, c->sig.domain);
	if (kind == DKIM_KIND_SEAL)
		return;
	c->body = bodyhash_want(bodies, c->sig.relaxed_body, c->sig.limit);
	if (c->body < 0)
		decide(c, DKIM_POLICY, "too many different body lengths");
}

bool
dkim_check_question(struct dkim_check const *c, struct query_question *q_r)
{
	*q_r = (struct query_question){.name = c->key_name, .type = DNS_TXT};
	return c->code == DKIM_NONE;
}

static void
check_key(struct dkim_check *c, struct dkim_options const *options)
{
	unsigned min =
		options->bits_min > 0 ? options->bits_min : DKIM_RSA_BITS_MIN;

	if (c->key.is_ed25519 != c->sig.is_ed25519)
		decide(c, DKIM_PERMERROR, "the key is of another kind");
	/* RFC 8301 3.2. */
	else if (!c->key.is_ed25519 && c->key.bits < min)
		decide(c, DKIM_PERMERROR, "the key is too short");
	else if (c->key.is_strict && c->sig.kind == DKIM_KIND_DKIM &&
		 strcmp(c->sig.identity_domain, c->sig.domain) != 0)
		decide(c, DKIM_PERMERROR,
			"the key is not for names below the domain");
}

void
dkim_check_key(struct dkim_check *c, struct query_question const *q,
	struct dkim_options const *options)
{
	char const *why = NULL;

	if (q->status == DNS_TEMPORARY)
		decide(c, DKIM_TEMPERROR, "the key could not be looked up");
	for (size_t i = 0; i < q->count && c->code == DKIM_NONE; i++) {
		if (dkim_key_parse(
			    q->records[i].data, q->records[i].len, &c->key)) {
			check_key(c, options);
			return;
		}
		if (why == NULL)
			why = c->key.why;
	}
	decide(c, DKIM_PERMERROR, why != NULL ? why : "there is no key");
}

void
dkim_check_keys(struct dkim_check *list, size_t n, struct query *query,
	struct dkim_options const *options)
{
	struct query_question questions[ARC_SETS_MAX + DKIM_SIGNATURES_MAX + 1];
	size_t which[sizeof questions / sizeof *questions], count = 0;

	for (size_t i = 0; i < n; i++)
		if (count < sizeof questions / sizeof *questions &&
			dkim_check_question(&list[i], &questions[count]))
			which[count++] = i;
	query_ask(query, questions, count);
	for (size_t i = 0; i < count; i++)
		dkim_check_key(&list[which[i]], &questions[i], options);
}

void
dkim_check_sink(void *data, char const *s, size_t len)
{
	br_sha256_update(data, s, len);
}

/* RFC 6376 5.4.2: a name that stands n times in h= means the n fields of it
 * from the bottom up. */
static struct header_field const *
take_field(struct fields const *fields, struct header_field const *own,
	char const *name, size_t len, bool used[FIELDS_MAX])
{
	for (size_t i = fields->count; i-- > 0;) {
		struct header_field const *f = &fields->list[i];
		if (used[i] || f == own || f->name_len != len ||
			strncasecmp(f->name, name, len) != 0)
			continue;
		used[i] = true;
		return f;
	}
	return NULL;
}

void
dkim_check_hash(struct dkim_signature const *sig,
	struct header_field const *own, struct fields const *fields,
	unsigned char hash_r[32])
{
	struct tag h = {.value = sig->names, .value_len = sig->names_len};
	bool used[FIELDS_MAX] = {false};
	br_sha256_context sha;
	char const *name;
	size_t pos = 0, len;

	br_sha256_init(&sha);
	while (taglist_item(&h, &pos, &name, &len)) {
		struct header_field const *f =
			take_field(fields, own, name, len, used);
		if (f != NULL)
			canon_field(sig->relaxed_header, f, 0, 0, true,
				dkim_check_sink, &sha);
	}
	canon_field(sig->relaxed_header, own, sig->b_at, sig->b_end, false,
		dkim_check_sink, &sha);
	br_sha256_out(&sha, hash_r);
}

void
dkim_check_judge(struct dkim_check *c, unsigned char const hash[32])
{
	if (c->code != DKIM_NONE)
		return;
	if (dkim_key_verify(&c->key, hash, c->sig.b, c->sig.b_len))
		decide(c, DKIM_PASS, NULL);
	else
		decide(c, DKIM_FAIL, "the signature is wrong");
}

void
dkim_check_end(struct dkim_check *c, struct fields const *fields,
	struct bodyhashes const *bodies)
{
	unsigned char hash[32];

	if (c->code != DKIM_NONE)
		return;
	struct bodyhash const *body = &bodies->list[c->body];
	if (c->sig.limit != BODYHASH_ALL) {
		if (body->total < c->sig.limit) {
			decide(c, DKIM_PERMERROR,
				"l= is more than the body has");
			return;
		}
		c->uncovered = body->total - c->sig.limit;
	}
	if (memcmp(body->hash, c->sig.hash, sizeof c->sig.hash) != 0) {
		decide(c, DKIM_FAIL, "the body hash is wrong");
		return;
	}
	dkim_check_hash(&c->sig, c->field, fields, hash);
	dkim_check_judge(c, hash);
}
