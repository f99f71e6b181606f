/* What remote and sts say to one another: see stswire.h. */
#include <string.h>
#include "common/wire.h"
#include "remote/stswire.h"

#define NONE '-'

size_t
stswire_ask_encode(char *s, size_t max, char const *domain)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u8(&out, STSWIRE_POLICY);
	wire_put_bytes(&out, domain, strlen(domain));
	return out.failed ? 0 : out.len;
}

size_t
stswire_report_encode(char *s, size_t max, struct stswire_report const *r)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u8(&out, STSWIRE_REPORT);
	wire_put_u8(&out, (uint8_t)r->policy);
	wire_put_u8(&out, (uint8_t)r->result);
	wire_put_bytes(&out, r->domain, r->domain_len);
	wire_put_bytes(&out, r->host, r->host_len);
	wire_put_bytes(&out, r->from, r->from_len);
	wire_put_bytes(&out, r->to, r->to_len);
	wire_put_bytes(&out, r->why, r->why_len);
	return out.failed ? 0 : out.len;
}

/* Names become names of files, and fields of lines. */
static bool
is_plain(char const *s, size_t len, char const *others)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
			    (s[i] >= '0' && s[i] <= '9') ||
			    (s[i] != '\0' && strchr(others, s[i]) != NULL)))
			return false;
	return true;
}

static bool
take_domain(struct wire_in *in, char domain_r[DNS_NAME_SIZE])
{
	size_t len;
	char const *s = wire_get_bytes(in, DNS_NAME_SIZE - 1, &len);

	if (in->failed || len == 0 || s[0] == '.' || s[0] == '-' ||
		!is_plain(s, len, ".-_"))
		return false;
	memcpy(domain_r, s, len);
	domain_r[len] = '\0';
	return dns_name_valid(domain_r);
}

static bool
take_report(struct wire_in *in, struct stswire_report *r)
{
	bool ok;

	r->policy = (enum tlsrpt_policy)wire_get_u8(in);
	r->result = (enum tlsrpt_result)wire_get_u8(in);
	r->domain = wire_get_bytes(in, DNS_NAME_SIZE - 1, &r->domain_len);
	r->host = wire_get_bytes(in, DNS_NAME_SIZE - 1, &r->host_len);
	r->from = wire_get_bytes(in, STSWIRE_ADDRESS_MAX, &r->from_len);
	r->to = wire_get_bytes(in, STSWIRE_ADDRESS_MAX, &r->to_len);
	r->why = wire_get_bytes(in, STSWIRE_WHY_MAX, &r->why_len);
	ok = !in->failed && tlsrpt_policy_name(r->policy) != NULL &&
	     tlsrpt_name(r->result) != NULL && r->domain_len > 0 &&
	     is_plain(r->domain, r->domain_len, ".-_") &&
	     is_plain(r->host, r->host_len, ".-_[]:") &&
	     is_plain(r->from, r->from_len, ".:") &&
	     is_plain(r->to, r->to_len, ".:");
	for (size_t i = 0; ok && i < r->why_len; i++)
		ok = r->why[i] >= ' ' && r->why[i] <= '~';
	return ok;
}

bool
stswire_question_decode(char const *s, size_t len, struct stswire_question *q_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	q_r->kind = (enum stswire_kind)wire_get_u8(&in);
	if (q_r->kind == STSWIRE_POLICY)
		return take_domain(&in, q_r->domain) && wire_end(&in);
	return q_r->kind == STSWIRE_REPORT && take_report(&in, &q_r->report) &&
	       wire_end(&in);
}

size_t
stswire_answer_encode(char *s, size_t max, struct stspolicy const *p)
{
	size_t count = p != NULL ? p->mx_count : 0;
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u8(&out, STSWIRE_POLICY);
	wire_put_u8(&out, p != NULL ? (uint8_t)p->mode : NONE);
	wire_put_u32(&out, p != NULL ? p->max_age : 0);
	wire_put_u16(&out, (uint16_t)count);
	for (size_t i = 0; i < count; i++)
		wire_put_bytes(&out, p->mx[i], strlen(p->mx[i]));
	return out.failed ? 0 : out.len;
}

int
stswire_answer_decode(char const *s, size_t len, struct stspolicy *p)
{
	struct wire_in in;
	unsigned kind, mode;

	wire_open(&in, s, len);
	kind = wire_get_u8(&in);
	mode = wire_get_u8(&in);
	p->max_age = wire_get_u32(&in);
	p->mx_count = wire_get_u16(&in);
	if (in.failed || kind != STSWIRE_POLICY ||
		p->mx_count > STSPOLICY_MX_MAX)
		return -1;
	for (size_t i = 0; i < p->mx_count; i++) {
		size_t n;
		char const *mx = wire_get_bytes(&in, DNS_NAME_SIZE - 1, &n);
		if (in.failed || !stspolicy_is_pattern(mx, n))
			return -1;
		memcpy(p->mx[i], mx, n);
		p->mx[i][n] = '\0';
	}
	if (!wire_end(&in))
		return -1;
	if (mode == NONE)
		return p->mx_count == 0 ? 0 : -1;
	p->mode = (enum stspolicy_mode)mode;
	return mode == STSPOLICY_NONE || mode == STSPOLICY_TESTING ||
			       mode == STSPOLICY_ENFORCE
		       ? 1
		       : -1;
}
