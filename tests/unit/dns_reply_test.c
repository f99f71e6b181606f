/* dns_reply.h: what a resolver may send, and what only an attacker would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/dns_reply.h"

/* A message that is being written. */
struct message {
	size_t len;
	unsigned char s[65536];
};

static struct message m;

static void
put(void const *s, size_t len)
{
	memcpy(m.s + m.len, s, len);
	m.len += len;
}

static void
put_u16(unsigned n)
{
	unsigned char s[2] = {(unsigned char)(n >> 8), (unsigned char)n};

	put(s, 2);
}

static void
put_u32(uint32_t n)
{
	put_u16(n >> 16);
	put_u16(n & 0xffff);
}

/* "a.b" in wire form; "@N" is a pointer to offset N. */
static void
put_name(char const *text)
{
	while (*text != '\0' && *text != '@') {
		size_t n = strcspn(text, ".@");
		unsigned char len = (unsigned char)n;
		put(&len, 1);
		put(text, n);
		text += n + (text[n] == '.');
	}
	if (*text == '@')
		put_u16(0xc000 | (unsigned)atoi(text + 1));
	else
		put("", 1);
}

static void
begin(char const *name, enum dns_type type, unsigned flags, unsigned answers,
	unsigned authorities)
{
	m.len = 0;
	put_u16(0x1234);
	put_u16(flags);
	put_u16(1);
	put_u16(answers);
	put_u16(authorities);
	put_u16(0);
	put_name(name);
	put_u16((unsigned)type);
	put_u16(1);
}

/* Where the data's length stands, for end_record. */
static size_t
begin_record(char const *owner, unsigned type, uint32_t ttl)
{
	put_name(owner);
	put_u16(type);
	put_u16(1);
	put_u32(ttl);
	put_u16(0);
	return m.len;
}

static void
end_record(size_t start)
{
	m.s[start - 2] = (unsigned char)((m.len - start) >> 8);
	m.s[start - 1] = (unsigned char)(m.len - start);
}

static void
put_record(char const *owner, unsigned type, uint32_t ttl, void const *data,
	size_t len)
{
	size_t start = begin_record(owner, type, ttl);

	put(data, len);
	end_record(start);
}

static void
put_name_record(
	char const *owner, unsigned type, uint32_t ttl, char const *name)
{
	size_t start = begin_record(owner, type, ttl);

	put_name(name);
	end_record(start);
}

static void
put_mx(char const *owner, uint32_t ttl, unsigned preference, char const *name)
{
	size_t start = begin_record(owner, DNS_MX, ttl);

	put_u16(preference);
	put_name(name);
	end_record(start);
}

static unsigned char *bytes;
static struct dns_reply reply;

/* 0 or the error; the message stands in a block of its exact size. */
static int
parse(char const *name, enum dns_type type)
{
	enum dns_error e = 0;

	free(bytes);
	bytes = malloc(m.len);
	memcpy(bytes, m.s, m.len);
	bool ok = dns_reply_parse(bytes, m.len, name, type, &reply, &e);
	assert_int_equal(ok, e == 0);
	return (int)e;
}

#define REPLY 0x8180u

static void
addresses(void **state)
{
	unsigned char a[16];

	(void)state;
	begin("Example.ORG", DNS_A, REPLY, 2, 0);
	put_record("@12", DNS_A, 300, "\x7f\0\0\1", 4);
	put_record("exAMPLE.org", DNS_A, 60, "\x7f\0\0\2", 4);
	assert_int_equal(parse("example.org.", DNS_A), 0);
	assert_int_equal(reply.record_count, 2);
	assert_int_equal(reply.ttl, 60);
	assert_false(reply.authentic);
	assert_int_equal(dns_record_address(&reply, 1, a), 4);
	assert_memory_equal(a, "\x7f\0\0\2", 4);

	begin("example.org", DNS_AAAA, REPLY | 0x20, 1, 0);
	put_record("@12", DNS_AAAA, 0xffffffff, "0123456789abcdef", 16);
	assert_int_equal(parse("example.org", DNS_AAAA), 0);
	assert_true(reply.authentic);
	assert_int_equal(reply.ttl, 0);
	assert_int_equal(dns_record_address(&reply, 0, a), 16);
}

