/* One message signed: see signmsg.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "common/asciiname.h"
#include "common/databody.h"
#include "common/queuebody.h"
#include "mime/address.h"
#include "mime/dkim/arc_seal.h"
#include "mime/dkim/bodyhash.h"
#include "mime/dkim/dkim_sign.h"
#include "mime/reencode.h"
#include "queue/signmsg.h"

#define BLOCK 32768u
#define ROOM_FIRST 16384u

/* The message on its way through the hash. */
struct pass {
	struct body plain;
	char *header;
	size_t header_len, room;
	bool is_in_body, is_too_long, has_failed;
	struct bodyhashes bodies;
	struct reencode
		*look; /* of the first pass, which sees what is needed */
};

/* Where the header of s[0..len) ends, behind its empty line; 0: not yet. */
static size_t
find_end(char const *s, size_t len, size_t from)
{
	char const *at;

	if (len >= 2 && memcmp(s, "\r\n", 2) == 0)
		return 2;
	from = from > 3 ? from - 3 : 0;
	at = memmem(s + from, len - from, "\r\n\r\n", 4);
	return at != NULL ? (size_t)(at - s) + 4 : 0;
}

static void
take_header(struct pass *p, char const *s, size_t len)
{
	size_t end, before = p->header_len;

	if (len > p->room - p->header_len) {
		size_t room = p->room + len + ROOM_FIRST;
		char *more = realloc(p->header, room);
		if (more == NULL) {
			p->has_failed = true;
			return;
		}
		p->header = more;
		p->room = room;
	}
	if (len == 0)
		return;
	memcpy(p->header + before, s, len);
	p->header_len += len;
	end = find_end(p->header, p->header_len, before);
	if (end > 0) {
		p->is_in_body = true;
		p->header_len = end;
		bodyhash_push(
			&p->bodies, s + (end - before), len - (end - before));
	} else if (p->header_len > FIELDS_BYTES_MAX) {
		p->is_too_long = true;
	}
}

static void
take(void *data, char const *s, size_t len)
{
	static char made[BODY_MOST(BLOCK)];
	struct pass *p = data;

	while (len > 0 && !p->has_failed && !p->is_too_long) {
		size_t n = len < BLOCK ? len : BLOCK;
		size_t octets = body_push(&p->plain, s, n, made);
		if (p->is_in_body)
			bodyhash_push(&p->bodies, made, octets);
		else
			take_header(p, made, octets);
		s += n;
		len -= n;
	}
}

static void
take_first(void *data, char const *s, size_t len)
{
	struct pass *p = data;

	reencode_push(p->look, s, len);
	take(p, s, len);
}

static void
take_changed(void *data, char const *s, size_t len)
{
	struct pass *p = data;

	reencode_push(p->look, s, len);
}

static void
start_pass(struct pass *p, struct reencode *look)
{
	*p = (struct pass){.plain.is_bare = true, .look = look};
	(void)bodyhash_want(&p->bodies, true, BODYHASH_ALL);
}

static bool
end_pass(struct pass *p)
{
	char end[BODY_END_MOST];
	size_t len = body_end(&p->plain, end);

	if (p->is_in_body)
		bodyhash_push(&p->bodies, end, len);
	else if (!p->has_failed && !p->is_too_long)
		take_header(p, end, len);
	bodyhash_finish(&p->bodies);
	return !p->has_failed;
}

static bool
read_parts(struct pass *p, struct signask const *ask, int fd,
	queuebody_put *put_message)
{
	take(p, ask->fields, ask->fields_len);
	return queuebody_copy(fd, ask->added_offset, ask->added_len, take, p) ==
		       QUEUEBODY_OK &&
	       queuebody_copy(fd, ask->message_offset, ask->message_len,
		       put_message, p) == QUEUEBODY_OK;
}

/* p's header becomes the fields'. */
static bool
take_apart(struct pass *p, struct fields *fields_r)
{
	char *bytes = p->header;

	p->header = NULL;
	if (bytes == NULL)
		bytes = calloc(1, 1);
	if (bytes == NULL)
		return false;
	if (!fields_take(bytes, p->header_len, fields_r))
		return false;
	fields_r->is_too_long = fields_r->is_too_long || p->is_too_long;
	return true;
}

static struct header_field const *
find_field(struct fields const *fields, char const *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (header_is(&fields->list[i], name))
			return &fields->list[i];
	return NULL;
}

