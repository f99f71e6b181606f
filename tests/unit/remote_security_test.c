/* What remote demands of hosts: TLSA records, the table, the message; and whom
 * it calls from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>
#include "exact.h"
#include "remote/login.h"
#include "remote/outgoing.h"
#include "remote/tlsa.h"
#include "remote/tlspolicy.h"
#include "remote/tlsrequired.h"

/* As much of a certificate as has a SubjectPublicKeyInfo in its place. */
static unsigned char const certificate[] = {0x30, 0x15, 0x30, 0x13, 0xa0, 0x03,
	0x02, 0x01, 0x02, 0x02, 0x01, 0x07, 0x30, 0x00, 0x30, 0x00, 0x30, 0x00,
	0x30, 0x00, 0x30, 0x01, 0x55};
#define SPKI_AT 20u

static struct tls_certificate_der
whole(void)
{
	return (struct tls_certificate_der){certificate, sizeof certificate};
}

static void
key_is_found(void **state)
{
	struct tls_certificate_der c = whole(), spki;

	(void)state;
	assert_true(tls_chain_spki(&c, &spki));
	assert_ptr_equal(spki.der, certificate + SPKI_AT);
	assert_int_equal(spki.len, 3);
	for (size_t len = 0; len < sizeof certificate; len++) {
		char *s = exact((char const *)certificate, len);
		c = (struct tls_certificate_der){(unsigned char *)s, len};
		assert_false(tls_chain_spki(&c, &spki));
		free(s);
	}
}

static bool
add(struct tlsa_set *set, unsigned usage, unsigned selector, unsigned matching,
	void const *data, size_t len)
{
	struct dns_tlsa r = {usage, selector, matching, data, len};

	return tlsa_add(set, &r);
}

static void
record_matches(void **state)
{
	unsigned char hash[64];
	struct tls_certificate_der c = whole();
	static struct tlsa_set set;

	(void)state;
	for (unsigned selector = 0; selector < 2; selector++)
		for (unsigned matching = 0; matching < 3; matching++) {
			unsigned char const *s =
				certificate + (selector ? SPKI_AT : 0);
			size_t len = selector ? 3 : sizeof certificate;
			set.count = set.used = 0;
			if (matching == 1)
				crypto_hash_sha256(hash, s, len);
			if (matching == 2)
				crypto_hash_sha512(hash, s, len);
			assert_true(add(&set, 3, selector, matching,
				matching ? hash : s,
				matching ? matching * 32 : len));
			assert_true(tlsa_matches(&set, TLSA_EE, &c));
			assert_false(tlsa_matches(&set, TLSA_TA, &c));
			set.octets[0] ^= 1;
			assert_false(tlsa_matches(&set, TLSA_EE, &c));
		}
}

static void
records_that_cannot_be_used(void **state)
{
	static unsigned char const zero[70];
	static struct tlsa_set set;

	(void)state;
	set.count = set.used = 0;
	assert_false(add(&set, 0, 1, 1, zero, 32));
	assert_false(add(&set, 1, 1, 1, zero, 32));
	assert_false(add(&set, 4, 1, 1, zero, 32));
	assert_false(add(&set, 3, 2, 1, zero, 32));
	assert_false(add(&set, 3, 1, 3, zero, 32));
	assert_false(add(&set, 3, 1, 1, zero, 31));
	assert_false(add(&set, 3, 1, 2, zero, 32));
	assert_false(add(&set, 3, 1, 0, zero, 0));
	assert_int_equal(set.count, 0);
	for (int i = 0; i < TLSA_RECORDS_MAX; i++)
		assert_true(add(&set, 3, 1, 1, zero, 32));
	assert_false(add(&set, 3, 1, 1, zero, 32));
}

static void
weaker_digests_do_not_count_beside_stronger_ones(void **state)
{
	static unsigned char const zero[64];
	static struct tlsa_set set;

	(void)state;
	set.count = set.used = 0;
	assert_true(add(&set, 3, 1, 1, zero, 32));
	assert_true(add(&set, 3, 1, 2, zero, 64));
	assert_true(add(&set, 3, 0, 1, zero, 32)); /* another selector */
	assert_true(add(&set, 2, 1, 1, zero, 32)); /* another usage */
	assert_true(add(&set, 3, 1, 0, zero, 5));
	tlsa_settle(&set);
	assert_int_equal(set.count, 4);
	assert_int_equal(set.list[0].matching, TLSA_SHA512);
}

static bool
policy(char const *text, size_t len, struct tlspolicy *p)
{
	char *s = exact(text, len);
	bool ok = tlspolicy_parse(s, len, p);

	free(s);
	return ok;
}
#define POLICY(text, p) policy(text, sizeof text - 1, p)

