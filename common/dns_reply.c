/* Reading a DNS reply: see dns_reply.h. */
#include <string.h>
#include "common/dns_reply.h"

#define CLASS_IN 1u
#define HEADER_LEN 12u
#define FLAG_QR 0x8000u
#define FLAG_TC 0x0200u
#define FLAG_AD 0x0020u
#define OPCODE(flags) ((flags) >> 11 & 15u)

struct reader {
	unsigned char const *s;
	size_t len, at;
};

/* A name as on the wire without compression, in lower case. */
struct wire_name {
	size_t len;
	unsigned char s[DNS_WIRE_MAX];
};

struct header {
	unsigned type, class;
	uint32_t ttl;
	size_t at, len;
};

static bool
get_u16(struct reader *in, unsigned *n_r)
{
	if (in->len - in->at < 2)
		return false;
	*n_r = (unsigned)in->s[in->at] << 8 | in->s[in->at + 1];
	in->at += 2;
	return true;
}

static bool
get_u32(struct reader *in, uint32_t *n_r)
{
	unsigned high, low;

	if (!get_u16(in, &high) || !get_u16(in, &low))
		return false;
	*n_r = (uint32_t)high << 16 | low;
	return true;
}

static unsigned char
lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

static bool
add_label(struct wire_name *name, unsigned char const *s, size_t len)
{
	if (sizeof name->s - name->len < len + 1)
		return false;
	name->s[name->len++] = (unsigned char)len;
	for (size_t i = 0; i < len; i++)
		name->s[name->len++] = lower(s[i]);
	return true;
}

/*
 * RFC 1035 4.1.4. A pointer must lead before the place where the part of the
 * name that holds it began: so a name cannot circle, and DNS_JUMPS_MAX keeps a
 * long ladder of pointers cheap.
 */
static bool
get_name(struct reader *in, struct wire_name *name)
{
	size_t at = in->at, part = in->at;
	unsigned jumps = 0;

	name->len = 0;
	for (;;) {
		if (at >= in->len)
			return false;
		unsigned n = in->s[at];
		if (n >= 0xc0) {
			if (in->len - at < 2 || ++jumps > DNS_JUMPS_MAX)
				return false;
			size_t to = (size_t)(n & 0x3f) << 8 | in->s[at + 1];
			if (to >= part)
				return false;
			if (jumps == 1)
				in->at = at + 2;
			at = part = to;
			continue;
		}
		if (n > 63 || in->len - at < n + 1 ||
			!add_label(name, in->s + at + 1, n))
			return false;
		at += n + 1;
		if (n == 0)
			break;
	}
	if (jumps == 0)
		in->at = at;
	return true;
}

static bool
same_name(struct wire_name const *a, struct wire_name const *b)
{
	return a->len == b->len && memcmp(a->s, b->s, a->len) == 0;
}

static bool
name_from_text(char const *text, struct wire_name *name)
{
	size_t len = strlen(text);

	if (len > 0 && text[len - 1] == '.')
		len--;
	if (len == 0 || len > DNS_WIRE_MAX - 2)
		return false;
	name->len = 0;
	for (size_t start = 0, i = 0; i <= len; i++) {
		if (i < len && text[i] != '.')
			continue;
		if (i == start || i - start > 63)
			return false;
		unsigned char label[63];
		memcpy(label, text + start, i - start);
		if (!add_label(name, label, i - start))
			return false;
		start = i + 1;
	}
	return add_label(name, NULL, 0);
}

bool
dns_name_valid(char const *name)
{
	struct wire_name wire;

	return name_from_text(name, &wire);
}

static bool
name_to_text(struct wire_name const *name, char text_r[DNS_NAME_SIZE])
{
	size_t out = 0;

	for (size_t i = 0; name->s[i] != 0;) {
		size_t n = name->s[i++];
		if (out > 0)
			text_r[out++] = '.';
		for (; n > 0; n--) {
			unsigned char c = name->s[i++];
			if (c <= ' ' || c > '~' || c == '.' || c == '\\')
				return false;
			text_r[out++] = (char)c;
		}
	}
	text_r[out] = '\0';
	return true;
}

/* A record's owner and fixed fields; in stands behind its data afterwards. */
static bool
get_record(struct reader *in, struct wire_name *owner, struct header *h)
{
	unsigned len;

	if (!get_name(in, owner) || !get_u16(in, &h->type) ||
		!get_u16(in, &h->class) || !get_u32(in, &h->ttl) ||
		!get_u16(in, &len) || in->len - in->at < len)
		return false;
	/* RFC 2181 8: with its highest bit set, a TTL is 0. */
	if (h->ttl > INT32_MAX)
		h->ttl = 0;
	h->at = in->at;
	h->len = len;
	in->at += len;
	return true;
}

