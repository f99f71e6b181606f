/* mime/autocrypt and mime/entity: what counts, and what is whose. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "mime/autocrypt.h"
#include "mime/entity.h"
#include "tests/unit/exact.h"

#define FROM "From: A <a@B>\n"
#define FIELD "Autocrypt: addr=A@b; prefer-encrypt=mutual; keydata=\n YW\n Jj\n"

static struct {
	char const *name, *header;
	enum autocrypt_result result;
	bool mutual;
} const cases[] = {
	{"one", FROM FIELD, AUTOCRYPT_OK, true},
	{"none", FROM, AUTOCRYPT_NONE, false},
	{"no sender", FIELD, AUTOCRYPT_NONE, false},
	{"two senders", "From: a@b, c@d\n" FIELD, AUTOCRYPT_NONE, false},
	{"of another", "From: c@d\n" FIELD, AUTOCRYPT_NONE, false},
	{"two fields", FROM FIELD FIELD, AUTOCRYPT_AMBIGUOUS, true},
	{"one of two is another's",
		FROM FIELD "Autocrypt: addr=c@d; keydata=YWJj\n", AUTOCRYPT_OK,
		true},
	{"what must be understood",
		FROM "Autocrypt: addr=a@b; x=y; keydata=YWJj\n", AUTOCRYPT_NONE,
		false},
	{"what need not be", FROM "Autocrypt: addr=a@b; _x=y; keydata=YWJj\n",
		AUTOCRYPT_OK, false},
	{"no key", FROM "Autocrypt: addr=a@b; keydata=\n", AUTOCRYPT_NONE,
		false},
};

static void
reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t const len = strlen(cases[i].header);
		char *s = exact(cases[i].header, len);
		stralloc key = STRALLOC_ZERO;
		enum autocrypt_result result;
		bool mutual;

		print_message("%s\n", cases[i].name);
		assert_true(autocrypt_read(s, len, &key, &mutual, &result));
		assert_int_equal(result, cases[i].result);
		if (result == AUTOCRYPT_OK) {
			assert_int_equal(mutual, cases[i].mutual);
			assert_int_equal(key.len, 3);
			assert_memory_equal(key.s, "abc", 3);
		}
		stralloc_free(&key);
		free(s);
	}
}

static void
writes_what_it_reads(void **state)
{
	stralloc out = STRALLOC_ZERO, key = STRALLOC_ZERO;
	enum autocrypt_result result;
	char octets[300];
	bool mutual;

	(void)state;
	memset(octets, 7, sizeof octets);
	assert_true(stralloc_cats(&out, FROM));
	assert_true(autocrypt_write(&out, "a@b", octets, sizeof octets));
	assert_true(autocrypt_read(out.s, out.len, &key, &mutual, &result));
	assert_int_equal(result, AUTOCRYPT_OK);
	assert_true(mutual);
	assert_int_equal(key.len, sizeof octets);
	assert_memory_equal(key.s, octets, sizeof octets);
	stralloc_free(&out);
	stralloc_free(&key);
}

static void
what_is_protected_counts(void **state)
{
	static char const outer[] = "From: a\nSubject: ...\nTo: x\nX: y\n"
				    "Content-Type: z\nMIME-Version: 1.0\n";
	static char const inner[] = "Content-Type: text/plain; hp=cipher\n"
				    "From: e\nSubject: in\n folded\n\nbody";
	stralloc out = STRALLOC_ZERO;

	(void)state;
	assert_true(entity_is_protected(inner, sizeof inner - 1));
	assert_false(entity_is_protected(outer, sizeof outer - 1));
	assert_true(entity_merge(
		&out, outer, sizeof outer - 1, inner, sizeof inner - 1));
	assert_true(stralloc_0(&out));
	assert_string_equal(
		out.s, "From: a\nTo: x\nX: y\nSubject: in\n folded\n");
	stralloc_free(&out);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(what_is_protected_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
