/* mime/spamtext.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "mime/spamtext.h"

static struct message message;

static bool
count(void *arg, bool is_html, char *s, size_t len)
{
	unsigned *counts = arg;

	(void)s;
	(void)len;
	counts[is_html]++;
	return true;
}

/* The text of s, NUL-ended, in a static stralloc. */
static char const *
text_of(char const *s, unsigned counts[2])
{
	static stralloc out;

	counts[0] = counts[1] = 0;
	message.text.len = 0;
	assert_true(stralloc_copyb(&message.text, s, strlen(s)));
	message.count = structure_parse(message.text.s, message.text.len,
		message.parts, STRUCTURE_PARTS_MAX);
	out.len = 0;
	assert_true(spamtext_make(&message, &out, count, counts));
	assert_true(stralloc_append(&out, '\0'));
	return out.s;
}

static void
decoded(void **state)
{
	unsigned n[2];
	char const *s = text_of("From: =?utf-8?q?caf=C3=A9?= <a@b>\r\n"
				"X-Spam: yes\r\nX-Spam-Flag: YES\r\n"
				"Authentication-Results: x; spf=pass\r\n"
				"Content-Type: text/plain; charset=latin1\r\n"
				"Content-Transfer-Encoding: base64\r\n\r\n"
				"YnV5IGl0IGNhZuk=\r\n",
		n);

	(void)state;
	assert_non_null(strstr(s, "From: caf\xc3\xa9 <a@b>\n"));
	assert_non_null(strstr(s, "\n\nbuy it caf\xc3\xa9"));
	assert_null(strstr(s, "X-Spam"));
	assert_null(strstr(s, "spf=pass"));
	assert_null(strstr(s, "base64"));
	assert_int_equal(n[0], 1);
}

static void
parts(void **state)
{
	unsigned n[2];
	char const *s = text_of("Subject: BUY!\r\nContent-Type: "
				"multipart/mixed; boundary=b\r\n\r\n"
				"--b\r\n\r\nplain words\r\n"
				"--b\r\nContent-Type: text/html\r\n\r\n"
				"<b>bold</b>\r\n"
				"--b\r\nContent-Type: image/png; name=x.png\r\n"
				"Content-Transfer-Encoding: base64\r\n\r\n"
				"AAAA\r\n--b--\r\n",
		n);

	(void)state;
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 1);
	assert_non_null(strstr(s, "plain words"));
	assert_non_null(strstr(s, "<b>bold</b>"));
	assert_non_null(strstr(s, "name=x.png"));
	assert_null(strstr(s, "AAAA"));
	assert_non_null(strstr(s, "subjcaps"));
}

static void
hostile(void **state)
{
	unsigned n[2];

	(void)state;
	(void)text_of("", n);
	(void)text_of("\n", n);
	(void)text_of(":\n\n", n);
	(void)text_of("Subject:", n);
	(void)text_of("Content-Type: multipart/mixed; boundary=b\n\n--b", n);
	(void)text_of("Content-Type: text/html\n\n<a", n);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(decoded),
		cmocka_unit_test(parts),
		cmocka_unit_test(hostile),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	stralloc_free(&message.text);
	return failed;
}
