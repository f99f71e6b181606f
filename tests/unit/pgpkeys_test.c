/* common/admin/pgpkeys: keys, their addresses, copies with one user id. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "common/admin/pgpkeys.h"
#include "tests/unit/exact.h"

/* Old and new packets: tag, one octet of length, octets. */
#define KEY "\x98\x01k"
#define SIG "\x88\x02s!"
#define UID_A "\xb4\x05<A@x>"
#define UID_B                                                                  \
	"\xcd\x03"                                                             \
	"b@x"
#define SUBKEY "\xb8\x01u"
#define PHOTO "\xd1\x01p"

static struct {
	char const *name, *in;
	/* Of each key the addresses; then a copy of it for "a@x", in ( ). */
	char const *out;
} const cases[] = {
	{"nothing", "", ""},
	{"a key", KEY UID_A SIG, "A@x(" KEY UID_A SIG ")"},
	{"two user ids", KEY SIG UID_B SIG UID_A SIG SUBKEY SIG,
		"b@xA@x(" KEY SIG UID_A SIG SUBKEY SIG ")"},
	{"a photo goes", KEY PHOTO SIG UID_A SIG, "A@x(" KEY UID_A SIG ")"},
	{"two keys", KEY UID_B KEY UID_A, "b@x(" KEY ")A@x(" KEY UID_A ")"},
	{"none starts", UID_A, "!"},
	{"a secret one", "\x94\x01k", "!"},
	{"a secret one behind", KEY UID_A "\x94\x01k" UID_B, "!"},
	{"too long",
		KEY "\xb4\x06"
		    "abc",
		"!"},
	{"length in pieces",
		KEY "\xcd\xe1"
		    "ab",
		"!"},
	{"indeterminate",
		KEY "\xb7"
		    "ab",
		"!"},
	{"length of two octets", KEY "\xb5\x01", "!"},
	{"not a packet", "key", "!"},
};

static void
walks(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].in);
		char *s = exact(cases[i].in, len);
		stralloc out = STRALLOC_ZERO;
		struct pgpkeys_span key, a;
		size_t pos = 0, at;
		int r;

		print_message("%s\n", cases[i].name);
		while ((r = pgpkeys_next(s, len, &pos, &key)) > 0) {
			at = 0;
			while (pgpkeys_address(s, &key, &at, &a))
				assert_true(stralloc_catb(
					&out, s + a.start, a.end - a.start));
			assert_true(stralloc_cats(&out, "("));
			assert_true(pgpkeys_copy(&out, s, &key, "a@x", 3));
			assert_true(stralloc_cats(&out, ")"));
		}
		if (r < 0)
			assert_true(stralloc_copys(&out, "!"));
		assert_true(stralloc_0(&out));
		assert_string_equal(out.s, cases[i].out);
		stralloc_free(&out);
		free(s);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