static void
mail_exchangers(void **state)
{
	char name[DNS_NAME_SIZE];
	unsigned preference;

	(void)state;
	begin("example.org", DNS_MX, REPLY, 3, 0);
	put_mx("@12", 300, 10, "MX1@12");
	put_mx("@12", 300, 20, "");
	put_mx("@12", 300, 65535, "a\\b.org");
	assert_int_equal(parse("example.org", DNS_MX), 0);
	assert_int_equal(reply.record_count, 3);
	assert_true(dns_record_mx(&reply, 0, &preference, name));
	assert_int_equal(preference, 10);
	assert_string_equal(name, "mx1.example.org");
	assert_true(dns_record_mx(&reply, 1, &preference, name));
	assert_string_equal(name, "");
	assert_false(dns_record_mx(&reply, 2, &preference, name));
}

static void
texts(void **state)
{
	char text[16];

	(void)state;
	begin("example.org", DNS_TXT, REPLY, 1, 0);
	put_record("@12", DNS_TXT, 300, "\5v=spf\0\3 -a\2ll", 14);
	assert_int_equal(parse("example.org", DNS_TXT), 0);
	assert_int_equal(dns_record_txt(&reply, 0, text, sizeof text), 10);
	assert_memory_equal(text, "v=spf -all", 10);
	assert_int_equal(dns_record_txt(&reply, 0, text, 6), 10);
	assert_int_equal(dns_record_txt(&reply, 0, text, 0), 10);

	begin("example.org", DNS_TXT, REPLY, 1, 0);
	put_record("@12", DNS_TXT, 300, "\5v=sp", 5);
	assert_int_equal(parse("example.org", DNS_TXT), DNS_ERR_FORM);
}

static void
other_types(void **state)
{
	char name[DNS_NAME_SIZE];
	struct dns_tlsa tlsa;

	(void)state;
	begin("1.2.0.192.in-addr.arpa", DNS_PTR, REPLY, 1, 0);
	put_name_record("@12", DNS_PTR, 300, "host.example.org");
	assert_int_equal(parse("1.2.0.192.in-addr.arpa", DNS_PTR), 0);
	assert_true(dns_record_name(&reply, 0, name));
	assert_string_equal(name, "host.example.org");

	begin("_25._tcp.mx.test", DNS_TLSA, REPLY, 1, 0);
	put_record("@12", DNS_TLSA, 300, "\3\1\1hash", 7);
	assert_int_equal(parse("_25._tcp.mx.test", DNS_TLSA), 0);
	dns_record_tlsa(&reply, 0, &tlsa);
	assert_int_equal(tlsa.usage, 3);
	assert_int_equal(tlsa.selector, 1);
	assert_int_equal(tlsa.matching, 1);
	assert_int_equal(tlsa.data_len, 4);
	assert_memory_equal(tlsa.data, "hash", 4);

	begin("www.test", DNS_CNAME, REPLY, 1, 0);
	put_name_record("@12", DNS_CNAME, 300, "host.test");
	assert_int_equal(parse("www.test", DNS_CNAME), 0);
	assert_int_equal(reply.record_count, 1);
}

static void
aliases(void **state)
{
	(void)state;
	/* In any order, and other names' records are not ours. */
	begin("www.test", DNS_A, REPLY, 4, 0);
	put_record("host.test", DNS_A, 300, "\x7f\0\0\1", 4);
	put_record("evil.test", DNS_A, 300, "\x7f\0\0\2", 4);
	put_name_record("b.test", DNS_CNAME, 30, "HOST.test");
	put_name_record("www.test", DNS_CNAME, 100, "b.test");
	assert_int_equal(parse("www.test", DNS_A), 0);
	assert_int_equal(reply.record_count, 1);
	assert_int_equal(reply.ttl, 30);

	begin("a.test", DNS_A, REPLY, 2, 0);
	put_name_record("a.test", DNS_CNAME, 30, "b.test");
	put_name_record("b.test", DNS_CNAME, 30, "a.test");
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_CHAIN);

	/* A chain that leads nowhere is no data. */
	begin("a.test", DNS_A, REPLY, 1, 0);
	put_name_record("a.test", DNS_CNAME, 30, "b.test");
	assert_int_equal(parse("a.test", DNS_A), 0);
	assert_int_equal(reply.record_count, 0);
}

