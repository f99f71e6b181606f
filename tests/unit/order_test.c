/* order.c: which commands there are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "queue/order.h"

#define ID "0k3v9a2mj4xz7bqr"
#define NONE 99

static struct {
	char const *text;
	int verb;
	size_t count;
} const cases[] = {
	{"wake all", ORDER_WAKE_ALL, 0},
	{"wake example.org", ORDER_WAKE_DOMAIN, 0},
	{"wake " ID, ORDER_WAKE, 1},
	{"hold " ID " " ID, ORDER_HOLD, 2},
	{"release " ID, ORDER_RELEASE, 1},
	{"drop " ID, ORDER_DROP, 1},
	{"bounce " ID, ORDER_BOUNCE, 1},
	{"hold all", NONE, 0},
	{"hold", NONE, 0},
	{"hold " ID "  " ID, NONE, 0},
	{"wake", NONE, 0},
	{"wake a..b", NONE, 0},
	{"wake " ID " x", NONE, 0},
	{"drop ../../../etc/pass", NONE, 0},
	{"explode all", NONE, 0},
	{"", NONE, 0},
	{" wake all", NONE, 0},
};

static void
forms(void **state)
{
	static struct order c;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *copy = malloc(len > 0 ? len : 1);
		bool ok;
		memcpy(copy, cases[i].text, len);
		ok = order_parse(copy, len, &c);
		if (ok != (cases[i].verb != NONE) ||
			(ok && (c.verb != (enum order_verb)cases[i].verb ||
				       c.count != cases[i].count)))
			fail_msg("%s", cases[i].text);
		free(copy);
	}
	assert_false(order_parse(NULL, 0, &c));
}

static void
a_thousand_ids_and_no_more(void **state)
{
	static char text[(ORDER_IDS_MAX + 1) * (ID_LEN + 1) + 5] = "drop";
	static struct order c;
	size_t len = 4;

	(void)state;
	for (size_t i = 0; i < ORDER_IDS_MAX; i++) {
		text[len] = ' ';
		memcpy(text + len + 1, ID, ID_LEN);
		len += ID_LEN + 1;
	}
	assert_true(order_parse(text, len, &c));
	assert_int_equal(c.count, ORDER_IDS_MAX);
	text[len] = ' ';
	memcpy(text + len + 1, ID, ID_LEN);
	assert_false(order_parse(text, len + ID_LEN + 1, &c));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(a_thousand_ids_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