static void
entries_of_the_table(void **state)
{
	static struct tlspolicy p;

	(void)state;
	assert_true(POLICY("none", &p) && p.level == TLSPOLICY_NONE);
	assert_true(POLICY("may", &p) && p.level == TLSPOLICY_MAY);
	assert_true(POLICY("must", &p) && p.level == TLSPOLICY_MUST);
	assert_true(POLICY("verify", &p) && p.name_count == 0);
	assert_true(POLICY("verify\0a.b\0c", &p) && p.name_count == 2);
	assert_string_equal(p.names[1], "c");
	assert_true(POLICY("pin\0"
			   "00112233445566778899aabbccddeeff"
			   "00112233445566778899AABBCCDDEEFF",
		&p));
	assert_int_equal(p.pins[0][31], 0xff);
	assert_false(POLICY("", &p));
	assert_false(POLICY("mus", &p));
	assert_false(POLICY("must\0x", &p));
	assert_false(POLICY("pin", &p));
	assert_false(POLICY("pin\0"
			    "00",
		&p));
	assert_false(POLICY("verify\0a..b", &p));
	assert_false(POLICY("verify\0a\0b\0c\0d\0e\0f\0g\0h\0i", &p));
}

static bool
does_without(char const *text)
{
	size_t len = strlen(text);
	char *s = exact(text, len);
	bool no = tlsrequired_is_no(s, len);

	free(s);
	return no;
}

static void
message_that_does_without_tls(void **state)
{
	(void)state;
	assert_true(does_without("A: b\r\nTLS-Required: No\r\n\r\n"));
	assert_true(does_without("tls-required:\tno \n"));
	assert_true(does_without("TLS-Required:No"));
	assert_false(does_without("TLS-Required: Not\r\n"));
	assert_false(does_without("TLS-Required: Yes\r\n"));
	assert_false(does_without("A: b\r\n TLS-Required: No\r\n"));
	assert_false(does_without("A: b\r\n\r\nTLS-Required: No\r\n"));
	assert_false(does_without(""));
}

static void
addresses_to_call_from(void **state)
{
	static char const text[] = "192.0.2.1 a.test\n192.0.2.2 b.test\n"
				   "192.0.2.3 c.test x.test  Y.test\n"
				   "2001:db8::1 d.test\n";
	static struct outgoing o;
	struct outgoing_choice c;

	(void)state;
	assert_true(outgoing_parse(text, sizeof text - 1, &o));
	assert_int_equal(o.count, 4);
	c = outgoing_choose(&o, "u@else.test", 11, 0);
	assert_string_equal(c.four->name, "a.test");
	assert_string_equal(c.six->name, "d.test");
	c = outgoing_choose(&o, "u@else.test", 11, 1);
	assert_string_equal(c.four->name, "b.test");
	c = outgoing_choose(&o, "u@y.TEST", 8, 5);
	assert_string_equal(c.four->name, "c.test");
	assert_null(c.six);
	c = outgoing_choose(&o, "", 0, 2);
	assert_string_equal(c.four->name, "a.test");
	assert_ptr_equal(outgoing_for(&c, 16), c.six);
	assert_false(outgoing_parse("x y\n", 4, &o));
	assert_false(outgoing_parse("192.0.2.1\n", 10, &o));
	assert_false(outgoing_parse("192.0.2.1 a..b\n", 15, &o));
	assert_true(outgoing_parse("", 0, &o) && o.count == 0);
	c = outgoing_choose(&o, "u@y.test", 8, 5);
	assert_true(c.four == NULL && c.six == NULL);
}

static void
name_and_password(void **state)
{
	static struct login_out l;

	(void)state;
	assert_true(login_out_parse("me\0it", 5, &l));
	assert_string_equal(l.user, "me");
	assert_string_equal(l.password, "it");
	assert_false(login_out_parse("me", 2, &l));
	assert_false(login_out_parse("me\0", 3, &l));
	assert_false(login_out_parse("\0it", 3, &l));
	assert_false(login_out_parse("me\0it\0x", 7, &l));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(key_is_found),
		cmocka_unit_test(record_matches),
		cmocka_unit_test(records_that_cannot_be_used),
		cmocka_unit_test(
			weaker_digests_do_not_count_beside_stronger_ones),
		cmocka_unit_test(entries_of_the_table),
		cmocka_unit_test(message_that_does_without_tls),
		cmocka_unit_test(addresses_to_call_from),
		cmocka_unit_test(name_and_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
