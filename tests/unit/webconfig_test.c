/* common/admin/webconfig: what is escaped, and what is left out. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "common/admin/webconfig.h"

static void
test_escape(void **state)
{
	static char const in[] = "a<b>&\"c'\x01\n\xc3\xa9";
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	assert_true(webconfig_escape(&sa, in, sizeof in - 1));
	assert_true(stralloc_append(&sa, '\0'));
	assert_string_equal(sa.s, "a&lt;b&gt;&amp;&quot;c&apos;??\xc3\xa9");
	stralloc_free(&sa);
}

static void
set(struct config *c, char const *text)
{
	struct faults f = {0};
	char *s = strdup(text);

	assert_non_null(s);
	*c = (struct config){.folder = ""};
	assert_true(values_of_text(&c->values, s, strlen(s), &f));
	assert_int_equal(f.count, 0);
}

static bool
has(stralloc *sa, char const *what)
{
	return memmem(sa->s, sa->len, what, strlen(what)) != NULL;
}

static void
test_what_listens(void **state)
{
	struct config c;
	stralloc sa = STRALLOC_ZERO;

	(void)state;
	set(&c, "hostname mx.example\nlisten-imaps \nlisten-imap "
		"0.0.0.0:1143\nlisten-pop3 \nlisten-pop3s \n");
	assert_true(webconfig_thunderbird(&c, "example", &sa));
	assert_true(has(&sa, "<port>1143</port>\n      "
			     "<socketType>STARTTLS</socketType>"));
	assert_true(has(&sa, "<port>465</port>\n      "
			     "<socketType>SSL</socketType>"));
	assert_false(has(&sa, "pop3"));
	sa.len = 0;
	assert_true(webconfig_outlook(&c, "example", &sa));
	assert_true(has(&sa, "<Encryption>TLS</Encryption>"));
	assert_false(has(&sa, "POP3"));
	sa.len = 0;
	assert_true(webconfig_apple(&c, "example", &sa));
	assert_true(has(&sa, "<integer>1143</integer>"));
	stralloc_free(&sa);
	values_free(&c.values);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_what_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
