/* A message that a local program hands in. */
#include <stdlib.h>
#include <string.h>
#include "mime/address.h"
#include "mime/header.h"
#include "queue/compose.h"

void
compose_free(struct compose *c)
{
	stralloc_free(&c->header);
	stralloc_free(&c->to);
}

/* Keep the text of an address that was refused, for the person. */
static void
remember(struct compose *c, char const *s, size_t len)
{
	if (len > COMPOSE_BAD_MAX)
		len = COMPOSE_BAD_MAX;
	for (size_t i = 0; i < len; i++)
		c->bad[i] = s[i] < ' ' || s[i] == 127 ? '?' : s[i];
	c->bad[len] = '\0';
}

static bool
is_known(struct compose const *c, char const *address, size_t len)
{
	char const *s = c->to.s;

	for (size_t i = 0; i < c->to_count; i++) {
		size_t n = strlen(s);
		if (n == len && memcmp(s, address, len) == 0)
			return true;
		s += n + 1;
	}
	return false;
}

/* A local part as it must be written; mime/address.h takes quotes away. */
static size_t
write_local(char const *local, size_t len, char *out)
{
	size_t n = 0;
	struct addr parsed;
	enum addr_error ignored;

	memcpy(out, local, len);
	memcpy(out + len, "@a", 2);
	if (addr_parse(out, len + 2, ADDR_ALLOW_LONG, &parsed, &ignored) &&
		local[0] != '"')
		return len;
	out[n++] = '"';
	for (size_t i = 0; i < len; i++) {
		if (local[i] == '"' || local[i] == '\\')
			out[n++] = '\\';
		out[n++] = local[i];
	}
	out[n++] = '"';
	return n;
}

/* Put local@host together and check it; NUL-ended. Returns its length or 0. */
static size_t
write_address(char const *local, size_t local_len, char const *host,
	size_t host_len, char out[ADDR_PATH_MAX + 1])
{
	/* The quotes may double it; two octets more are write_local's. */
	char text[2 * ADDR_PATH_MAX + 2 + 1 + ADDR_DOMAIN_MAX];
	struct addr parsed;
	enum addr_error ignored;
	size_t n;

	if (local_len == 0 || local_len > ADDR_PATH_MAX || host_len == 0 ||
		host_len > ADDR_DOMAIN_MAX)
		return 0;
	n = write_local(local, local_len, text);
	text[n++] = '@';
	memcpy(text + n, host, host_len);
	n += host_len;
	if (!addr_parse(text, n, ADDR_ALLOW_LONG, &parsed, &ignored))
		return 0;
	memcpy(out, text, n);
	out[n] = '\0';
	return n;
}

static enum compose_result
add(struct compose *c, struct address const *a)
{
	char address[ADDR_PATH_MAX + 1];
	char const *host = a->host.s;
	size_t host_len = a->host.len, len;

	if (host == NULL || host_len == 0) {
		host = c->hostname;
		host_len = strlen(host);
	}
	len = a->local.s == NULL ? 0
				 : write_address(a->local.s, a->local.len, host,
					   host_len, address);
	if (len == 0) {
		remember(c, a->local.s ? a->local.s : "", a->local.len);
		return COMPOSE_BAD_ADDRESS;
	}
	if (is_known(c, address, len))
		return COMPOSE_OK;
	if (c->to_count >= c->recipients_max)
		return COMPOSE_TOO_MANY;
	if (!stralloc_catb(&c->to, address, len + 1))
		return COMPOSE_NO_MEMORY;
	c->to_count++;
	return COMPOSE_OK;
}

enum compose_result
compose_recipients(struct compose *c, char const *list, size_t len)
{
	enum compose_result result = COMPOSE_OK;
	struct address_cursor cursor;
	struct address a;
	char *pieces = malloc(ADDRESS_BUF(len));

	if (pieces == NULL)
		return COMPOSE_NO_MEMORY;
	address_init(&cursor, list, len, pieces);
	while (result == COMPOSE_OK && address_next(&cursor, &a) > 0)
		if (a.kind == ADDRESS_MAILBOX)
			result = add(c, &a);
	free(pieces);
	return result;
}

