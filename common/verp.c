/* A reverse-path for each recipient of a list: see verp.h. */
#include <string.h>
#include "common/verp.h"

#define FLAGS (ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8)
#define DELIMITER '+'

/* What grows at its end; what does not fit makes it full. */
struct text {
	char *s;
	size_t len, max;
	bool is_full;
};

static void
put(struct text *t, char const *s, size_t len)
{
	if (len > t->max - t->len) {
		t->is_full = true;
		return;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
}

static void
puts_to(struct text *t, char const *s)
{
	put(t, s, strlen(s));
}

static bool
is_address(char const *s, size_t len, struct addr *a)
{
	enum addr_error ignored;

	return addr_parse(s, len, FLAGS, a, &ignored) && a->domain_len > 0;
}

/* The address, with its local part quoted or not; false: it is none. */
static bool
put_verp(struct text *t, struct addr const *from, struct addr const *to,
	bool is_quoted)
{
	char const *local = to->local;
	size_t len = to->local_len;
	struct addr made;

	/* Inside of quotes, what was quoted stays as it was written. */
	if (local[0] == '"') {
		local++;
		len -= 2;
	}
	t->len = 0;
	t->is_full = false;
	if (is_quoted)
		puts_to(t, "\"");
	put(t, from->local, from->local_len);
	put(t, &(char){DELIMITER}, 1);
	put(t, local, len);
	puts_to(t, "=");
	put(t, to->domain, to->domain_len);
	puts_to(t, is_quoted ? "\"@" : "@");
	put(t, from->domain, from->domain_len);
	return !t->is_full && is_address(t->s, t->len, &made);
}

size_t
verp_make(char const *sender, size_t sender_len, char const *recipient,
	size_t recipient_len, char out[VERP_SIZE])
{
	struct text t = {.s = out, .max = VERP_SIZE - 1};
	struct addr from, to;

	if (!is_address(sender, sender_len, &from) ||
		!is_address(recipient, recipient_len, &to) ||
		from.local[0] == '"' ||
		memchr(from.local, DELIMITER, from.local_len) != NULL ||
		(!put_verp(&t, &from, &to, false) &&
			!put_verp(&t, &from, &to, true)))
		return 0;
	out[t.len] = '\0';
	return t.len;
}

/* What stood in quotes needs them again if it is no dot-string. */
static bool
put_recipient(struct text *t, char const *local, size_t local_len,
	char const *domain, size_t domain_len, bool is_quoted)
{
	struct addr made;

	t->len = 0;
	t->is_full = false;
	if (is_quoted)
		puts_to(t, "\"");
	put(t, local, local_len);
	puts_to(t, is_quoted ? "\"@" : "@");
	put(t, domain, domain_len);
	return !t->is_full && is_address(t->s, t->len, &made);
}

size_t
verp_read(char const *local, size_t len, char out[VERP_SIZE])
{
	struct text t = {.s = out, .max = VERP_SIZE - 1};
	char const *detail, *domain;
	size_t n, domain_len;

	if (len > 2 && local[0] == '"' && local[len - 1] == '"') {
		local++;
		len -= 2;
	}
	detail = len > 0 ? memchr(local, DELIMITER, len) : NULL;
	if (detail == NULL || detail == local)
		return 0;
	detail++;
	n = len - (size_t)(detail - local);
	/* A domain has no `=`; a local part may. */
	domain = n > 0 ? memrchr(detail, '=', n) : NULL;
	if (domain == NULL)
		return 0;
	domain++;
	domain_len = n - (size_t)(domain - detail);
	n = (size_t)(domain - 1 - detail);
	if (!put_recipient(&t, detail, n, domain, domain_len, false) &&
		!put_recipient(&t, detail, n, domain, domain_len, true))
		return 0;
	out[t.len] = '\0';
	return t.len;
}

/* RFC 6068 2: what has no meaning of its own there stands as it is. */
static void
put_escaped(struct text *t, char const *s, size_t len)
{
	static char const hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') ||
			     (c != '\0' && strchr("-._~+@", c) != NULL);
		if (plain)
			put(t, s + i, 1);
		else
			put(t, (char[]){'%', hex[c >> 4], hex[c & 15]}, 3);
	}
}

/* The list's address to leave it by mail. */
static void
put_mailto(struct text *t, char const *sender, size_t len)
{
	static char const suffix[] = "-bounces";
	struct addr a;
	size_t n;

	if (!is_address(sender, len, &a) || a.local_len <= sizeof suffix - 1)
		return;
	n = a.local_len - (sizeof suffix - 1);
	if (memcmp(a.local + n, suffix, sizeof suffix - 1) != 0)
		return;
	puts_to(t, ",\r\n\t<mailto:");
	put_escaped(t, a.local, n);
	puts_to(t, "-unsubscribe@");
	put_escaped(t, a.domain, a.domain_len);
	puts_to(t, ">");
}

size_t
verp_fields(char const *url, size_t url_len, char const *token,
	size_t token_len, char const *sender, size_t sender_len,
	char out[VERP_FIELDS_MAX])
{
	struct text t = {.s = out, .max = VERP_FIELDS_MAX};

	puts_to(&t, "List-Unsubscribe: <");
	put(&t, url, url_len);
	put(&t, token, token_len);
	puts_to(&t, ">");
	put_mailto(&t, sender, sender_len);
	puts_to(&t, "\r\nList-Unsubscribe-Post: "
		    "List-Unsubscribe=One-Click\r\n");
	return t.is_full ? 0 : t.len;
}