static void
chain_is_bounded(void **state)
{
	char from[16] = "a0.test", to[16] = "a0.test";

	(void)state;
	for (unsigned links = DNS_CHAIN_MAX; links < DNS_CHAIN_MAX + 2;
		links++) {
		begin("a0.test", DNS_A, REPLY, links + 1, 0);
		for (unsigned i = 0; i < links; i++) {
			from[1] = (char)('0' + i);
			to[1] = (char)('1' + i);
			put_name_record(from, DNS_CNAME, 30, to);
		}
		put_record(to, DNS_A, 300, "\x7f\0\0\1", 4);
		assert_int_equal(parse("a0.test", DNS_A),
			links > DNS_CHAIN_MAX ? DNS_ERR_CHAIN : 0);
	}
}

static void
negative_answers(void **state)
{
	(void)state;
	begin("no.test", DNS_MX, REPLY | 3, 0, 1);
	size_t start = begin_record("test", DNS_SOA, 500);
	put_name("ns.test");
	put_name("root.test");
	for (uint32_t i = 1; i < 6; i++)
		put_u32(i * 10);
	end_record(start);
	assert_int_equal(parse("no.test", DNS_MX), 0);
	assert_int_equal(reply.rcode, DNS_RCODE_NXDOMAIN);
	assert_int_equal(reply.record_count, 0);
	assert_int_equal(reply.ttl, 50);

	begin("no.test", DNS_MX, REPLY | 2, 0, 0);
	assert_int_equal(parse("no.test", DNS_MX), 0);
	assert_int_equal(reply.rcode, DNS_RCODE_SERVFAIL);
	assert_int_equal(reply.ttl, 0);
}

static void
replies_to_something_else(void **state)
{
	(void)state;
	begin("other.test", DNS_A, REPLY, 0, 0);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_QUESTION);
	begin("a.test", DNS_MX, REPLY, 0, 0);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_QUESTION);
	begin("a.test", DNS_A, 0x0100, 0, 0);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_QUESTION);
	begin("a.test", DNS_A, REPLY | 0x0800, 0, 0);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_QUESTION);
	begin("a.test", DNS_A, REPLY, 0, 0);
	m.s[5] = 2;
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_QUESTION);
}

static void
cut_reply_is_told_and_not_read(void **state)
{
	(void)state;
	begin("a.test", DNS_A, REPLY | 0x0200, 9, 9);
	assert_int_equal(parse("a.test", DNS_A), 0);
	assert_true(reply.truncated);
	assert_int_equal(reply.record_count, 0);
}

static void
every_cut_is_noticed(void **state)
{
	(void)state;
	begin("example.org", DNS_MX, REPLY, 2, 1);
	put_mx("@12", 300, 10, "mx1@12");
	put_name_record("www@12", DNS_CNAME, 300, "host.test");
	put_record("@12", 99, 300, "anything", 8);
	assert_int_equal(parse("example.org", DNS_MX), 0);
	for (size_t whole = m.len; m.len > 0;) {
		m.len--;
		assert_int_not_equal(parse("example.org", DNS_MX), 0);
		assert_true(m.len < whole);
	}
}

static void
names_cannot_circle(void **state)
{
	(void)state;
	/* To itself, forwards, and to and fro. */
	begin("a.test", DNS_A, REPLY, 1, 0);
	put_record("@24", DNS_A, 300, "\x7f\0\0\1", 4);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_FORM);
	begin("a.test", DNS_A, REPLY, 1, 0);
	put_record("@30", DNS_A, 300, "\x7f\0\0\1", 4);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_FORM);
	begin("a.test", DNS_A, REPLY, 1, 0);
	put_record("x@24", DNS_A, 300, "\x7f\0\0\1", 4);
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_FORM);
	/* Labels of the reserved kinds. */
	begin("a.test", DNS_A, REPLY, 1, 0);
	put_record("\x41", DNS_A, 300, "\x7f\0\0\1", 4);
	m.s[24] = 0x41;
	assert_int_equal(parse("a.test", DNS_A), DNS_ERR_FORM);
}

