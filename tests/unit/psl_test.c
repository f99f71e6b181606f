/* Registered domains, and names in one form. The public vectors are looked for
 * in $KERERU_TESTDATA, else beside the clone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/asciiname.h"
#include "smtpd/check/psl.h"

static void
registered_domains(void **state)
{
	static char const *const cases[][2] = {
		{"a.b.example.com", "example.com"},
		{"example.co.uk", "example.co.uk"},
		{"co.uk", NULL},
		{"www.city.kawasaki.jp", "city.kawasaki.jp"},
		{"192.0.2.1", NULL},
		{".com", NULL},
		{"", NULL},
	};
	struct psl psl;

	(void)state;
	assert_true(psl_open(&psl, PSL_FILE));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char const *got = psl_registered(&psl, cases[i][0]);
		if (cases[i][1] == NULL)
			assert_null(got);
		else
			assert_string_equal(got, cases[i][1]);
	}
	psl_close(&psl);
	assert_true(psl_open(&psl, "/nonexistent"));
	assert_string_equal(
		psl_registered(&psl, "x.example.org"), "example.org");
	psl_close(&psl);
	psl_close(&psl);
}

static void
check_line(struct psl const *psl, char *line, unsigned *count)
{
	char given[DNS_NAME_SIZE], wanted[DNS_NAME_SIZE];
	char const *name = strtok(line, " \r\n"), *domain, *got;

	if (name == NULL || strncmp(name, "//", 2) == 0 ||
		strcmp(name, "null") == 0 || *name == '.')
		return;
	domain = strtok(NULL, " \r\n");
	assert_true(asciiname(name, strlen(name), given));
	got = psl_registered(psl, given);
	if (strcmp(domain, "null") == 0) {
		assert_null(got);
	} else {
		assert_true(asciiname(domain, strlen(domain), wanted));
		assert_non_null(got);
		assert_string_equal(got, wanted);
	}
	++*count;
}

static void
the_public_vectors(void **state)
{
	char const *folder = getenv("KERERU_TESTDATA");
	char path[1024], line[512];
	struct psl psl;
	unsigned count = 0;
	FILE *f;

	(void)state;
	snprintf(path, sizeof path, "%s/psl/tests.txt",
		folder != NULL ? folder : "../shared/testdata");
	f = fopen(path, "re");
	if (f == NULL) {
		print_message("no %s\n", path);
		skip();
	}
	assert_true(psl_open(&psl, PSL_FILE));
	while (fgets(line, sizeof line, f) != NULL)
		check_line(&psl, line, &count);
	assert_true(count > 70);
	fclose(f);
	psl_close(&psl);
}

static void
names_in_one_form(void **state)
{
	static char const *const cases[][2] = {
		{"Example.ORG.", "example.org"},
		{"_dmarc.example.org", "_dmarc.example.org"},
		{"B\303\274cher.example", "xn--bcher-kva.example"},
		{"a..b", NULL},
		{".", NULL},
		{"", NULL},
		{"a b.example", NULL},
		{"a/b.example", NULL},
		{"\377.example", NULL},
	};
	char name[DNS_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		bool is_name =
			asciiname(cases[i][0], strlen(cases[i][0]), name);
		assert_int_equal(is_name, cases[i][1] != NULL);
		if (is_name)
			assert_string_equal(name, cases[i][1]);
	}
	assert_true(asciiname_within("a.b.c", "b.c"));
	assert_true(asciiname_within("b.c", "b.c"));
	assert_false(asciiname_within("ab.c", "b.c"));
	assert_false(asciiname_within("c", "b.c"));
	assert_int_equal(asciiname_labels("a.b.c"), 3);
	assert_string_equal(asciiname_last("a.b.c", 2), "b.c");
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(registered_domains),
		cmocka_unit_test(the_public_vectors),
		cmocka_unit_test(names_in_one_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