bool
compose_qualify(
	char const *address, char const *hostname, char out[ADDR_PATH_MAX + 1])
{
	size_t len = strlen(address);
	char const *at;
	struct addr parsed;
	enum addr_error ignored;

	if (len >= 2 && address[0] == '<' && address[len - 1] == '>') {
		address++;
		len -= 2;
	}
	out[0] = '\0';
	if (len == 0)
		return true;
	at = memrchr(address, '@', len);
	if (at == NULL)
		return write_address(address, len, hostname, strlen(hostname),
			       out) > 0;
	if (!addr_parse(address, len, ADDR_ALLOW_LONG, &parsed, &ignored))
		return false;
	memcpy(out, address, len);
	out[len] = '\0';
	return true;
}

/* A field's name has no blank and no octet beyond ASCII (RFC 5322 2.2). */
static bool
is_field(struct header_field const *f)
{
	for (size_t i = 0; i < f->name_len; i++)
		if (f->name[i] <= ' ' || f->name[i] == 127)
			return false;
	return f->name_len > 0;
}

static bool
has_resent(char const *s, size_t len)
{
	struct header_field f;
	size_t pos = 0;

	while (header_next(s, len, &pos, &f) > 0)
		if (header_is(&f, "Resent-To") || header_is(&f, "Resent-Cc") ||
			header_is(&f, "Resent-Bcc"))
			return true;
	return false;
}

static bool
names_recipients(struct header_field const *f, bool resent)
{
	return resent ? header_is(f, "Resent-To") ||
				header_is(f, "Resent-Cc") ||
				header_is(f, "Resent-Bcc")
		      : header_is(f, "To") || header_is(f, "Cc") ||
				header_is(f, "Bcc");
}

/* What is between the sender and his own program, or ours to write. */
static bool
must_go(struct header_field const *f)
{
	return header_is(f, "Bcc") || header_is(f, "Resent-Bcc") ||
	       header_is(f, "Return-Path");
}

enum compose_result
compose_header(
	struct compose *c, char const *s, size_t len, bool take_recipients)
{
	enum compose_result result = COMPOSE_OK;
	bool resent = take_recipients && has_resent(s, len);
	struct header_field f;
	size_t pos = 0, start = 0;

	while (header_next(s, len, &pos, &f) > 0) {
		if (!is_field(&f)) {
			/* The line of an mbox (mail readers pipe such files);
			 * else the body begins without an empty line. */
			if (start == 0 && f.line_len > 5 &&
				memcmp(f.line, "From ", 5) == 0) {
				start = pos;
				continue;
			}
			pos = start;
			break;
		}
		start = pos;
		if (take_recipients && names_recipients(&f, resent))
			result = compose_recipients(c, f.value, f.value_len);
		if (result != COMPOSE_OK)
			return result;
		c->has_from = c->has_from || header_is(&f, "From");
		c->has_date = c->has_date || header_is(&f, "Date");
		c->has_message_id =
			c->has_message_id || header_is(&f, "Message-ID");
		if (!must_go(&f) &&
			!stralloc_catb(&c->header, f.line, f.line_len))
			return COMPOSE_NO_MEMORY;
	}
	c->body = pos;
	return stralloc_cats(&c->header, "\r\n") ? COMPOSE_OK
						 : COMPOSE_NO_MEMORY;
}

/* `"Alice" ` if the name is printable ASCII. */
static bool
put_name(stralloc *out, char const *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (name[i] < ' ' || name[i] == 127)
			return true;
	if (len == 0 || len > ADDR_PATH_MAX)
		return true;
	if (!stralloc_append(out, '"'))
		return false;
	for (size_t i = 0; i < len; i++)
		if (((name[i] == '"' || name[i] == '\\') &&
			    !stralloc_append(out, '\\')) ||
			!stralloc_append(out, name[i]))
			return false;
	return stralloc_cats(out, "\" ");
}

bool
compose_missing(
	struct compose const *c, stralloc *out, struct compose_missing const *m)
{
	if (!c->has_from &&
		!(stralloc_cats(out, "From: ") &&
			(m->name == NULL || put_name(out, m->name)) &&
			stralloc_cats(out, "<") &&
			stralloc_cats(out, m->address) &&
			stralloc_cats(out, ">\r\n")))
		return false;
	if (!c->has_date &&
		!(stralloc_cats(out, "Date: ") && stralloc_cats(out, m->date) &&
			stralloc_cats(out, "\r\n")))
		return false;
	return c->has_message_id ||
	       (stralloc_cats(out, "Message-ID: <") &&
		       stralloc_cats(out, m->id) && stralloc_cats(out, "@") &&
		       stralloc_cats(out, c->hostname) &&
		       stralloc_cats(out, ">\r\n"));
}
