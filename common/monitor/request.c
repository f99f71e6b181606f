/* What goes between a monitor, its fronts, and who helps them. */
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
	if (r->kind == REQUEST_PEER)
		return r->hash_len == REQUEST_PEER_LEN;
	if (r->kind != REQUEST_SIGN)
		return r->kind == REQUEST_AUTH || r->kind == REQUEST_CHECK ||
		       r->kind == REQUEST_POLICY;
	return (r->key_type == 'E' || r->key_type == 'R') && r->hash_len > 0 &&
	       r->hash_len == hash_len(r->algorithm);
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
	if (r->kind == REQUEST_SIGN || r->kind == REQUEST_PEER)
		wire_put_bytes(&out, r->hash, r->hash_len);
	return finish(&out);
}

bool
request_decode(char const *s, size_t len, struct request *r_r)
{
	struct wire_in in;

	*r_r = (struct request){0};
	wire_open(&in, s, len);
	r_r->kind = (enum request_kind)wire_get_u8(&in);
	if (r_r->kind == REQUEST_SIGN) {
		r_r->key_index = wire_get_u8(&in);
		r_r->key_type = wire_get_u8(&in);
		r_r->algorithm = wire_get_u8(&in);
	}
	if (r_r->kind == REQUEST_SIGN || r_r->kind == REQUEST_PEER)
		r_r->hash =
			wire_get_bytes(&in, REQUEST_HASH_MAX, &r_r->hash_len);
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
template_encode(char *s, size_t max, enum template_kind kind, uint32_t ticket,
	bool implicit_tls, uint16_t port, char const *client)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)kind);
	wire_put_u32(&out, ticket);
	wire_put_u8(&out, implicit_tls);
	wire_put_u16(&out, port);
	wire_put_bytes(&out, client, strlen(client));
	return finish(&out);
}

bool
template_decode(char const *s, size_t len, struct template_order *o_r)
{
	struct wire_in in;
	uint8_t kind;

	wire_open(&in, s, len);
	kind = wire_get_u8(&in);
	o_r->kind = (enum template_kind)kind;
	o_r->ticket = wire_get_u32(&in);
	o_r->implicit_tls = wire_get_u8(&in) != 0;
	o_r->port = wire_get_u16(&in);
	o_r->client = wire_get_bytes(&in, REQUEST_CLIENT_MAX, &o_r->client_len);
	return wire_end(&in) && kind != '\0' && strchr("ntkg", kind) != NULL &&
	       is_name(o_r->client, o_r->client_len);
}

size_t
role_session_encode(char *s, size_t max, uint32_t ticket, char const *service,
	char const *client, char const *mailbox, size_t mailbox_len,
	bool is_listed)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, ticket);
	wire_put_bytes(&out, service, strlen(service));
	wire_put_bytes(&out, client, strlen(client));
	wire_put_bytes(&out, mailbox, mailbox_len);
	wire_put_u8(&out, is_listed);
	return finish(&out);
}

bool
role_session_decode(char const *s, size_t len, struct role_session *session_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	session_r->ticket = wire_get_u32(&in);
	session_r->service = wire_get_bytes(
		&in, REQUEST_SERVICE_MAX, &session_r->service_len);
	session_r->client =
		wire_get_bytes(&in, REQUEST_CLIENT_MAX, &session_r->client_len);
	session_r->mailbox = wire_get_bytes(
		&in, REQUEST_MAILBOX_MAX, &session_r->mailbox_len);
	session_r->is_listed = wire_get_u8(&in) != 0;
	return wire_end(&in) && session_r->service_len > 0 &&
	       is_name(session_r->service, session_r->service_len) &&
	       is_name(session_r->client, session_r->client_len) &&
	       is_name(session_r->mailbox, session_r->mailbox_len);
}

size_t
request_admit_encode(char *s, size_t max, uint32_t ticket, char const *mailbox,
	size_t mailbox_len)
{
	struct wire_out out;

	if (mailbox_len == 0 || mailbox_len > REQUEST_MAILBOX_MAX ||
		!is_name(mailbox, mailbox_len))
		return 0;
	wire_start(&out, s, max);
	wire_put_u32(&out, ticket);
	wire_put_bytes(&out, mailbox, mailbox_len);
	return finish(&out);
}

bool
request_admit_decode(char const *s, size_t len, uint32_t *ticket_r,
	char const **mailbox_r, size_t *mailbox_len_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	*ticket_r = wire_get_u32(&in);
	*mailbox_r = wire_get_bytes(&in, REQUEST_MAILBOX_MAX, mailbox_len_r);
	return wire_end(&in) && *mailbox_len_r > 0 &&
	       is_name(*mailbox_r, *mailbox_len_r);
}
