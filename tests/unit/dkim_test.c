/* Tag lists, canonicalization, keys and the examples of RFC 6376 and 8463. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>
#include "mime/dkim/canon.h"
#include "mime/dkim/dkim.h"
#include "mime/dkim/dkim_key.h"
#include "mime/dkim/taglist.h"
#include "tests/unit/exact.h"
#include "tests/unit/fake_dns.h"

static void
tag_lists(void **state)
{
	static struct {
		char const *text;
		int count; /* -1: refused */
	} const cases[] = {
		{"v=1; a=b", 2},
		{" v = 1 ;\r\n\ta=b ; ", 2},
		{"a=", 1},
		{"a=;b=x=y", 2},
		{"", -1},
		{";", -1},
		{"a=1;;b=2", -1},
		{"a=1; a=2", -1},
		{"a", -1},
		{"1a=1", -1},
		{"a b=1", -1},
		{"a=\001", -1},
	};
	struct taglist list;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		bool is_well = taglist_parse(s, len, &list);
		if ((is_well ? (int)list.count : -1) != cases[i].count)
			fail_msg("%s", cases[i].text);
		free(s);
	}
}

static void
take(void *data, char const *s, size_t len)
{
	char *out = data;

	memcpy(out + strlen(out), s, len);
}

/* RFC 6376 3.4.5. */
static void
canonical_forms(void **state)
{
	static char const header[] = "A: X\r\nB : Y\t\r\n\tZ  \r\n";
	static char const body[] = " C \r\nD \t E\r\n\r\n\r\n";
	static char const *const wanted[2][2] = {
		{"A: X\r\nB : Y\t\r\n\tZ  \r\n", " C \r\nD \t E\r\n"},
		{"a:X\r\nb:Y Z\r\n", " C\r\nD E\r\n"}};

	(void)state;
	for (unsigned relaxed = 0; relaxed < 2; relaxed++) {
		struct header_field f;
		struct canon_body c;
		char out[100] = "", text[100] = "";
		size_t pos = 0;
		while (header_next(header, strlen(header), &pos, &f) > 0)
			canon_field(relaxed, &f, 0, 0, true, take, out);
		assert_string_equal(out, wanted[relaxed][0]);
		canon_body_init(&c, relaxed, take, text);
		for (size_t i = 0; body[i] != '\0'; i++)
			canon_body_push(&c, body + i, 1);
		canon_body_finish(&c);
		assert_string_equal(text, wanted[relaxed][1]);
		memset(text, 0, sizeof text);
		canon_body_init(&c, relaxed, take, text);
		canon_body_push(&c, "\r\n\r\n", 4);
		canon_body_finish(&c);
		assert_string_equal(text, relaxed ? "" : "\r\n");
	}
}

#define KEY_6376                                                               \
	"v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9"  \
	"ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7o"  \
	"d+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWT"  \
	"oIMmPSPDdQPNUYckcQ2QIDAQAB"
#define KEY_8463                                                               \
	"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

static void
key_records(void **state)
{
	static struct {
		char const *text;
		bool is_key;
	} const cases[] = {
		{KEY_6376, true},
		{KEY_8463, true},
		{KEY_6376 "; h=sha1", false},
		{KEY_6376 "; h=sha1:sha256", true},
		{KEY_6376 "; s=chat", false},
		{KEY_6376 "; s=chat:*", true},
		{KEY_6376 "; k=dsa", false},
		{KEY_6376 "; k=ed25519", false},
		{"v=DKIM1; p=", false},
		{"v=DKIM1", false},
		{"v=DKIM2; p=AAAA", false},
		{"p=AAAA", false},
		{"", false},
	};
	struct dkim_key key;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].text);
		char *s = exact(cases[i].text, len);
		if (dkim_key_parse(s, len, &key) != cases[i].is_key)
			fail_msg("%s", cases[i].text);
		free(s);
	}
	assert_true(dkim_key_parse(KEY_6376, strlen(KEY_6376), &key));
	assert_int_equal(key.bits, 1024);
	assert_int_equal(key.exponent_len, 3);
}

/* RFC 8463 A.3; its RSA key is of A.2. */
static char const message_8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n"
	" d=football.example.com; i=@football.example.com;\r\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n"
	" subject : date : message-id : from : subject : date;\r\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\r\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\r\n"
	"From: Joe SixPack <joe@football.example.com>\r\n"
	"To: Suzie Q <suzie@shopping.example.net>\r\n"
	"Subject: Is dinner ready?\r\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n"
	"\r\n"
	"Hi.\r\n"
	"\r\n"
	"We lost the game.  Are you hungry yet?\r\n"
	"\r\n"
	"Joe.\r\n"
	"\r\n";

static struct fake_record keys[] = {
	{"brisbane._domainkey.football.example.com", DNS_TXT, "v=other", 0},
	{"brisbane._domainkey.football.example.com", DNS_TXT, KEY_8463, 0},
	{0}};

static void
verify(struct source const *message, struct dkim_results *results)
{
	struct dkim_options options = {.now = 1700000000};
	struct query query;

	query_init(&query, fake_dns, keys, 1000);
	assert_true(dkim_verify(message, &query, &options, results));
	query_free(&query);
}

static void
the_example_of_rfc_8463_passes(void **state)
{
	struct dkim_results results;
	struct source message = {
		.bytes = message_8463, .len = strlen(message_8463)};

	(void)state;
	verify(&message, &results);
	assert_int_equal(results.count, 1);
	assert_int_equal(results.list[0].code, DKIM_PASS);
	assert_string_equal(results.list[0].domain, "football.example.com");
	assert_string_equal(results.list[0].b, "/gCrinpc");
}

static void
a_message_in_a_file_behind_an_envelope(void **state)
{
	struct dkim_results results;
	FILE *f = tmpfile();
	struct source message = {.offset = 9, .len = strlen(message_8463)};

	(void)state;
	fprintf(f, "envelope\n%sbehind", message_8463);
	assert_int_equal(fflush(f), 0);
	message.fd = fileno(f);
	verify(&message, &results);
	assert_int_equal(results.list[0].code, DKIM_PASS);
	/* A file that is shorter than it should be is no message. */
	assert_int_equal(ftruncate(message.fd, 200), 0);
	struct dkim_options options = {.now = 1};
	struct query query;
	query_init(&query, fake_dns, keys, 1000);
	assert_false(dkim_verify(&message, &query, &options, &results));
	query_free(&query);
	fclose(f);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(tag_lists),
		cmocka_unit_test(canonical_forms),
		cmocka_unit_test(key_records),
		cmocka_unit_test(the_example_of_rfc_8463_passes),
		cmocka_unit_test(a_message_in_a_file_behind_an_envelope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
