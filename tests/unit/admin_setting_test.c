/* common/admin/setting: values and their normal forms. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "common/admin/setting.h"
#include "common/admin/values.h"

static struct {
	char const *key, *value, *wanted; /* NULL: refused */
} const values[] = {
	{"hostname", "Mail.Example.ORG", "mail.example.org"},
	{"hostname", "", NULL},
	{"hostname", "[192.0.2.1]", NULL},
	{"hostname", "a b", NULL},
	{"hostname", "-a.org", NULL},
	{"remote-hello", "", ""},
	{"state", "/var/lib/x/", "/var/lib/x"},
	{"state", "var", NULL},
	{"state", "/a/../b", NULL},
	{"state", "/a/..", NULL},
	{"state", "/a'b", NULL},
	{"state", "/a$(b)", NULL},
	{"state", "", NULL},
	{"checkpassword", "", ""},
	{"checkpassword", "/usr/bin/check", "/usr/bin/check"},
	{"account-queue", "kr-queue", "kr-queue"},
	{"account-queue", "1000:1001", "1000:1001"},
	{"account-queue", "", NULL},
	{"account-queue", "-x", NULL},
	{"account-queue", "a b", NULL},
	{"mailbox-uids", "1000-2000", "1000-2000"},
	{"mailbox-uids", "2000-1000", NULL},
	{"mailbox-uids", "0-1000", NULL},
	{"mailbox-uids", "1-4294967295", NULL},
	{"mailbox-uids", "1-", NULL},
	{"listen-smtp", "", ""},
	{"listen-smtp", "192.0.2.1:25", "192.0.2.1:25"},
	{"listen-smtp", "192.0.2.1:025 \t [2001:DB8:0::1]:25",
		"192.0.2.1:25 [2001:db8::1]:25"},
	{"listen-smtp", "192.0.2.1", NULL},
	{"listen-smtp", "192.0.2.1:0", NULL},
	{"listen-smtp", "192.0.2.1:65536", NULL},
	{"listen-smtp", "192.0.2.1:", NULL},
	{"listen-smtp", "2001:db8::1:25", NULL},
	{"listen-smtp", "[2001:db8::1]", NULL},
	{"listen-smtp", "[]:25", NULL},
	{"listen-smtp", "[:25", NULL},
	{"listen-smtp", "example.org:25", NULL},
	{"connections-max", "7", "7"},
	{"connections-max", "0", NULL},
	{"connections-max", "16385", NULL},
	{"connections-max", "7k", NULL},
	{"connections-max", "-7", NULL},
	{"connections-max", "", NULL},
	{"message-size-max", "100k", "102400"},
	{"message-size-max", "1M", "1048576"},
	{"message-size-max", "4G", NULL},
	{"message-size-max", "99999999999999999999", NULL},
	{"message-size-max", "18446744073709551615G", NULL},
	{"message-size-max", "1MB", NULL},
	{"queue-lifetime", "5d", "432000"},
	{"queue-lifetime", "90", "90"},
	{"queue-lifetime", "1w", "604800"},
	{"queue-lifetime", "0", NULL},
	{"queue-lifetime", "5 d", NULL},
	{"proxy-from", "", ""},
	{"proxy-from", "192.0.2.0/24  2001:db8::/32",
		"192.0.2.0/24 2001:db8::/32"},
	{"proxy-from", "192.0.2.1/24", NULL},
	{"proxy-from", "all", NULL},
	{"repair-lines", "yes", "1"},
	{"repair-lines", "no", "0"},
	{"repair-lines", "maybe", NULL},
	{"repair-lines", "", NULL},
	{"tls-certificates", "", ""},
	{"tls-certificates", "a.pem   /b.pem", "a.pem /b.pem"},
};

static void
normal_forms(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
		struct setting const *s = setting_find(values[i].key);
		stralloc sa = STRALLOC_ZERO;
		char const *why = NULL;
		bool ok;
		assert_non_null(s);
		ok = setting_normal(s, values[i].value, &sa, &why);
		if (ok != (values[i].wanted != NULL))
			fail_msg("%s \"%s\"", values[i].key, values[i].value);
		if (ok) {
			assert_string_equal(sa.s, values[i].wanted);
			assert_int_equal(sa.len, strlen(sa.s) + 1);
		} else {
			assert_non_null(why);
		}
		stralloc_free(&sa);
	}
}

static void
defaults_are_right(void **state)
{
	(void)state;
	assert_true(setting_count <= VALUES_MAX);
	for (size_t i = 0; i < setting_count; i++) {
		struct setting const *s = &setting_table[i];
		stralloc sa = STRALLOC_ZERO;
		char const *why;
		assert_ptr_equal(setting_find(s->key), s);
		if (s->initial != NULL)
			assert_true(setting_normal(s, s->initial, &sa, &why));
		stralloc_free(&sa);
	}
	assert_null(setting_find("nonsense"));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(normal_forms),
		cmocka_unit_test(defaults_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
