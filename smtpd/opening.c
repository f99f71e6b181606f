/* How check and policy get a session. */
#include "common/wire.h"
#include "smtpd/opening.h"

#define SERVICE_MAX 16
#define FLAG_IN_NETWORKS 1u

static bool
is_clean(struct checking_bytes b, size_t max)
{
	if (b.len > max)
		return false;
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)b.s[i] < 0x20 || b.s[i] == 0x7f)
			return false;
	return true;
}

static bool
valid(struct opening const *o)
{
	return o->service.len > 0 && is_clean(o->service, SERVICE_MAX) &&
	       is_clean(o->client, CHECKING_CLIENT_MAX) &&
	       is_clean(o->mailbox, CHECKING_PATH_MAX);
}

size_t
opening_encode(char *s, size_t max, struct opening const *o)
{
	struct wire_out out;

	if (!valid(o))
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, 'n');
	wire_put_bytes(&out, o->service.s, o->service.len);
	wire_put_bytes(&out, o->client.s, o->client.len);
	wire_put_bytes(&out, o->mailbox.s, o->mailbox.len);
	wire_put_u8(&out, o->is_in_networks ? FLAG_IN_NETWORKS : 0);
	return out.failed ? 0 : out.len;
}

bool
opening_decode(char const *s, size_t len, struct opening *o_r)
{
	struct wire_in in;
	unsigned flags;

	wire_open(&in, s, len);
	if (wire_get_u8(&in) != 'n')
		return false;
	o_r->service.s = wire_get_bytes(&in, SERVICE_MAX, &o_r->service.len);
	o_r->client.s =
		wire_get_bytes(&in, CHECKING_CLIENT_MAX, &o_r->client.len);
	o_r->mailbox.s =
		wire_get_bytes(&in, CHECKING_PATH_MAX, &o_r->mailbox.len);
	flags = wire_get_u8(&in);
	o_r->is_in_networks = (flags & FLAG_IN_NETWORKS) != 0;
	return wire_end(&in) && (flags & ~FLAG_IN_NETWORKS) == 0 && valid(o_r);
}
