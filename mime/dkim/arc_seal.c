/* Adding a set to an ARC chain: see arc_seal.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/arc_run.h"
#include "mime/dkim/arc_seal.h"

struct work {
	struct fields const *fields;
	unsigned char const *body_hash;
	struct bodyhashes bodies; /* asked for by arc_run_begin, not made */
	struct arc_run run;
	struct arc_set sets[ARC_SETS_MAX + 1];
	char results[DKIM_SIGN_MAX], message[DKIM_SIGN_MAX],
		seal[DKIM_SIGN_MAX];
	size_t results_len, message_len, seal_len;
	struct header_field fields_made[3];
};

static bool
full(void)
{
	errno = EMSGSIZE;
	return false;
}

static bool
as_field(char const *s, size_t len, struct header_field *f)
{
	size_t pos = 0;

	return header_next(s, len, &pos, f) > 0 || full();
}

static bool
make_results(struct work *w, unsigned instance, char const *results)
{
	int n = snprintf(w->results, sizeof w->results,
		"ARC-Authentication-Results: i=%u; %s\r\n", instance, results);

	if (n < 0 || (size_t)n >= sizeof w->results)
		return full();
	w->results_len = (size_t)n;
	return as_field(w->results, w->results_len, &w->fields_made[0]);
}

static bool
make_message(
	struct work *w, unsigned instance, struct dkim_signer const *signer)
{
	return dkim_sign_fields(DKIM_KIND_MESSAGE, instance, w->fields,
		       w->body_hash, signer, w->message, &w->message_len) &&
	       as_field(w->message, w->message_len, &w->fields_made[1]);
}

static bool
make_seal(struct work *w, unsigned instance, enum arc_code status,
	struct dkim_signer const *signer)
{
	struct dkim_text t = {.s = w->seal, .max = sizeof w->seal};
	struct arc_set *own = &w->sets[instance - 1];
	struct header_field field;
	unsigned char hash[32];
	char piece[DNS_NAME_SIZE + 8];
	bool is_failed = status == ARC_FAIL;

	snprintf(piece, sizeof piece, "ARC-Seal: i=%u;", instance);
	dkim_text_put(&t, piece);
	dkim_text_piece(&t, signer->key->is_ed25519 ? "a=ed25519-sha256;"
						    : "a=rsa-sha256;");
	snprintf(piece, sizeof piece, "t=%llu;",
		(unsigned long long)signer->now);
	dkim_text_piece(&t, piece);
	dkim_text_piece(&t, is_failed	    ? "cv=fail;"
			    : instance == 1 ? "cv=none;"
					    : "cv=pass;");
	snprintf(piece, sizeof piece, "d=%s;", signer->domain);
	dkim_text_piece(&t, piece);
	snprintf(piece, sizeof piece, "s=%s;", signer->selector);
	dkim_text_piece(&t, piece);
	dkim_text_piece(&t, "b=");
	if (t.is_full || !as_field(t.s, t.len, &field))
		return full();
	own->results = &w->fields_made[0];
	own->message = &w->fields_made[1];
	/* RFC 8617 5.1.2: a failed chain's seal covers its own set alone. */
	arc_run_hash(is_failed ? own : w->sets, is_failed ? 1 : instance,
		&field, 0, 0, hash);
	if (!dkim_text_seal(&t, signer->key, hash))
		return false;
	w->seal_len = t.len;
	return true;
}

/* Whether the chain's last seal says that it failed. */
static bool
has_ended(struct arc_run const *run)
{
	return run->count > 0 && run->sets[run->count - 1].seal != NULL &&
	       run->seals[run->count - 1].sig.cv == DKIM_CV_FAIL;
}

static int
seal(struct work *w, struct dkim_signer const *signer, enum arc_code status,
	char const *results, char *out, size_t *len_r)
{
	struct dkim_options options = {.now = 0};
	unsigned instance;

	if (!arc_run_begin(&w->run, w->fields, &options, &w->bodies))
		return -1;
	instance = w->run.count + 1;
	if (instance > ARC_SETS_MAX || has_ended(&w->run))
		return 0;
	/* What has no structure cannot have passed, nor what nobody judged. */
	if (w->run.code == ARC_FAIL || (w->run.count > 0 && status != ARC_PASS))
		status = ARC_FAIL;
	memcpy(w->sets, w->run.sets, sizeof w->run.sets);
	if (!make_results(w, instance, results) ||
		!make_message(w, instance, signer) ||
		!make_seal(w, instance, status, signer))
		return -1;
	*len_r = 0;
	memcpy(out, w->seal, w->seal_len);
	*len_r += w->seal_len;
	memcpy(out + *len_r, w->message, w->message_len);
	*len_r += w->message_len;
	memcpy(out + *len_r, w->results, w->results_len + 1);
	*len_r += w->results_len;
	return 1;
}

int
arc_seal_fields(struct fields const *fields, unsigned char const body_hash[32],
	struct dkim_signer const *signer, enum arc_code status,
	char const *results, char out[ARC_SEAL_MAX], size_t *len_r)
{
	struct work *w;
	int r;

	if (status == ARC_TEMPERROR)
		return 0;
	w = calloc(1, sizeof *w);
	if (w == NULL)
		return -1;
	w->fields = fields;
	w->body_hash = body_hash;
	r = seal(w, signer, status, results, out, len_r);
	arc_run_free(&w->run);
	free(w);
	return r;
}

int
arc_seal(struct source const *message, struct dkim_signer const *signer,
	enum arc_code status, char const *results, char out[ARC_SEAL_MAX],
	size_t *len_r)
{
	struct fields fields;
	unsigned char hash[32];
	int r = -1;

	if (fields_read(message, &fields) &&
		dkim_sign_body(message, fields.body_at, hash))
		r = arc_seal_fields(
			&fields, hash, signer, status, results, out, len_r);
	fields_free(&fields);
	return r;
}
