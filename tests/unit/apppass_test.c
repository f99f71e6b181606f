/* Passwords that a program has instead of its user's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/apppass.h"

static bool
normal(char const *s, char out[APPPASS_LEN + 1])
{
	size_t len = strlen(s);
	char *copy = malloc(len > 0 ? len : 1);
	bool r;

	memcpy(copy, s, len);
	r = apppass_normal(copy, len, out);
	free(copy);
	return r;
}

static void
what_people_add_is_taken_off(void **state)
{
	char out[APPPASS_LEN + 1], shown[APPPASS_SHOWN_SIZE];

	(void)state;
	assert_true(normal("abcd-efgh-ijkl-mnop-qrst-uv23", out));
	assert_string_equal(out, "abcdefghijklmnopqrstuv23");
	apppass_show(out, shown);
	assert_string_equal(shown, "abcd-efgh-ijkl-mnop-qrst-uv23");
	assert_true(normal("ABCDEFGH ijkl-mnopqrstuv-23 ", out));
	assert_string_equal(out, "abcdefghijklmnopqrstuv23");
	assert_false(normal("abcd-efgh-ijkl-mnop-qrst-uv2", out));
	assert_false(normal("abcd-efgh-ijkl-mnop-qrst-uv234", out));
	assert_false(normal("abcd-efgh-ijkl-mnop-qrst-uv10", out));
	assert_false(normal("", out));
	assert_false(apppass_normal("\0bcdefghijklmnopqrstuv23", 24, out));
}

static void
services_are_known_ones(void **state)
{
	char out[APPPASS_SERVICES_SIZE];

	(void)state;
	assert_true(apppass_services("smtp,imap,submit", out));
	assert_string_equal(out, "submit,imap");
	assert_true(apppass_allows(out, "imap", 4));
	assert_true(apppass_allows(out, "submit", 6));
	assert_false(apppass_allows(out, "pop3", 4));
	assert_false(apppass_allows(out, "ima", 3));
	assert_false(apppass_allows(out, "", 0));
	assert_true(apppass_services("pop3,sieve,imap,submit,smtp", out));
	assert_string_equal(out, "pop3,sieve,imap,submit");
	assert_true(apppass_services("*", out));
	assert_true(apppass_allows(out, "pop3", 4));
	assert_false(apppass_services("", out));
	assert_false(apppass_services("imap,", out));
	assert_false(apppass_services("imap,ftp", out));
}

static void
names(void **state)
{
	(void)state;
	assert_true(apppass_is_name("Phone-2.home_x", 14));
	assert_false(apppass_is_name("", 0));
	assert_false(apppass_is_name("a b", 3));
	assert_false(apppass_is_name("#a", 2));
	assert_false(apppass_is_name(
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", APPPASS_NAME_SIZE));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(what_people_add_is_taken_off),
		cmocka_unit_test(services_are_known_ones),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
