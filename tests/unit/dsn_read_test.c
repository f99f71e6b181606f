/* dsn_read.c: recipients and their status in the bounces of many a host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/dsn_read.h"

/* A collection of real bounces, where there is one. */
#define FOLDER "../shared/testdata/dsn/sisimai"

static struct dsn_recipient got[100];

static size_t
read_copy(char const *s, size_t len)
{
	static char *copy;

	free(copy);
	copy = malloc(len > 0 ? len : 1);
	memcpy(copy, s, len);
	return dsn_read(copy, len, got, 100);
}

static void
fields(void **state)
{
	static char const text[] =
		"Subject: x\r\n\r\n--b\r\n\r\n<d@e.test>: 550 5.7.26 "
		"no\r\n--b\r\n"
		"content-type: message/delivery-status\r\n\r\n"
		"Reporting-MTA: dns; x\r\n\r\n"
		"Final-Recipient: rfc822; <b@c.test>\r\nAction: failed\r\n"
		"Status: 5.0.0 (x)\r\nDiagnostic-Code: smtp;\r\n "
		"550-1.2.3.4\r\n"
		"\t5.1.1 no\r\n\r\n"
		"Original-Recipient : rfc822;d@e.test\r\nStatus: 5.0.0\r\n\r\n"
		"Final-Recipient: rfc822;f@g.test\nAction: delayed\n"
		"Status: 4.4.1\n--b\r\n\r\n"
		"Final-Recipient: rfc822;no@more.test\r\n";

	(void)state;
	assert_int_equal(read_copy(text, sizeof text - 1), 3);
	assert_memory_equal(got[0].address, "b@c.test", got[0].address_len);
	assert_string_equal(got[0].status, "5.1.1");
	assert_memory_equal(got[0].action, "failed", got[0].action_len);
	assert_memory_equal(got[1].address, "d@e.test", got[1].address_len);
	assert_string_equal(got[1].status, "5.7.26");
	assert_memory_equal(got[2].address, "f@g.test", got[2].address_len);
	assert_string_equal(got[2].status, "4.4.1");
	for (size_t n = 0; n < sizeof text; n++)
		(void)read_copy(text, n);
	assert_int_equal(read_copy("Subject: x\r\n\r\nno", 16), 0);
}

static size_t
read_file(char const *name, char *s, size_t max)
{
	char path[300];
	FILE *f;
	size_t n;

	snprintf(path, sizeof path, FOLDER "/%s", name);
	f = fopen(path, "r");
	if (f == NULL)
		return 0;
	n = fread(s, 1, max, f);
	fclose(f);
	return n;
}

/* As one tool reads them; where it says 5.0.9xx it has a reason, no code. */
static void
a_collection_of_bounces(void **state)
{
	static char s[1000000], name[200], status[20], last[200];
	static char line[1000];
	FILE *f = fopen(FOLDER "/expected.tsv", "r");
	size_t count = 0, index, files = 0, wrong = 0;

	(void)state;
	if (f == NULL) {
		print_message("%s is not there\n", FOLDER);
		skip();
	}
	while (fgets(line, sizeof line, f) != NULL) {
		if (sscanf(line, "%199[^\t]\t%zu\t%19[^\t\n]", name, &index,
			    status) != 3)
			continue;
		if (strcmp(name, last) != 0) {
			size_t len = read_file(name, s, sizeof s);
			strcpy(last, name);
			count = read_copy(s, len);
			files += count > 0;
		}
		if (count == 0 || strncmp(status + 1, ".0.9", 4) == 0)
			continue;
		if (index > count ||
			strcmp(got[index - 1].status, status) != 0) {
			print_message("%s %zu: %s, not %s\n", name, index,
				index > count ? "missing"
					      : got[index - 1].status,
				status);
			wrong++;
		}
	}
	fclose(f);
	print_message("%zu reports, %zu read otherwise\n", files, wrong);
	assert_true(files >= 165);
	assert_true(wrong <= 3);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(a_collection_of_bounces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
