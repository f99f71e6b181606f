/* verp.h: what is made is read back; the fields of one-click. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/verp.h"
#include "exact.h"

#define L10 "0123456789"
#define L60 L10 L10 L10 L10 L10 L10

static struct {
	char const *name, *sender, *recipient, *made, *read;
} const cases[] = {
	{"plain", "list-bounces@a.test", "bob@b.test",
		"list-bounces+bob=b.test@a.test", "bob@b.test"},
	{"a detail and an = of the recipient's own", "l-bounces@a.test",
		"bob+x=y@b.test", "l-bounces+bob+x=y=b.test@a.test",
		"bob+x=y@b.test"},
	{"quotes go around all", "l-bounces@a.test", "\"a b\"@b.test",
		"\"l-bounces+a b=b.test\"@a.test", "\"a b\"@b.test"},
	{"quotes inside stay escaped", "l-bounces@a.test", "\"a\\\"b\"@b.test",
		"\"l-bounces+a\\\"b=b.test\"@a.test", "\"a\\\"b\"@b.test"},
	{"an address literal", "l-bounces@a.test", "bob@[192.0.2.1]",
		"\"l-bounces+bob=[192.0.2.1]\"@a.test", "bob@[192.0.2.1]"},
	{"beyond ASCII", "l-bounces@a.test", "gr\xc3\xbc\xc3\x9f@b.test",
		"l-bounces+gr\xc3\xbc\xc3\x9f=b.test@a.test",
		"gr\xc3\xbc\xc3\x9f@b.test"},
	{"more than 64 octets of local part", "l-bounces@a.test", L60 "@b.test",
		"l-bounces+" L60 "=b.test@a.test", L60 "@b.test"},
	{"too long for a path", "l-bounces@a.test", L60 L60 L60 L60 "@b.test",
		"", NULL},
	{"a quoted sender", "\"l bounces\"@a.test", "bob@b.test", "", NULL},
	{"a sender with a detail", "l+x@a.test", "bob@b.test", "", NULL},
	{"no sender", "", "bob@b.test", "", NULL},
	{"no domain", "l-bounces@a.test", "postmaster", "", NULL},
};

static void
made_is_read_back(void **state)
{
	char made[VERP_SIZE], read[VERP_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *sender = exact(cases[i].sender, strlen(cases[i].sender));
		char *to =
			exact(cases[i].recipient, strlen(cases[i].recipient));
		size_t len = verp_make(sender, strlen(cases[i].sender), to,
			strlen(cases[i].recipient), made);
		free(sender);
		free(to);
		if (len != strlen(cases[i].made) ||
			memcmp(made, cases[i].made, len) != 0)
			fail_msg("%s: %.*s", cases[i].name, (int)len, made);
		if (len == 0)
			continue;
		char const *at = strrchr(cases[i].made, '@');
		size_t n = (size_t)(at - cases[i].made);
		char *local = malloc(n);
		assert_non_null(local);
		memcpy(local, made, n);
		len = verp_read(local, n, read);
		free(local);
		if (len == 0 || strcmp(read, cases[i].read) != 0)
			fail_msg("%s is not read back", cases[i].name);
	}
}

static void
others_are_not_read(void **state)
{
	static char const *const others[] = {"", "bob", "l-bounces",
		"l-bounces+", "l-bounces+bob",
		"l-bounces+=", "l-bounces+bob=", "+bob=b.test", "\"", "\"\"",
		"l+a\x01=b", "l+bob=-", "l+bob=b..test"};
	char read[VERP_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		char *s = exact(others[i], strlen(others[i]));
		if (verp_read(s, strlen(others[i]), read) != 0)
			fail_msg("%s is read as %s", others[i], read);
		free(s);
	}
}

static void
fields_are_made(void **state)
{
	char out[VERP_FIELDS_MAX];
	static char const with[] =
		"List-Unsubscribe: <https://a.test/u?tok_-1>,\r\n"
		"\t<mailto:l%2Fx-unsubscribe@a.test>\r\n"
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
	static char const without[] =
		"List-Unsubscribe: <https://a.test/u?tok_-1>\r\n"
		"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";

	(void)state;
	assert_int_equal(verp_fields("https://a.test/u?", 17, "tok_-1", 6,
				 "l/x-bounces@a.test", 18, out),
		sizeof with - 1);
	assert_memory_equal(out, with, sizeof with - 1);
	assert_int_equal(verp_fields("https://a.test/u?", 17, "tok_-1", 6,
				 "-bounces@a.test", 15, out),
		sizeof without - 1);
	assert_memory_equal(out, without, sizeof without - 1);
}

/* The longest of all still fit. */
static void
fields_have_room(void **state)
{
	char out[VERP_FIELDS_MAX], url[300], token[64], sender[256];

	(void)state;
	memset(url, 'u', sizeof url);
	memset(token, 't', sizeof token);
	memset(sender, '/', ADDR_PATH_MAX);
	memcpy(sender + ADDR_PATH_MAX - 15, "-bounces@a.test", 15);
	assert_true(verp_fields(url, sizeof url, token, sizeof token, sender,
			    ADDR_PATH_MAX, out) > 1000);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(made_is_read_back),
		cmocka_unit_test(others_are_not_read),
		cmocka_unit_test(fields_are_made),
		cmocka_unit_test(fields_have_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
