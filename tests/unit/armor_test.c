/* mime/armor: blocks in texts, a block in HTML. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/armor.h"
#include "tests/unit/exact.h"

#define M "-----BEGIN PGP MESSAGE-----\n\nx\n-----END PGP MESSAGE-----\n"
#define S                                                                      \
	"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\ny\n"              \
	"-----BEGIN PGP SIGNATURE-----\n\nz\n-----END PGP SIGNATURE-----\n"

/* Of a text: the kinds of its blocks, and what is around them. */
static struct {
	char const *name, *text, *found;
} const cases[] = {
	{"nothing", "", ""},
	{"no block", "text\n", "text\n"},
	{"a message", M, "[m]"},
	{"a signed text", S, "[s]"},
	{"both, text around", "a\n" M "b\n" S "c", "a\n[m]b\n[s]c"},
	{"no end", "-----BEGIN PGP MESSAGE-----\nx\n",
		"-----BEGIN PGP MESSAGE-----\nx\n"},
	{"starts again", "-----BEGIN PGP MESSAGE-----\n" M,
		"-----BEGIN PGP MESSAGE-----\n[m]"},
	{"the end of another", "-----END PGP SIGNATURE-----\n",
		"-----END PGP SIGNATURE-----\n"},
	{"quoted", "> -----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----",
		"> -----BEGIN PGP MESSAGE-----\n-----END PGP MESSAGE-----"},
	{"blanks behind",
		"-----BEGIN PGP MESSAGE----- \t\nx\n"
		"-----END PGP MESSAGE----- ",
		"[m]"},
};

static void
blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		stralloc out = STRALLOC_ZERO;
		struct armor a;
		size_t pos = 0;

		print_message("%s\n", cases[i].name);
		while (armor_find(s, len, pos, &a)) {
			assert_true(
				stralloc_catb(&out, s + pos, a.start - pos));
			assert_true(stralloc_cats(
				&out, a.kind == ARMOR_MESSAGE ? "[m]" : "[s]"));
			pos = a.end;
		}
		assert_true(stralloc_catb(&out, s + pos, len - pos));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, cases[i].found);
		stralloc_free(&out);
		free(s);
	}
}

static void
html(void **state)
{
	static char const text[] =
		"<div>-----BEGIN PGP MESSAGE-----</div><br>\n"
		"<div>&nbsp;</div><br>\n<p>ab&#43;&amp;</p>\n<b>c</b>d<br>\n"
		"<div>-----END PGP MESSAGE-----</div>\n";
	char *s = exact(text, sizeof text - 1);
	stralloc out = STRALLOC_ZERO;

	(void)state;
	assert_true(armor_from_html(s, sizeof text - 1, &out));
	assert_true(stralloc_0(&out));
	assert_string_equal(out.s, "-----BEGIN PGP MESSAGE-----\n\nab+&\ncd\n"
				   "-----END PGP MESSAGE-----\n");
	out.len = 0;
	assert_true(armor_from_html(s, sizeof text - 20, &out));
	assert_int_equal(out.len, 0);
	stralloc_free(&out);
	free(s);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(blocks),
		cmocka_unit_test(html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
