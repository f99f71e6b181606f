/* Senders rewritten for forwarding, and undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/srs.h"

#define DAY UINT64_C(86400)
#define NOW (UINT64_C(20781) * DAY + 5)

static unsigned char const key[SRS_KEY_LEN] = "0123456789abcdef0123456789abcde";
static unsigned char const other_key[SRS_KEY_LEN] = "another";

static size_t
forward(unsigned char const *with, char const *text, char const *own,
	char out[SRS_ADDRESS_SIZE])
{
	size_t len = strlen(text), n;
	char *copy = malloc(len);
	enum addr_error error;
	struct addr a;

	assert_non_null(copy);
	memcpy(copy, text, len);
	assert_true(addr_parse(
		copy, len, ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8, &a, &error));
	n = srs_forward(with, NOW, &a, own, out);
	free(copy);
	return n;
}

static enum srs_verdict
reverse(unsigned char const *with, uint64_t now, char const *address,
	char out[SRS_ADDRESS_SIZE])
{
	size_t len = (size_t)(strrchr(address, '@') - address), n;
	char *copy = malloc(len);
	enum srs_verdict verdict;

	assert_non_null(copy);
	memcpy(copy, address, len);
	verdict = srs_reverse(with, now, copy, len, out, &n);
	assert_int_equal(n, strlen(out));
	free(copy);
	return verdict;
}

static void
what_is_made_is_undone(void **state)
{
	static char const *const senders[] = {"alice@example.org",
		"Alice.X+y@Example.ORG", "a=b=c@example.org",
		"\"a b\"@example.org", "\"a\\\"b\"@example.org",
		"j\xc3\xbcrgen@example.org", "SRS0@example.org",
		"srs0x=@example.org", "SRS1=x=bad_host==y@example.org"};
	char made[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE];
	enum addr_error error;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
		size_t len = forward(key, senders[i], "own.test", made);
		assert_true(len > 0 && len == strlen(made));
		assert_true(addr_parse(made, len,
			ADDR_ALLOW_LONG | ADDR_ALLOW_UTF8, &a, &error));
		assert_true(srs_is_form(a.local, a.local_len));
		assert_string_equal(strrchr(made, '@'), "@own.test");
		assert_int_equal(reverse(key, NOW, made, back), SRS_FINE);
		assert_string_equal(back, senders[i]);
		/* Hosts on the way may change the case. */
		for (size_t k = 0; k < len; k++)
			if (made[k] >= 'A' && made[k] <= 'Z')
				made[k] = (char)(made[k] + ('a' - 'A'));
		assert_int_equal(reverse(key, NOW, made, back), SRS_FINE);
	}
}

static void
its_form(void **state)
{
	char made[SRS_ADDRESS_SIZE];

	(void)state;
	(void)forward(key, "alice@example.org", "own.test", made);
	assert_memory_equal(made, "SRS0=", 5);
	assert_memory_equal(made + 11, "=", 1);
	assert_string_equal(made + 14, "=example.org=alice@own.test");
	assert_true(srs_is_form("SRS0=x", 6) && srs_is_form("srs1+x", 6) &&
		    srs_is_form("SRS0-", 5));
	assert_false(srs_is_form("SRS2=x", 6) || srs_is_form("SRS0", 4) ||
		     srs_is_form("xSRS0=", 6) || srs_is_form("", 0));
}

static void
it_is_good_for_some_days_only(void **state)
{
	char made[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE];

	(void)state;
	(void)forward(key, "alice@example.org", "own.test", made);
	assert_int_equal(
		reverse(key, NOW + SRS_DAYS_MAX * DAY, made, back), SRS_FINE);
	assert_int_equal(
		reverse(key, NOW + (SRS_DAYS_MAX + 1) * DAY, made, back),
		SRS_EXPIRED);
	/* The day of tomorrow is nobody's. */
	assert_int_equal(reverse(key, NOW - 2 * DAY, made, back), SRS_EXPIRED);
}

static void
nobody_else_makes_one(void **state)
{
	static char const *const forged[] = {"SRS0=AAAAAA=AA=example.org=a@x",
		"SRS0==AA=example.org=a@x", "SRS0=AAAAAA=AA=example.org=@x",
		"SRS0=@x", "SRS1=@x", "SRS1=AAAAAA=b.test=@x",
		"SRS1=AAAAAA=b.test==x@x", "alice@x", "\"SRS0=\"@x", "\"@x"};
	char made[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE], changed;

	(void)state;
	for (size_t i = 0; i < sizeof forged / sizeof *forged; i++)
		assert_int_equal(
			reverse(key, NOW, forged[i], back), SRS_FORGED);
	(void)forward(key, "alice@example.org", "own.test", made);
	assert_int_equal(reverse(other_key, NOW, made, back), SRS_FORGED);
	for (size_t i = 5; made[i] != '@'; i++) {
		changed = made[i];
		made[i] = changed == 'x' ? 'y' : 'x';
		assert_int_not_equal(reverse(key, NOW, made, back), SRS_FINE);
		made[i] = changed;
	}
}

static void
a_chain_gets_no_longer(void **state)
{
	char first[SRS_ADDRESS_SIZE], second[SRS_ADDRESS_SIZE],
		third[SRS_ADDRESS_SIZE], back[SRS_ADDRESS_SIZE];

	(void)state;
	(void)forward(other_key, "alice@example.org", "one.test", first);
	(void)forward(key, first, "own.test", second);
	assert_memory_equal(second, "SRS1=", 5);
	assert_memory_equal(second + 11, "=one.test==", 11);
	assert_int_equal(reverse(key, NOW, second, back), SRS_FINE);
	assert_string_equal(back, first);
	/* Another behind us: what comes back goes to the first at once. */
	(void)forward(other_key, second, "three.test", third);
	assert_int_equal(strlen(third), strlen(second) + 2);
	assert_int_equal(reverse(other_key, NOW, third, back), SRS_FINE);
	assert_string_equal(back, first);
	/* They need no day: it is the first one's. */
	assert_int_equal(reverse(key, NOW + 100 * DAY, second, back), SRS_FINE);
}

static void
what_does_not_fit_is_not_made(void **state)
{
	char made[SRS_ADDRESS_SIZE], sender[214], own[300];

	(void)state;
	assert_int_equal(forward(key, "a@[192.0.2.1]", "own.test", made), 0);
	memset(sender, 'a', sizeof sender);
	memcpy(sender + sizeof sender - 13, "@example.org", 13);
	assert_true(forward(key, sender, "own.test", made) > 0);
	memset(own, 'o', sizeof own - 1);
	own[sizeof own - 1] = '\0';
	assert_int_equal(forward(key, sender, own, made), 0);
	assert_string_equal(made, "");
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_is_made_is_undone),
		cmocka_unit_test(its_form),
		cmocka_unit_test(it_is_good_for_some_days_only),
		cmocka_unit_test(nobody_else_makes_one),
		cmocka_unit_test(a_chain_gets_no_longer),
		cmocka_unit_test(what_does_not_fit_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
