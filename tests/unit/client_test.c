/* service.h: which clients count as one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include "common/monitor/service.h"

static struct client
client(char const *text)
{
	struct client c = {0};

	if (strchr(text, ':') != NULL) {
		assert_int_equal(inet_pton(AF_INET6, text, c.ip), 1);
	} else {
		c.ip[10] = c.ip[11] = 0xff;
		assert_int_equal(inet_pton(AF_INET, text, c.ip + 12), 1);
	}
	return c;
}

static void
one_v4_address_or_64_bits_of_v6_count_as_one(void **state)
{
	static struct {
		char const *a, *b;
		bool same;
	} const cases[] = {
		{"192.0.2.1", "192.0.2.1", true},
		{"192.0.2.1", "192.0.2.2", false},
		{"192.0.2.1", "::ffff:192.0.2.1", true},
		{"2001:db8::1", "2001:db8::ffff:1:2:3", true},
		{"2001:db8:0:1::1", "2001:db8:0:1:8000::", true},
		{"2001:db8:0:1::1", "2001:db8::1", false},
		{"2001:db8::1", "2001:db9::1", false},
		/* The v4-mapped ones share their first 64 bits with these. */
		{"::1", "192.0.2.1", false},
		{"192.0.2.1", "::1", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct client a = client(cases[i].a), b = client(cases[i].b);

		assert_int_equal(client_same(&a, &b), cases[i].same);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(one_v4_address_or_64_bits_of_v6_count_as_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
