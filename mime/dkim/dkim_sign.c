/* Making DKIM signatures: see dkim_sign.h. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "mime/dkim/dkim_check.h"
#include "mime/dkim/dkim_sign.h"

/* Octets of a line, for the tab that begins it counted as one. */
#define LINE_WIDTH 72
/* Instances of one field that are signed; more are left to the one name that
 * is signed beyond what is there, which then fails: nobody sends that. */
#define INSTANCES_MAX 32

/* RFC 6376 5.4.1, and what decides how a body is shown. */
static struct {
	char const *name;
	bool is_sealed; /* once more than it is there */
} const signed_fields[] = {
	{"From", true},
	{"To", true},
	{"Cc", true},
	{"Subject", true},
	{"Date", true},
	{"Message-ID", true},
	{"Reply-To", true},
	{"In-Reply-To", true},
	{"References", true},
	{"MIME-Version", true},
	{"Content-Type", true},
	{"Content-Transfer-Encoding", true},
	{"Content-Disposition", false},
	{"Resent-From", false},
	{"Resent-To", false},
	{"Resent-Cc", false},
	{"Resent-Date", false},
	{"Resent-Message-ID", false},
	{"List-Id", false},
	{"List-Help", false},
	{"List-Unsubscribe", false},
	{"List-Unsubscribe-Post", false},
	{"List-Subscribe", false},
	{"List-Post", false},
	{"List-Owner", false},
	{"List-Archive", false},
	{"Autocrypt", false},
};

void
dkim_text_put(struct dkim_text *t, char const *s)
{
	size_t len = strlen(s);

	if (len >= t->max - t->len) {
		t->is_full = true;
		return;
	}
	memcpy(t->s + t->len, s, len + 1);
	t->len += len;
}

void
dkim_text_piece(struct dkim_text *t, char const *s)
{
	if (t->len - t->line + strlen(s) > LINE_WIDTH) {
		dkim_text_put(t, "\r\n\t");
		t->line = t->len;
	} else if (t->len > t->line && t->s[t->len - 1] == ';') {
		dkim_text_put(t, " ");
	}
	dkim_text_put(t, s);
}

bool
dkim_text_seal(struct dkim_text *t, struct dkim_private const *key,
	unsigned char const hash[32])
{
	unsigned char b[DKIM_B_MAX];
	char text[sodium_base64_ENCODED_LEN(
		DKIM_B_MAX, sodium_base64_VARIANT_ORIGINAL)];
	size_t len, at = 0, n;

	if (!dkim_private_sign(key, hash, b, &len)) {
		errno = EINVAL;
		return false;
	}
	sodium_bin2base64(
		text, sizeof text, b, len, sodium_base64_VARIANT_ORIGINAL);
	for (len = strlen(text); at < len; at += n) {
		char piece[LINE_WIDTH + 1];
		size_t room = t->len - t->line < LINE_WIDTH
				      ? LINE_WIDTH - (t->len - t->line)
				      : 0;
		if (room == 0) {
			dkim_text_put(t, "\r\n\t");
			t->line = t->len;
			room = LINE_WIDTH;
		}
		n = len - at < room ? len - at : room;
		memcpy(piece, text + at, n);
		piece[n] = '\0';
		dkim_text_put(t, piece);
	}
	dkim_text_put(t, "\r\n");
	if (t->is_full)
		errno = EMSGSIZE;
	return !t->is_full;
}

static size_t
count_fields(struct fields const *fields, char const *name)
{
	size_t n = 0;

	for (size_t i = 0; i < fields->count; i++)
		n += header_is(&fields->list[i], name);
	return n < INSTANCES_MAX ? n : INSTANCES_MAX;
}

/* The value of h=; names holds it again without folds. */
static void
put_names(struct dkim_text *t, struct dkim_text *names, bool is_dkim,
	struct fields const *fields)
{
	size_t const total = sizeof signed_fields / sizeof *signed_fields;
	char piece[64];

	dkim_text_piece(t, "h=");
	for (size_t i = 0; i <= total; i++) {
		char const *name =
			i < total ? signed_fields[i].name : "DKIM-Signature";
		/* Lists and forwarders change what DKIM sealed: their own
		 * signature says what they saw, and DKIM's too. */
		size_t n =
			i == total && is_dkim ? 0 : count_fields(fields, name);
		if (is_dkim && i < total && signed_fields[i].is_sealed)
			n++;
		for (; n > 0; n--) {
			snprintf(piece, sizeof piece, "%s%s",
				names->len > 0 ? ":" : "", name);
			dkim_text_piece(t, piece);
			dkim_text_put(names, piece);
		}
	}
	dkim_text_put(t, ";");
}