static bool
data_is_name(struct reader const *in, size_t at, size_t end)
{
	struct reader data = {in->s, end, at};
	struct wire_name name;

	return at < end && get_name(&data, &name) && data.at == end;
}

static bool
data_is_text(struct reader const *in, size_t at, size_t end)
{
	if (at == end)
		return false;
	while (at < end) {
		size_t n = in->s[at++];
		if (end - at < n)
			return false;
		at += n;
	}
	return true;
}

static bool
data_is_soa(struct reader const *in, size_t at, size_t end)
{
	struct reader data = {in->s, end, at};
	struct wire_name name;

	return get_name(&data, &name) && get_name(&data, &name) &&
	       end - data.at == 20;
}

/* Whether the data has the form of its type; other types are not looked at. */
static bool
data_fits(struct reader const *in, struct header const *h)
{
	size_t end = h->at + h->len;

	switch (h->type) {
	case DNS_A:
		return h->len == 4;
	case DNS_AAAA:
		return h->len == 16;
	case DNS_MX:
		return h->len > 2 && data_is_name(in, h->at + 2, end);
	case DNS_CNAME:
	case DNS_PTR:
		return data_is_name(in, h->at, end);
	case DNS_TXT:
		return data_is_text(in, h->at, end);
	case DNS_TLSA:
		return h->len > 3;
	case DNS_SOA:
		return data_is_soa(in, h->at, end);
	}
	return true;
}

static void
lessen(uint32_t *ttl, uint32_t other)
{
	if (other < *ttl)
		*ttl = other;
}

/*
 * One look over the answers from `start`: the records of `type` that `owner`
 * has are kept, or its alias is told. 1 an alias, 0 none, -1 malformed.
 */
static int
scan_answers(struct reader const *start, unsigned count,
	struct wire_name const *owner, enum dns_type type,
	struct dns_reply *reply, struct wire_name *alias_r, size_t *end_r)
{
	struct reader in = *start;
	int found = 0;

	reply->record_count = 0;
	for (; count > 0; count--) {
		struct wire_name name;
		struct header h;
		if (!get_record(&in, &name, &h) || !data_fits(&in, &h))
			return -1;
		if (h.class != CLASS_IN || !same_name(&name, owner))
			continue;
		if (h.type == (unsigned)type) {
			lessen(&reply->ttl, h.ttl);
			if (reply->record_count == DNS_RECORDS_MAX)
				continue;
			struct dns_record *r =
				&reply->records[reply->record_count++];
			*r = (struct dns_record){h.ttl, h.at, h.len};
		} else if (h.type == DNS_CNAME) {
			struct reader data = {in.s, in.len, h.at};
			if (!get_name(&data, alias_r))
				return -1;
			lessen(&reply->ttl, h.ttl);
			found = 1;
		}
	}
	*end_r = in.at;
	return found;
}

/* RFC 2308 5: "no" holds for the lesser of the SOA's TTL and its MINIMUM. */
static bool
scan_authority(struct reader *in, unsigned count, uint32_t *ttl_r)
{
	*ttl_r = UINT32_MAX;
	for (; count > 0; count--) {
		struct wire_name name;
		struct header h;
		uint32_t minimum;
		if (!get_record(in, &name, &h) || !data_fits(in, &h))
			return false;
		if (h.type != DNS_SOA || h.class != CLASS_IN)
			continue;
		struct reader data = {in->s, in->len, h.at + h.len - 4};
		if (!get_u32(&data, &minimum))
			return false;
		lessen(ttl_r, h.ttl);
		lessen(ttl_r, minimum);
	}
	return true;
}

static bool
check_question(struct reader *in, struct wire_name const *asked,
	enum dns_type type, unsigned count)
{
	struct wire_name name;
	unsigned got_type, class;

	return count == 1 && get_name(in, &name) && get_u16(in, &got_type) &&
	       get_u16(in, &class) && same_name(&name, asked) &&
	       got_type == (unsigned)type && class == CLASS_IN;
}

static bool
fail(enum dns_error e, enum dns_error *err_r)
{
	*err_r = e;
	return false;
}

