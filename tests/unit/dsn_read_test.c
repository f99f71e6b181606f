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

static void
the_transcript_says_more(void **state)
{
	static char const format[] =
		"Subject: x\r\n\r\n--b\r\n\r\n421 4.7.0 no\r\n"
		"554 5.3.0 unknown mailer error 255\r\n%s--b\r\n"
		"Content-Type: message/delivery-status\r\n\r\n"
		"Reporting-MTA: dns; x\r\n\r\n"
		"Final-Recipient: rfc822; b@c.test\r\nAction: failed\r\n"
		"Status: 5.0.0\r\nDiagnostic-Code: X-Unix; 255\r\n%s--b--\r\n";
	static char const another[] =
		"\r\nFinal-Recipient: rfc822; d@e.test\r\nStatus: 5.0.0\r\n";
	char text[1000];

	(void)state;
	snprintf(text, sizeof text, format, "", "");
	assert_int_equal(read_copy(text, strlen(text)), 1);
	assert_string_equal(got[0].status, "5.3.0");
	snprintf(text, sizeof text, format, "554 5.0.0 no service\r\n", "");
	assert_int_equal(read_copy(text, strlen(text)), 1);
	assert_string_equal(got[0].status, "5.3.0");
	/* Of two recipients it could be either's. */
	snprintf(text, sizeof text, format, "", another);
	assert_int_equal(read_copy(text, strlen(text)), 2);
	assert_string_equal(got[0].status, "5.0.0");
	assert_string_equal(got[1].status, "5.0.0");
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

/* Another message of the same file, in the format mbox. */
static char const *
next_message(char const *s)
{
	char const *next = strstr(s, "\n\nFrom ");

	return next != NULL ? next + 2 : NULL;
}

/* The recipients of all reports in a file, in got; each has an address. */
static size_t
read_all(char const *s)
{
	static struct dsn_recipient all[100];
	size_t count = 0;

	for (char const *next; s != NULL; s = next) {
		next = next_message(s);
		size_t n = read_copy(
			s, next != NULL ? (size_t)(next - s) : strlen(s));
		for (size_t i = 0; i < n && count < 100; i++) {
			assert_true(got[i].address_len > 0);
			all[count++] = got[i];
		}
	}
	memcpy(got, all, count * sizeof *all);
	return count;
}

/* One tool takes a reply in the middle of a transcript, of one host of several,
 * where Status and the diagnostic code say something else. */
static bool
is_excepted(char const *name, char const *status)
{
	return strcmp(name, "lhost-sendmail-56.eml") == 0 &&
	       strcmp(status, "5.5.0") == 0;
}

/* As one tool reads them; where it says 5.0.9xx it has a reason, no code. */
static void
a_collection_of_bounces(void **state)
{
	static char s[1000000], name[200], status[20], last[200];
	static char line[1000];
	FILE *f = fopen(FOLDER "/expected.tsv", "r");
	size_t count = 0, index, files = 0, wrong = 0;
	bool is_report = false;

	(void)state;
	if (f == NULL) {
		print_message("%s is not there\n", FOLDER);
		skip();
	}
	while (fgets(line, sizeof line, f) != NULL) {
		char const *is;
		if (sscanf(line, "%199[^\t]\t%zu\t%19[^\t\n]", name, &index,
			    status) != 3)
			continue;
		if (strcmp(name, last) != 0) {
			size_t len = read_file(name, s, sizeof s - 1);
			s[len] = '\0';
			strcpy(last, name);
			is_report = strcasestr(s, "\nContent-Type: message/"
						  "delivery-status") != NULL ||
				    strcasestr(s, "\nContent-Type: message/"
						  "global-delivery-status");
			count = is_report ? read_all(s) : 0;
			files += is_report;
		}
		if (!is_report || strncmp(status + 1, ".0.9", 4) == 0)
			continue;
		is = index > count ? "missing" : got[index - 1].status;
		if (strcmp(is, status) != 0 && !is_excepted(name, is)) {
			print_message("%s %zu: %s, not %s\n", name, index, is,
				status);
			wrong++;
		}
	}
	fclose(f);
	print_message("%zu reports\n", files);
	assert_true(files >= 165);
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(fields),
		cmocka_unit_test(the_transcript_says_more),
		cmocka_unit_test(a_collection_of_bounces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