/* Whether nobody's signature breaks if the body is encoded anew. */
static bool
may_change(struct fields const *fields, struct signask const *ask)
{
	static char const is_signed[] = "multipart/signed";
	struct header_field const *type = find_field(fields, "Content-Type");
	size_t at = 0;

	if (((ask->wishes & SIGNASK_SEAL) && ask->list_len == 0) ||
		fields->is_too_long ||
		find_field(fields, "DKIM-Signature") != NULL ||
		find_field(fields, "ARC-Seal") != NULL)
		return false;
	if (type == NULL)
		return true;
	while (at < type->value_len &&
		memchr(" \t\r\n", type->value[at], 4) != NULL)
		at++;
	return type->value_len - at < sizeof is_signed - 1 ||
	       strncasecmp(type->value + at, is_signed, sizeof is_signed - 1) !=
		       0;
}

/* The message as it will be sent: its fields, and the hash of its body. */
struct form {
	struct fields fields;
	unsigned char hash[BODYHASH_LEN];
	bool is_seven;
};

static bool
read_form(struct signask const *ask, int fd, struct pass *p,
	struct reencode *look, struct form *f)
{
	bool is_needed;

	start_pass(p, look);
	reencode_start(look, false, false);
	if (!read_parts(p, ask, fd, take_first) || !end_pass(p) ||
		!take_apart(p, &f->fields))
		return false;
	is_needed = reencode_end(look) && look->is_needed;
	if (look->error == REENCODE_MEMORY)
		return false;
	memcpy(f->hash, p->bodies.list[0].hash, sizeof f->hash);
	if (!is_needed || !may_change(&f->fields, ask))
		return true;
	fields_free(&f->fields);
	start_pass(p, look);
	reencode_write(look, take, p);
	if (!read_parts(p, ask, fd, take_changed) || !reencode_end(look) ||
		!end_pass(p) || !take_apart(p, &f->fields))
		return false;
	memcpy(f->hash, p->bodies.list[0].hash, sizeof f->hash);
	f->is_seven = true;
	return true;
}

/* The domain of the one who wrote it, in lower case and A-labels. False: there
 * is none, or it is not clear which. */
static bool
find_author(struct fields const *fields, char domain_r[DNS_NAME_SIZE])
{
	struct header_field const *from = NULL;
	struct address_cursor c;
	struct address a;
	bool is_found = false;
	char *buffer;

	for (size_t i = 0; i < fields->count; i++)
		if (header_is(&fields->list[i], "From")) {
			if (from != NULL)
				return false;
			from = &fields->list[i];
		}
	buffer = from != NULL ? malloc(ADDRESS_BUF(from->value_len)) : NULL;
	if (buffer == NULL)
		return false;
	address_init(&c, from->value, from->value_len, buffer);
	while (!is_found && address_next(&c, &a) > 0)
		is_found = a.kind == ADDRESS_MAILBOX && a.host.s != NULL &&
			   asciiname(a.host.s, a.host.len, domain_r);
	free(buffer);
	return is_found;
}

static bool
append(struct signmsg *out, char const *s, size_t len)
{
	if (len > out->room - out->len)
		return false;
	memcpy(out->lines + out->len, s, len);
	out->len += len;
	return true;
}

static void
sign(struct table const *t, struct form const *f, uint64_t now,
	char const *domain, struct signmsg *out)
{
	static char line[DKIM_SIGN_MAX];
	struct signkeys_cursor c;
	struct signkey k;
	size_t len;

	if (!signkeys_find(t, domain, &c))
		return;
	while (signkeys_next(&c, &k)) {
		struct dkim_signer signer = {.key = &k.key,
			.domain = domain,
			.selector = k.selector,
			.now = now,
			.lifetime = strtoull(
				signkeys_text(t, "dkim-lifetime"), NULL, 10)};
		if (dkim_sign_fields(DKIM_KIND_DKIM, 0, &f->fields, f->hash,
			    &signer, line, &len) &&
			append(out, line, len))
			out->signatures++;
		dkim_private_wipe(&k.key);
	}
}

/*
 * What we found when the message came. Ours stands above the second Received
 * field: what is below came with the message, and only the checks take out what
 * claims to be from us.
 */
static struct header_field const *
find_results(struct fields const *fields, char const *host)
{
	size_t received = 0;

	for (size_t i = 0; i < fields->count && received < 2; i++) {
		struct header_field const *f = &fields->list[i];
		if (header_is(f, "Received"))
			received++;
		else if (received < 2 &&
			 header_is(f, "Authentication-Results") &&
			 authres_claims(f->value, f->value_len, host))
			return f;
	}
	return NULL;
}

