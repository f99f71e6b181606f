/* Any message as a reply to a question that it holds itself: what is kept lies
 * inside it, and the getters cope with all of it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/dns_reply.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
get_all(struct dns_reply const *r, size_t i, enum dns_type type)
{
	char name[DNS_NAME_SIZE], text[100];
	unsigned char address[16];
	struct dns_tlsa tlsa;
	unsigned preference;
	bool named = false;

	name[0] = '\0';
	switch (type) {
	case DNS_A:
	case DNS_AAAA:
		(void)dns_record_address(r, i, address);
		break;
	case DNS_MX:
		named = dns_record_mx(r, i, &preference, name);
		break;
	case DNS_PTR:
	case DNS_CNAME:
		named = dns_record_name(r, i, name);
		break;
	case DNS_TXT:
		(void)dns_record_txt(r, i, text, sizeof text);
		break;
	case DNS_TLSA:
		dns_record_tlsa(r, i, &tlsa);
		if (tlsa.data < r->bytes ||
			tlsa.data + tlsa.data_len > r->bytes + r->len)
			abort();
		break;
	case DNS_SOA:
		break;
	}
	if (named && name[0] != '\0' && !dns_name_valid(name))
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static enum dns_type const types[] = {DNS_A, DNS_CNAME, DNS_SOA,
		DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_TLSA};
	static struct dns_reply r;
	char name[64] = "a.test";
	enum dns_error e;
	size_t n;

	/* The question's first name, as far as it is simple. */
	for (size_t at = 12, out = 0;
		at < size && (n = data[at]) > 0 && n < size - at &&
		out + n + 2 < sizeof name;
		at += n + 1, out += n + 1) {
		memcpy(name + out, data + at + 1, n);
		name[out + n] = '.';
		name[out + n + 1] = '\0';
	}
	for (size_t t = 0; t < sizeof types / sizeof types[0]; t++) {
		if (!dns_reply_parse(data, size, name, types[t], &r, &e))
			continue;
		for (size_t i = 0; i < r.record_count; i++) {
			if (r.records[i].at > size ||
				r.records[i].len > size - r.records[i].at)
				abort();
			get_all(&r, i, types[t]);
		}
	}
	return 0;
}
