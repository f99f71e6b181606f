/* Packets of the milter protocol, version 6. */
#include <string.h>
#include <skalibs/uint32.h>
#include "smtpd/check/milterwire.h"

static uint32_t
u32(char const *s)
{
	return (uint32_t)(unsigned char)s[0] << 24 |
	       (uint32_t)(unsigned char)s[1] << 16 |
	       (uint32_t)(unsigned char)s[2] << 8 | (unsigned char)s[3];
}

size_t
milterwire_length(unsigned char const s[MILTERWIRE_LENGTH])
{
	uint32_t n = (uint32_t)s[0] << 24 | (uint32_t)s[1] << 16 |
		     (uint32_t)s[2] << 8 | s[3];

	return n > MILTERWIRE_PACKET_MAX ? 0 : n;
}

/* A NUL-ended string at the start of *s; moves on. */
static bool
string(char const **s, size_t *len, struct milterwire_text *text_r)
{
	char const *end = *len > 0 ? memchr(*s, '\0', *len) : NULL;

	if (end == NULL)
		return false;
	text_r->s = *s;
	text_r->len = (size_t)(end - *s);
	*len -= text_r->len + 1;
	*s = end + 1;
	return true;
}

static bool
header(struct milterwire_packet *p, char const *s, size_t len)
{
	return string(&s, &len, &p->name) && string(&s, &len, &p->value) &&
	       len == 0;
}

static bool
indexed_header(struct milterwire_packet *p, char const *s, size_t len)
{
	if (len < 4)
		return false;
	p->index = u32(s);
	return header(p, s + 4, len - 4);
}

bool
milterwire_parse(char const *s, size_t len, struct milterwire_packet *packet_r)
{
	struct milterwire_packet *p = packet_r;

	*p = (struct milterwire_packet){.reply = MILTERWIRE_CONTINUE};
	if (len == 0)
		return false;
	switch (s[0]) {
	case MILTERWIRE_NEGOTIATED:
		/* More may follow: the macros that it wants. */
		if (len < 13)
			return false;
		p->version = u32(s + 1);
		p->actions = u32(s + 5);
		p->steps = u32(s + 9);
		break;
	case MILTERWIRE_CONTINUE:
	case MILTERWIRE_ACCEPT:
	case MILTERWIRE_REJECT:
	case MILTERWIRE_TEMPFAIL:
	case MILTERWIRE_DISCARD:
	case MILTERWIRE_SKIP_REST:
	case MILTERWIRE_PROGRESS:
	case MILTERWIRE_SHUTDOWN:
	case MILTERWIRE_FAIL:
		break;
	case MILTERWIRE_ADD_HEADER:
		if (!header(p, s + 1, len - 1))
			return false;
		break;
	case MILTERWIRE_INSERT_HEADER:
	case MILTERWIRE_CHANGE_HEADER:
		if (!indexed_header(p, s + 1, len - 1))
			return false;
		break;
	case MILTERWIRE_REPLACE_BODY:
		p->value = (struct milterwire_text){s + 1, len - 1};
		break;
	case MILTERWIRE_CODE:
	case MILTERWIRE_ADD_RCPT:
	case MILTERWIRE_ADD_RCPT_PAR:
	case MILTERWIRE_DELETE_RCPT:
	case MILTERWIRE_CHANGE_SENDER:
	case MILTERWIRE_QUARANTINED: {
		char const *at = s + 1;
		size_t left = len - 1;

		if (!string(&at, &left, &p->value))
			return false;
		break;
	}
	default:
		return false;
	}
	p->reply = (enum milterwire_reply)s[0];
	return true;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
milterwire_reply_code(struct milterwire_text reply, unsigned *code_r,
	char *text_r, size_t max)
{
	char const *s = reply.s;
	size_t n = 0;

	if (reply.len < 3 || (s[0] != '4' && s[0] != '5') || s[1] < '0' ||
		s[1] > '5' || !is_digit(s[2]) ||
		(reply.len > 3 && s[3] != ' ' && s[3] != '-'))
		return false;
	*code_r = (unsigned)(s[0] - '0') * 100 + (unsigned)(s[1] - '0') * 10 +
		  (unsigned)(s[2] - '0');
	for (size_t i = 4; i < reply.len && n < max; i++) {
		/* Of several lines the first. */
		if (s[i] == '\r' || s[i] == '\n')
			break;
		text_r[n++] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
	}
	text_r[n] = '\0';
	return true;
}

bool
milterwire_begin(stralloc *out, char command, size_t *at_r)
{
	*at_r = out->len;
	return stralloc_catb(out, "\0\0\0\0", 4) &&
	       stralloc_append(out, command);
}

bool
milterwire_put(stralloc *out, char const *s, size_t len)
{
	return stralloc_catb(out, s, len);
}

bool
milterwire_puts(stralloc *out, char const *s)
{
	return stralloc_catb(out, s, strlen(s) + 1);
}

bool
milterwire_put_u32(stralloc *out, uint32_t n)
{
	char s[4];

	uint32_pack_big(s, n);
	return stralloc_catb(out, s, 4);
}

void
milterwire_end(stralloc *out, size_t at)
{
	uint32_pack_big(
		out->s + at, (uint32_t)(out->len - at - MILTERWIRE_LENGTH));
}