static void
put_number(struct dkim_text *t, char const *tag, uint64_t n)
{
	char piece[32];

	snprintf(piece, sizeof piece, "%s=%llu;", tag, (unsigned long long)n);
	dkim_text_piece(t, piece);
}

static void
put_tag(struct dkim_text *t, char const *tag, char const *value)
{
	char piece[DNS_NAME_SIZE + 8];

	snprintf(piece, sizeof piece, "%s=%s;", tag, value);
	dkim_text_piece(t, piece);
}

bool
dkim_sign_fields(enum dkim_kind kind, unsigned instance,
	struct fields const *fields, unsigned char const body_hash[32],
	struct dkim_signer const *signer, char out[DKIM_SIGN_MAX],
	size_t *len_r)
{
	static char const *const names[] = {
		[DKIM_KIND_DKIM] = "DKIM-Signature:",
		[DKIM_KIND_MESSAGE] = "ARC-Message-Signature:",
		[DKIM_KIND_SEAL] = "ARC-Seal:"};
	char hash_text[64], list[DKIM_SIGN_MAX];
	struct dkim_text t = {.s = out, .max = DKIM_SIGN_MAX};
	struct dkim_text h = {.s = list, .max = sizeof list};
	struct dkim_signature sig = {.relaxed_header = true};
	struct header_field own;
	unsigned char hash[32];
	size_t pos = 0;

	if (count_fields(fields, "From") == 0 || fields->is_too_long) {
		errno = EINVAL;
		return false;
	}
	dkim_text_put(&t, names[kind]);
	dkim_text_put(&t, kind == DKIM_KIND_DKIM ? " v=1;" : "");
	if (kind != DKIM_KIND_DKIM) {
		snprintf(hash_text, sizeof hash_text, " i=%u;", instance);
		dkim_text_put(&t, hash_text);
	}
	put_tag(&t, "a",
		signer->key->is_ed25519 ? "ed25519-sha256" : "rsa-sha256");
	put_tag(&t, "c", "relaxed/relaxed");
	put_tag(&t, "d", signer->domain);
	put_tag(&t, "s", signer->selector);
	put_number(&t, "t", signer->now);
	if (signer->lifetime > 0)
		put_number(&t, "x", signer->now + signer->lifetime);
	put_names(&t, &h, kind == DKIM_KIND_DKIM, fields);
	sodium_bin2base64(hash_text, sizeof hash_text, body_hash, 32,
		sodium_base64_VARIANT_ORIGINAL);
	put_tag(&t, "bh", hash_text);
	dkim_text_piece(&t, "b=");
	if (t.is_full || h.is_full ||
		header_next(t.s, t.len, &pos, &own) <= 0) {
		errno = EMSGSIZE;
		return false;
	}
	sig.names = list;
	sig.names_len = h.len;
	dkim_check_hash(&sig, &own, fields, hash);
	if (!dkim_text_seal(&t, signer->key, hash))
		return false;
	*len_r = t.len;
	return true;
}

bool
dkim_sign_body(struct source const *message, uint64_t body_at,
	unsigned char hash_r[32])
{
	struct bodyhashes *bodies = calloc(1, sizeof *bodies);
	bool is_done;

	if (bodies == NULL)
		return false;
	is_done = bodyhash_want(bodies, true, BODYHASH_ALL) == 0 &&
		  bodyhash_read(bodies, message, body_at);
	memcpy(hash_r, bodies->list[0].hash, 32);
	free(bodies);
	return is_done;
}

bool
dkim_sign(struct source const *message, struct dkim_signer const *signer,
	char out[DKIM_SIGN_MAX], size_t *len_r)
{
	struct fields fields;
	unsigned char hash[32];
	bool is_done;

	is_done = fields_read(message, &fields) &&
		  dkim_sign_body(message, fields.body_at, hash) &&
		  dkim_sign_fields(
			  DKIM_KIND_DKIM, 0, &fields, hash, signer, out, len_r);
	fields_free(&fields);
	return is_done;
}
