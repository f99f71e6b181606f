/* Lists of mailboxes in a setting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/namelist.h"

static bool
holds(char const *list, char const *address)
{
	size_t len = strlen(address);
	char *copy = malloc(len > 0 ? len : 1);
	bool r;

	memcpy(copy, address, len);
	r = namelist_holds(list, copy, len);
	free(copy);
	return r;
}

static void
a_list_holds_addresses_domains_or_all(void **state)
{
	(void)state;
	assert_false(holds(NULL, "a@b.test"));
	assert_false(holds("", "a@b.test"));
	assert_true(holds("*", "a@b.test"));
	assert_true(holds("x@y.test a@b.test", "a@b.test"));
	assert_false(holds("xa@b.test a@b.tes", "a@b.test"));
	assert_true(holds("@b.test", "a@b.test"));
	assert_false(holds("@b.test", "a@sub.b.test"));
	assert_false(holds("@b.test", "a@b.testing"));
	assert_false(holds("@b.test", "ab.test"));
	assert_false(holds("@b.test", ""));
}

static void
items_are_addresses_domains_or_a_star(void **state)
{
	static struct {
		char const *s;
		bool wanted;
	} const t[] = {{"*", true}, {"a@b.test", true}, {"@b.test", true},
		{"a", false}, {"**", false}, {"a@", false}, {"@", false},
		{"a@[192.0.2.1]", false}, {"a@b..c", false}};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		assert_int_equal(
			namelist_is_item(t[i].s, strlen(t[i].s)), t[i].wanted);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_list_holds_addresses_domains_or_all),
		cmocka_unit_test(items_are_addresses_domains_or_a_star),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