bool
dns_reply_parse(unsigned char const *s, size_t len, char const *name,
	enum dns_type type, struct dns_reply *reply_r, enum dns_error *err_r)
{
	struct reader in = {s, len, 0};
	struct wire_name owner, alias;
	unsigned id, flags, questions, answers, authorities, additional;
	uint32_t negative;
	size_t end;
	int r;

	if (!name_from_text(name, &owner))
		return fail(DNS_ERR_NAME, err_r);
	if (len < HEADER_LEN || !get_u16(&in, &id) || !get_u16(&in, &flags) ||
		!get_u16(&in, &questions) || !get_u16(&in, &answers) ||
		!get_u16(&in, &authorities) || !get_u16(&in, &additional))
		return fail(DNS_ERR_SHORT, err_r);
	if (!(flags & FLAG_QR) || OPCODE(flags) != 0 ||
		!check_question(&in, &owner, type, questions))
		return fail(DNS_ERR_QUESTION, err_r);
	*reply_r = (struct dns_reply){.bytes = s, .len = len};
	reply_r->rcode = flags & 15u;
	reply_r->authentic = (flags & FLAG_AD) != 0;
	reply_r->truncated = (flags & FLAG_TC) != 0;
	reply_r->ttl = UINT32_MAX;
	/* A cut reply is not read further: its counts may not be met. */
	if (reply_r->truncated) {
		reply_r->ttl = 0;
		return true;
	}
	for (unsigned steps = 0;; steps++) {
		r = scan_answers(
			&in, answers, &owner, type, reply_r, &alias, &end);
		if (r < 0)
			return fail(DNS_ERR_FORM, err_r);
		if (r == 0 || reply_r->record_count > 0)
			break;
		if (steps == DNS_CHAIN_MAX)
			return fail(DNS_ERR_CHAIN, err_r);
		owner = alias;
		if (!name_to_text(&owner, reply_r->alias_of))
			reply_r->alias_of[0] = '\0';
	}
	in.at = end;
	if (!scan_authority(&in, authorities, &negative))
		return fail(DNS_ERR_FORM, err_r);
	if (reply_r->record_count == 0)
		lessen(&reply_r->ttl, negative == UINT32_MAX ? 0 : negative);
	return true;
}

char const *
dns_strerror(enum dns_error e)
{
	switch (e) {
	case DNS_ERR_NAME:
		return "not a domain name";
	case DNS_ERR_SHORT:
		return "short reply";
	case DNS_ERR_QUESTION:
		return "reply to another question";
	case DNS_ERR_FORM:
		return "malformed reply";
	case DNS_ERR_CHAIN:
		return "too many aliases";
	}
	return "unknown error";
}

size_t
dns_record_address(
	struct dns_reply const *reply, size_t i, unsigned char address_r[16])
{
	struct dns_record const *r = &reply->records[i];
	size_t len = r->len < 16 ? r->len : 16;

	memcpy(address_r, reply->bytes + r->at, len);
	return len;
}

static bool
name_at(struct dns_reply const *reply, size_t at, char name_r[DNS_NAME_SIZE])
{
	struct reader in = {reply->bytes, reply->len, at};
	struct wire_name name;

	return get_name(&in, &name) && name_to_text(&name, name_r);
}

bool
dns_record_name(
	struct dns_reply const *reply, size_t i, char name_r[DNS_NAME_SIZE])
{
	return name_at(reply, reply->records[i].at, name_r);
}

bool
dns_record_mx(struct dns_reply const *reply, size_t i, unsigned *preference_r,
	char name_r[DNS_NAME_SIZE])
{
	struct reader in = {reply->bytes, reply->len, reply->records[i].at};

	return get_u16(&in, preference_r) && name_at(reply, in.at, name_r);
}

size_t
dns_record_txt(
	struct dns_reply const *reply, size_t i, char *text_r, size_t max)
{
	struct dns_record const *r = &reply->records[i];
	unsigned char const *s = reply->bytes + r->at;
	size_t total = 0;

	for (size_t at = 0; at < r->len;) {
		size_t n = s[at++];
		size_t room = total < max ? max - total : 0;
		memcpy(text_r + (total < max ? total : 0), s + at,
			n < room ? n : room);
		total += n;
		at += n;
	}
	return total;
}

void
dns_record_tlsa(
	struct dns_reply const *reply, size_t i, struct dns_tlsa *tlsa_r)
{
	struct dns_record const *r = &reply->records[i];
	unsigned char const *s = reply->bytes + r->at;

	*tlsa_r = (struct dns_tlsa){.usage = s[0],
		.selector = s[1],
		.matching = s[2],
		.data = s + 3,
		.data_len = r->len - 3};
}
