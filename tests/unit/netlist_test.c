/* common/netlist: networks in a setting. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "common/netlist.h"

static struct {
	char const *text;
	bool wanted;
} const networks[] = {
	{"192.0.2.0/24", true},
	{"192.0.2.1", true},
	{"192.0.2.1/32", true},
	{"0.0.0.0/0", true},
	{"192.0.2.1/24", false},
	{"192.0.2.0/33", false},
	{"192.0.2.0/", false},
	{"192.0.2.0/2x", false},
	{"192.0.2/24", false},
	{"/24", false},
	{"", false},
	{"2001:db8::/32", true},
	{"2001:db8::1/32", false},
	{"2001:db8::/129", false},
	{"::/0", true},
	{"example.org", false},
};

static void
networks_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
		size_t len = strlen(networks[i].text);
		char *s = malloc(len + 1);

		print_message("%s\n", networks[i].text);
		assert_non_null(s);
		memcpy(s, networks[i].text, len);
		s = realloc(s, len > 0 ? len : 1);
		assert_non_null(s);
		assert_int_equal(
			netlist_is_network(s, len), networks[i].wanted);
		free(s);
	}
}

static struct {
	char const *list, *address;
	bool wanted;
} const pairs[] = {
	{"192.0.2.0/24", "192.0.2.7", true},
	{"192.0.2.0/24", "192.0.3.7", false},
	{"192.0.2.0/25", "192.0.2.127", true},
	{"192.0.2.0/25", "192.0.2.128", false},
	{"192.0.2.7", "192.0.2.7", true},
	{"192.0.2.7", "192.0.2.8", false},
	{"0.0.0.0/0", "203.0.113.1", true},
	{"0.0.0.0/0", "2001:db8::1", false},
	{"::/0", "192.0.2.1", false},
	{"198.51.100.0/24 2001:db8::/32", "2001:db8:1::1", true},
	{"198.51.100.0/24 2001:db8::/32", "2001:db9::1", false},
	{"192.0.2.0/24", "::ffff:192.0.2.1", true},
	{"nonsense 192.0.2.0/24", "192.0.2.1", true},
	{"", "192.0.2.1", false},
	{NULL, "192.0.2.1", false},
	{"0.0.0.0/0", "unknown", false},
};

static void
addresses_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		print_message("%s\n", pairs[i].address);
		assert_int_equal(netlist_holds(pairs[i].list, pairs[i].address),
			pairs[i].wanted);
	}
}

static struct {
	char const *text;
	unsigned char first[16], last[16];
} const ranges[] = {
	{"192.0.2.0/24", {[10] = 0xff, 0xff, 192, 0, 2, 0},
		{[10] = 0xff, 0xff, 192, 0, 2, 255}},
	{"192.0.2.7", {[10] = 0xff, 0xff, 192, 0, 2, 7},
		{[10] = 0xff, 0xff, 192, 0, 2, 7}},
	{"10.1.2.3/9", {[10] = 0xff, 0xff, 10, 0, 0, 0},
		{[10] = 0xff, 0xff, 10, 127, 255, 255}},
	{"2001:db8::/120", {0x20, 0x01, 0x0d, 0xb8},
		{0x20, 0x01, 0x0d, 0xb8, [15] = 0xff}},
};

static void
ranges_are_those_of_the_networks(void **state)
{
	unsigned char range[32];

	(void)state;
	for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
		assert_true(netlist_range(
			ranges[i].text, strlen(ranges[i].text), range));
		assert_memory_equal(range, ranges[i].first, 16);
		assert_memory_equal(range + 16, ranges[i].last, 16);
	}
	assert_false(netlist_range("192.0.2.0/33", 12, range));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(networks_are_checked),
		cmocka_unit_test(ranges_are_those_of_the_networks),
		cmocka_unit_test(addresses_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
