/*
 * dns_reply.h - reading a DNS reply (RFC 1035 4; RFC 2308; RFC 3596; RFC 6698)
 *
 * Pure functions over the bytes of one message: no i/o, no allocation. A reply
 * is foreign input: it is taken whole and checked to its last record, or not at
 * all. CNAME chains are followed within the reply (a recursive resolver sends
 * all of a chain). Asking is dns.h's.
 */
#ifndef DNS_REPLY_H
#define DNS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Octets of a name in text with its NUL: 253 and one more to spare. */
#define DNS_NAME_SIZE 255
/* Octets of a name on the wire (RFC 1035 2.3.4). */
#define DNS_WIRE_MAX 255
/* Compression pointers followed in one name; each must point backwards. */
#define DNS_JUMPS_MAX 32
/* CNAMEs followed from the asked name. */
#define DNS_CHAIN_MAX 8
/* Records kept of one reply; what comes behind them is checked and left out. */
#define DNS_RECORDS_MAX 64

enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_TLSA = 52
};

/* RFC 1035 4.1.1; others exist and are told as they came. */
#define DNS_RCODE_NOERROR 0u
#define DNS_RCODE_SERVFAIL 2u
#define DNS_RCODE_NXDOMAIN 3u

enum dns_error {
	DNS_ERR_NAME = 1, /* the asked name is none */
	DNS_ERR_SHORT,	  /* cut, or a length leads out of the message */
	DNS_ERR_QUESTION, /* not a reply to this question */
	DNS_ERR_FORM,	  /* a malformed name or record */
	DNS_ERR_CHAIN	  /* CNAMEs in a circle, or too many */
};

struct dns_record {
	uint32_t ttl;
	size_t at, len; /* of the data, within the message */
};

struct dns_reply {
	unsigned char const *bytes; /* the caller's */
	size_t len;
	unsigned rcode;
	bool authentic; /* the AD bit as it came: see dns.h for its worth */
	bool truncated;
	/* Seconds that the answer holds: the least TTL of the chain and the
	 * records; without records that of the SOA (RFC 2308 5), else 0. */
	uint32_t ttl;
	/* The name at the end of a chain of aliases, as dns_record_name has
	 * names; "" where the asked name is no alias. */
	char alias_of[DNS_NAME_SIZE];
	/* Records of the asked type at the end of the chain. */
	struct dns_record records[DNS_RECORDS_MAX];
	size_t record_count;
};

/*
 * Parse the reply s[0..len) to the question for name (NUL-ended, in text, with
 * or without a trailing dot) and type. reply_r keeps s. False: err_r is set and
 * reply_r is of no use.
 */
bool dns_reply_parse(unsigned char const *s, size_t len, char const *name,
	enum dns_type type, struct dns_reply *reply_r, enum dns_error *err_r)
	__attribute__((warn_unused_result));

char const *dns_strerror(enum dns_error e);

/*
 * Whether a NUL-ended text can be asked for: labels of 1 to 63 octets, no more
 * than 253 in all; one trailing dot is allowed, the root alone is not.
 */
bool dns_name_valid(char const *name);

/*
 * What record i holds, i below record_count; only for replies to questions of
 * the type that the name says. address_r of dns_record_address (A and AAAA)
 * gets 4 or 16 octets, which it returns.
 */
size_t dns_record_address(
	struct dns_reply const *reply, size_t i, unsigned char address_r[16]);

/*
 * Names in text, lower case, without a trailing dot; the root is "". False: the
 * name holds octets that no host name has (not printable, a dot in a label, a
 * backslash).
 */
bool dns_record_name(struct dns_reply const *reply, size_t i,
	char name_r[DNS_NAME_SIZE]) __attribute__((warn_unused_result));
bool dns_record_mx(struct dns_reply const *reply, size_t i,
	unsigned *preference_r, char name_r[DNS_NAME_SIZE])
	__attribute__((warn_unused_result));

/* The strings of a TXT record joined (RFC 7208 3.3); returns their length,
 * of which at most max octets were written. */
size_t dns_record_txt(
	struct dns_reply const *reply, size_t i, char *text_r, size_t max);

struct dns_tlsa {
	unsigned usage, selector, matching;
	unsigned char const *data; /* points into the message */
	size_t data_len;
};
void dns_record_tlsa(
	struct dns_reply const *reply, size_t i, struct dns_tlsa *tlsa_r);

#endif
