/* mime/unwrap: messages in base64 in messages, and when they are left. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "mime/encode.h"
#include "mime/unwrap.h"

#define BASE64                                                                 \
	"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"

static struct message m;

/* "depth type" of each part. */
static void
is_tree(char const *wanted)
{
	char got[2000] = "";

	for (size_t i = 0; i < m.count; i++) {
		char type[STRUCTURE_TYPE_MAX];
		size_t const at = strlen(got);

		structure_type(m.text.s, &m.parts[i], type);
		(void)snprintf(got + at, sizeof got - at, "%u %s%s\n",
			m.parts[i].depth, type,
			m.parts[i].opaque ? " opaque" : "");
	}
	assert_string_equal(got, wanted);
}

static void
unwrap(stralloc const *text)
{
	assert_true(stralloc_copyb(&m.text, text->s, text->len));
	m.count = structure_parse(
		m.text.s, m.text.len, m.parts, STRUCTURE_PARTS_MAX);
	assert_true(message_unwrap(&m));
}

static void
wrap(stralloc *text)
{
	stralloc out = STRALLOC_ZERO;

	assert_true(stralloc_cats(&out, BASE64));
	assert_true(encode_base64(&out, text->s, text->len));
	stralloc_free(text);
	*text = out;
}

static void
a_message_twice_encoded(void **state)
{
	stralloc text = STRALLOC_ZERO;
	stralloc number = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_cats(&text,
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\n"
		"Content-Type: image/png\n\ny\n--b--\n"));
	wrap(&text);
	wrap(&text);
	unwrap(&text);
	is_tree("0 message/rfc822\n1 message/rfc822\n2 multipart/mixed\n"
		"3 text/plain\n3 image/png\n");
	assert_memory_equal(m.text.s + m.parts[4].body_offset, "y", 1);
	assert_int_equal(m.parts[4].parent, 2);
	assert_int_equal(m.parts[3].next, 4);
	assert_true(message_number(&m, 4, &number));
	assert_memory_equal(number.s, "1.1.2", number.len);
	stralloc_free(&number);
	stralloc_free(&text);
}

static void
what_is_behind_it_stays(void **state)
{
	stralloc text = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_cats(&text,
		"Content-Type: multipart/mixed; boundary=b\n\n--b\n" BASE64
		"QTogYgoKYm9keQo=\n--b\nContent-Type: "
		"text/html\n\nz\n--b--\n"));
	unwrap(&text);
	is_tree("0 multipart/mixed\n1 message/rfc822\n2 text/plain\n"
		"1 text/html\n");
	assert_int_equal(m.parts[1].next, 3);
	assert_int_equal(m.parts[3].parent, 0);
	assert_memory_equal(m.text.s + m.parts[2].body_offset, "body\n", 5);
	assert_memory_equal(m.text.s + m.parts[3].body_offset, "z", 1);
	stralloc_free(&text);
}

static void
too_much_is_left(void **state)
{
	stralloc text = STRALLOC_ZERO;

	(void)state;
	assert_true(stralloc_cats(
		&text, "Content-Type: multipart/mixed; boundary=b\n\n"));
	for (int i = 0; i < UNWRAP_MAX + 1; i++)
		assert_true(stralloc_cats(
			&text, "--b\n" BASE64 "QTogYgoKYm9keQo=\n"));
	unwrap(&text);
	assert_int_equal(m.count, 1 + 2 * UNWRAP_MAX + 1);
	assert_true(m.parts[m.count - 1].opaque);
	assert_false(m.parts[m.count - 2].opaque);
	stralloc_free(&text);
	stralloc_free(&m.text);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(a_message_twice_encoded),
		cmocka_unit_test(what_is_behind_it_stays),
		cmocka_unit_test(too_much_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
