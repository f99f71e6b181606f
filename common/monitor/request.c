/* What a front asks its monitor, and auth is asked. */
#include <string.h>
#include "common/monitor/request.h"
#include "common/wire.h"

/* TLS HashAlgorithm -> octets; 0: none that we sign. */
static size_t
hash_len(uint8_t algorithm)
{
	static uint8_t const len[] = {[4] = 32, [5] = 48, [6] = 64};

	return algorithm < sizeof len ? len[algorithm] : 0;
}

static bool
is_well_formed(struct request const *r)
{
	switch (r->kind) {
	case REQUEST_SIGN:
		return (r->key_type == 'E' || r->key_type == 'R') &&
		       r->data_len > 0 && r->data_len == hash_len(r->algorithm);
	case REQUEST_SASL:
		return r->data_len > 0 && r->data_len <= REQUEST_SASL_MAX;
	}
	return false;
}

static bool
is_verdict(uint8_t v)
{
	return v == REQUEST_OK || v == REQUEST_DENIED || v == REQUEST_LATER;
}

/* It becomes an argument and a log value. */
static bool
is_name(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] <= ' ' || s[i] == 127)
			return false;
	return true;
}

static size_t
finish(struct wire_out const *out)
{
	return out->failed ? 0 : out->len;
}

size_t
request_encode(char *s, size_t max, struct request const *r)
{
	struct wire_out out;

	if (!is_well_formed(r))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)r->kind);
	if (r->kind == REQUEST_SIGN) {
		wire_put_u8(&out, r->key_index);
		wire_put_u8(&out, r->key_type);
		wire_put_u8(&out, r->algorithm);
	}
	wire_put_bytes(&out, r->data, r->data_len);
	return finish(&out);
}

bool
request_decode(char const *s, size_t len, struct request *r_r)
{
	struct wire_in in;
	uint8_t kind;

	*r_r = (struct request){0};
	wire_open(&in, s, len);
	kind = wire_get_u8(&in);
	if (kind == REQUEST_SIGN) {
		r_r->kind = REQUEST_SIGN;
		r_r->key_index = wire_get_u8(&in);
		r_r->key_type = wire_get_u8(&in);
		r_r->algorithm = wire_get_u8(&in);
		r_r->data =
			wire_get_bytes(&in, REQUEST_HASH_MAX, &r_r->data_len);
	} else if (kind == REQUEST_SASL) {
		r_r->kind = REQUEST_SASL;
		r_r->data =
			wire_get_bytes(&in, REQUEST_SASL_MAX, &r_r->data_len);
	} else {
		return false;
	}
	return wire_end(&in) && is_well_formed(r_r);
}

size_t
request_signature_encode(
	char *s, size_t max, unsigned char const *signature, size_t len)
{
	struct wire_out out;

	if (len > REQUEST_SIGNATURE_MAX)
		return 0;
	wire_start(&out, s, max);
	wire_put_bytes(&out, (char const *)signature, len);
	return finish(&out);
}

bool
request_signature_decode(char const *s, size_t len,
	unsigned char const **signature_r, size_t *len_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	*signature_r = (unsigned char const *)wire_get_bytes(
		&in, REQUEST_SIGNATURE_MAX, len_r);
	return wire_end(&in);
}

size_t
request_verdict_encode(char *s, size_t max, enum request_verdict v,
	char const *mailbox, size_t mailbox_len)
{
	struct wire_out out;

	if (mailbox_len > REQUEST_MAILBOX_MAX || !is_name(mailbox, mailbox_len))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)v);
	wire_put_bytes(&out, mailbox, mailbox_len);
	return finish(&out);
}

static bool
get_verdict(struct wire_in *in, enum request_verdict *v_r,
	char const **mailbox_r, size_t *mailbox_len_r)
{
	uint8_t v = wire_get_u8(in);

	*mailbox_r = wire_get_bytes(in, REQUEST_MAILBOX_MAX, mailbox_len_r);
	if (!is_verdict(v) || !wire_end(in) ||
		!is_name(*mailbox_r, *mailbox_len_r))
		return false;
	*v_r = (enum request_verdict)v;
	return true;
}

bool
request_verdict_decode(char const *s, size_t len, enum request_verdict *v_r,
	char const **mailbox_r, size_t *mailbox_len_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	return get_verdict(&in, v_r, mailbox_r, mailbox_len_r);
}

static bool
is_question(struct auth_question const *q)
{
	return q->client_len <= REQUEST_CLIENT_MAX && q->service_len > 0 &&
	       q->service_len <= REQUEST_SERVICE_MAX && q->sasl_len > 0 &&
	       q->sasl_len <= REQUEST_SASL_MAX &&
	       is_name(q->client, q->client_len) &&
	       is_name(q->service, q->service_len);
}

size_t
auth_question_encode(char *s, size_t max, struct auth_question const *q)
{
	struct wire_out out;

	if (!is_question(q))
		return 0;
	wire_start(&out, s, max);
	wire_put_u32(&out, q->ticket);
	wire_put_bytes(&out, q->client, q->client_len);
	wire_put_bytes(&out, q->service, q->service_len);
	wire_put_bytes(&out, q->sasl, q->sasl_len);
	return finish(&out);
}

bool
auth_question_decode(char const *s, size_t len, struct auth_question *q_r)
{
	struct wire_in in;

	*q_r = (struct auth_question){0};
	wire_open(&in, s, len);
	q_r->ticket = wire_get_u32(&in);
	q_r->client = wire_get_bytes(&in, REQUEST_CLIENT_MAX, &q_r->client_len);
	q_r->service =
		wire_get_bytes(&in, REQUEST_SERVICE_MAX, &q_r->service_len);
	q_r->sasl = wire_get_bytes(&in, REQUEST_SASL_MAX, &q_r->sasl_len);
	return wire_end(&in) && is_question(q_r);
}

size_t
auth_answer_encode(char *s, size_t max, uint32_t ticket, enum request_verdict v,
	char const *mailbox, size_t mailbox_len)
{
	struct wire_out out;

	if (mailbox_len > REQUEST_MAILBOX_MAX ||
		!is_name(mailbox, mailbox_len) ||
		(v == REQUEST_OK && mailbox_len == 0))
		return 0;
	wire_start(&out, s, max);
	wire_put_u32(&out, ticket);
	wire_put_u8(&out, (uint8_t)v);
	wire_put_bytes(&out, mailbox, mailbox_len);
	return finish(&out);
}

bool
auth_answer_decode(char const *s, size_t len, uint32_t *ticket_r,
	enum request_verdict *v_r, char const **mailbox_r,
	size_t *mailbox_len_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	*ticket_r = wire_get_u32(&in);
	return get_verdict(&in, v_r, mailbox_r, mailbox_len_r) &&
	       (*v_r != REQUEST_OK || *mailbox_len_r > 0);
}