static void
jumps_are_bounded(void **state)
{
	char to[8] = "@12";
	size_t ladder;

	(void)state;
	for (unsigned steps = DNS_JUMPS_MAX - 1; steps <= DNS_JUMPS_MAX;
		steps++) {
		begin("a.test", DNS_A, REPLY, 2, 0);
		/* A ladder of pointers in a record that nobody reads. */
		size_t start = begin_record("", 99, 300);
		memcpy(to, "@12", 4);
		for (unsigned i = 0; i < steps; i++) {
			ladder = m.len;
			put_name(to);
			to[1] = (char)('0' + ladder / 100);
			to[2] = (char)('0' + ladder / 10 % 10);
			to[3] = (char)('0' + ladder % 10);
			to[4] = '\0';
		}
		end_record(start);
		put_record(to, DNS_A, 300, "\x7f\0\0\1", 4);
		assert_int_equal(parse("a.test", DNS_A),
			steps + 1 > DNS_JUMPS_MAX ? DNS_ERR_FORM : 0);
	}
}

static void
data_of_a_wrong_form(void **state)
{
	static struct {
		enum dns_type type;
		char const *data;
		size_t len;
	} const cases[] = {{DNS_A, "abc", 3}, {DNS_A, "abcde", 5},
		{DNS_AAAA, "abcd", 4}, {DNS_MX, "\0\12", 2}, {DNS_MX, "\0", 1},
		{DNS_MX, "\0\12\1a\0x", 6}, {DNS_MX, "\0\12\1a", 4},
		{DNS_TXT, "", 0}, {DNS_TXT, "\377a", 2},
		{DNS_TLSA, "\3\1\1", 3}, {DNS_PTR, "", 0},
		{DNS_CNAME, "\1a\0\0", 4}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		begin("a.test", cases[i].type, REPLY, 1, 0);
		put_record(
			"@12", cases[i].type, 300, cases[i].data, cases[i].len);
		assert_int_equal(parse("a.test", cases[i].type), DNS_ERR_FORM);
	}
}

static void
records_beyond_the_limit_are_left_out(void **state)
{
	(void)state;
	begin("a.test", DNS_A, REPLY, 4000, 0);
	for (int i = 0; i < 4000; i++)
		put_record("@12", DNS_A, 300, "\x7f\0\0\1", 4);
	assert_int_equal(parse("a.test", DNS_A), 0);
	assert_int_equal(reply.record_count, DNS_RECORDS_MAX);
}

static void
asked_names(void **state)
{
	char long_name[300];

	(void)state;
	memset(long_name, 'a', sizeof long_name);
	for (size_t i = 50; i < sizeof long_name; i += 51)
		long_name[i] = '.';
	long_name[253] = '\0';
	assert_true(dns_name_valid(long_name));
	long_name[253] = 'a';
	long_name[254] = '\0';
	assert_false(dns_name_valid(long_name));
	assert_true(dns_name_valid("a.b"));
	assert_true(dns_name_valid("a.b."));
	assert_false(dns_name_valid(""));
	assert_false(dns_name_valid("."));
	assert_false(dns_name_valid("a..b"));
	assert_false(dns_name_valid(".a"));
	assert_false(dns_name_valid("a.."));
	memset(long_name, 'a', 64);
	long_name[64] = '\0';
	assert_false(dns_name_valid(long_name));
	assert_true(dns_name_valid(long_name + 1));
	begin("a.test", DNS_A, REPLY, 0, 0);
	assert_int_equal(parse("", DNS_A), DNS_ERR_NAME);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(mail_exchangers),
		cmocka_unit_test(texts),
		cmocka_unit_test(other_types),
		cmocka_unit_test(aliases),
		cmocka_unit_test(chain_is_bounded),
		cmocka_unit_test(negative_answers),
		cmocka_unit_test(replies_to_something_else),
		cmocka_unit_test(cut_reply_is_told_and_not_read),
		cmocka_unit_test(every_cut_is_noticed),
		cmocka_unit_test(names_cannot_circle),
		cmocka_unit_test(jumps_are_bounded),
		cmocka_unit_test(data_of_a_wrong_form),
		cmocka_unit_test(records_beyond_the_limit_are_left_out),
		cmocka_unit_test(asked_names),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	free(bytes);
	return failed;
}
