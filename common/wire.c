/* The fields of a frame between our own processes. */
#include <string.h>
#include "common/wire.h"

void
wire_start(struct wire_out *out, char *s, size_t max)
{
	*out = (struct wire_out){.s = s, .max = max};
}

static void
put(struct wire_out *out, uint64_t n, size_t octets)
{
	if (out->failed || out->max - out->len < octets) {
		out->failed = true;
		return;
	}
	for (size_t i = 0; i < octets; i++)
		out->s[out->len++] = (char)(n >> 8 * (octets - 1 - i));
}

void
wire_put_u8(struct wire_out *out, uint8_t n)
{
	put(out, n, 1);
}

void
wire_put_u16(struct wire_out *out, uint16_t n)
{
	put(out, n, 2);
}

void
wire_put_u32(struct wire_out *out, uint32_t n)
{
	put(out, n, 4);
}

void
wire_put_u64(struct wire_out *out, uint64_t n)
{
	put(out, n, 8);
}

void
wire_put_bytes(struct wire_out *out, char const *s, size_t len)
{
	put(out, len, 2);
	if (len > UINT16_MAX || out->failed || out->max - out->len < len) {
		out->failed = true;
		return;
	}
	if (len > 0)
		memcpy(out->s + out->len, s, len);
	out->len += len;
}

void
wire_open(struct wire_in *in, char const *s, size_t len)
{
	*in = (struct wire_in){.s = s, .len = len};
}

static uint64_t
get(struct wire_in *in, size_t octets)
{
	uint64_t n = 0;

	if (in->failed || in->len - in->at < octets) {
		in->failed = true;
		return 0;
	}
	for (size_t i = 0; i < octets; i++)
		n = n << 8 | (unsigned char)in->s[in->at++];
	return n;
}

uint8_t
wire_get_u8(struct wire_in *in)
{
	return (uint8_t)get(in, 1);
}

uint16_t
wire_get_u16(struct wire_in *in)
{
	return (uint16_t)get(in, 2);
}

uint32_t
wire_get_u32(struct wire_in *in)
{
	return (uint32_t)get(in, 4);
}

uint64_t
wire_get_u64(struct wire_in *in)
{
	return get(in, 8);
}

char const *
wire_get_bytes(struct wire_in *in, size_t max, size_t *len_r)
{
	size_t len = wire_get_u16(in);
	char const *s;

	*len_r = 0;
	if (in->failed || len > max || in->len - in->at < len) {
		in->failed = true;
		return "";
	}
	s = in->s + in->at;
	in->at += len;
	*len_r = len;
	return s;
}

bool
wire_end(struct wire_in const *in)
{
	return !in->failed && in->at == in->len;
}