/* How the chain was found; ARC_TEMPERROR: nobody has looked. */
static enum arc_code
find_status(struct header_field const *results)
{
	struct authres_reader r;
	struct authres_text id;
	struct authres_result one;

	if (!authres_start(&r, results->value, results->value_len, &id))
		return ARC_TEMPERROR;
	while (authres_next(&r, &one) > 0)
		if (one.method.len == 3 &&
			strncasecmp(one.method.s, "arc", 3) == 0)
			for (int code = ARC_NONE; code <= ARC_FAIL; code++) {
				char const *name =
					arc_name((enum arc_code)code);
				if (one.result.len == strlen(name) &&
					strncasecmp(one.result.s, name,
						one.result.len) == 0)
					return (enum arc_code)code;
			}
	return ARC_TEMPERROR;
}

/* A key of the domain that seals; RSA, which all who verify can, goes first. */
static bool
find_sealing_key(struct table const *t, char const *domain, struct signkey *k)
{
	struct signkeys_cursor c;
	bool is_found = false;

	if (!signkeys_find(t, domain, &c))
		return false;
	for (struct signkey one; signkeys_next(&c, &one);) {
		if (!is_found || (k->key.is_ed25519 && !one.key.is_ed25519))
			*k = one;
		is_found = true;
		dkim_private_wipe(&one.key);
	}
	return is_found;
}

static void
seal(struct table const *t, struct form const *f, uint64_t now,
	struct signmsg *out)
{
	static char lines[ARC_SEAL_MAX], results[DKIM_SIGN_MAX];
	char const *host = signkeys_text(t, "hostname");
	char const *domain = signkeys_text(t, "forward-domain");
	struct header_field const *field = NULL;
	enum arc_code status = ARC_NONE;
	struct signkey k;
	size_t len, at = 0;

	if (!find_sealing_key(t, domain, &k))
		return;
	if (strcmp(signkeys_text(t, "check"), "1") == 0)
		field = find_results(&f->fields, host);
	if (field != NULL && field->value_len < sizeof results) {
		while (at < field->value_len &&
			memchr(" \t\r\n", field->value[at], 4) != NULL)
			at++;
		len = field->value_len - at;
		memcpy(results, field->value + at, len);
		results[len] = '\0';
		status = find_status(field);
	} else {
		memcpy(results, host, strlen(host) + 1);
		memcpy(results + strlen(host), "; none", 7);
		/* What nobody has judged must not be said to have failed. */
		status = ARC_TEMPERROR;
	}
	if (status == ARC_TEMPERROR &&
		find_field(&f->fields, "ARC-Seal") == NULL)
		status = ARC_NONE;
	struct dkim_signer signer = {.key = &k.key,
		.domain = domain,
		.selector = k.selector,
		.now = now};
	if (arc_seal_fields(&f->fields, f->hash, &signer, status, results,
		    lines, &len) > 0 &&
		append(out, lines, len))
		out->seals++;
	dkim_private_wipe(&k.key);
}

/* By the author's domain, and by the list's, each if it is the dropper's. */
static void
sign_all(struct table const *t, struct signask const *ask, struct form const *f,
	uint64_t now, struct signmsg *out)
{
	char list[DNS_NAME_SIZE];

	if (!find_author(&f->fields, out->domain) ||
		!(ask->wishes & SIGNASK_SIGN))
		return;
	if (ask->is_free || signkeys_owns(t, ask->uid, out->domain))
		sign(t, f, now, out->domain, out);
	if (ask->list_len > 0 && asciiname(ask->list, ask->list_len, list) &&
		strcmp(list, out->domain) != 0 &&
		(ask->is_free || signkeys_owns(t, ask->uid, list)))
		sign(t, f, now, list, out);
}

bool
signmsg_make(struct table const *t, struct signask const *ask, int fd,
	uint64_t now, struct signmsg *out)
{
	static struct reencode look;
	static struct pass p;
	struct form f = {.is_seven = false};
	bool is_read = read_form(ask, fd, &p, &look, &f);

	out->len = 0;
	out->room = sizeof out->lines -
		    (ask->fields_len > 0 ? SIGNASK_FIELDS_MAX : 0);
	out->signatures = out->seals = 0;
	out->is_seven = false;
	*out->domain = '\0';
	if (is_read && !f.fields.is_too_long) {
		if (ask->wishes & SIGNASK_SEAL)
			seal(t, &f, now, out);
		sign_all(t, ask, &f, now, out);
	}
	/* Without a line nothing would break. */
	out->is_seven = f.is_seven && out->len > 0;
	fields_free(&f.fields);
	free(p.header);
	p.header = NULL;
	reencode_free(&look);
	return is_read;
}
