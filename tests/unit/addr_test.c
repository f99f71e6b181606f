/* common/addr: paths, mailboxes, keys. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/addr.h"

/* An exact-size heap block, so that a sanitizer sees one octet too far. */
static char *
exact(char const *s, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X64 X32 X32
#define L61 "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

static struct {
	char const *name, *path;
	unsigned flags;
	char const *key;  /* NULL: refused */
	char const *rest; /* behind the path */
	enum addr_error error;
} const paths[] = {
	{"plain", "<user@example.org>", 0, "user@example.org", "", 0},
	{"parameters stay", "<u@e.org> SIZE=4", 0, "u@e.org", " SIZE=4", 0},
	{"upper case", "<User@EXAMPLE.Org>", 0, "user@example.org", "", 0},
	{"null path", "<>", ADDR_ALLOW_EMPTY, "", "", 0},
	{"null path unasked", "<>", 0, NULL, "", ADDR_ERR_LOCALPART},
	{"postmaster", "<PostMaster>", ADDR_ALLOW_POSTMASTER, "postmaster", "",
		0},
	{"postmaster unasked", "<Postmaster>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"postmaster is whole", "<Postmasters>", ADDR_ALLOW_POSTMASTER, NULL,
		"", ADDR_ERR_SYNTAX},
	{"route is skipped", "<@a.org,@b.org:u@c.org>", 0, "u@c.org", "", 0},
	{"route of a literal", "<@[192.0.2.1]:u@c.org>", 0, "u@c.org", "", 0},
	{"route without colon", "<@a.org>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"route of nothing", "<@:u@c.org>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"route without mailbox", "<@a.org:>", 0, NULL, "", ADDR_ERR_LOCALPART},
	{"route, comma at the end", "<@a.org,:u@c>", 0, NULL, "",
		ADDR_ERR_SYNTAX},
	{"percent hack is a local part", "<a%b.org@c.org>", 0, "a%b.org@c.org",
		"", 0},
	{"bang is a local part", "<b.org!a@c.org>", 0, "b.org!a@c.org", "", 0},
	{"two ats", "<a@b.org@c.org>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"quoted at is a local part", "<\"a@b.org\"@c.org>", 0,
		"\"a@b.org\"@c.org", "", 0},
	{"quoted bracket", "<\"a>b\"@c.org> X", 0, "\"a>b\"@c.org", " X", 0},
	{"needless quotes", "<\"user\"@c.org>", 0, "user@c.org", "", 0},
	{"needless backslash", "<\"\\u\\s\\e\\r\"@c.org>", 0, "user@c.org", "",
		0},
	{"dots need quotes", "<\"a..b\"@c.org>", 0, "\"a..b\"@c.org", "", 0},
	{"blank needs quotes", "<\"A B\"@c.org>", 0, "\"a b\"@c.org", "", 0},
	{"quote keeps backslash", "<\"a\\\"b\\\\\"@c.org>", 0,
		"\"a\\\"b\\\\\"@c.org", "", 0},
	{"empty quotes", "<\"\"@c.org>", 0, "\"\"@c.org", "", 0},
	{"open quotes", "<\"a@c.org>", 0, NULL, "", ADDR_ERR_LOCALPART},
	{"control in quotes", "<\"a\nb\"@c.org>", 0, NULL, "",
		ADDR_ERR_LOCALPART},
	{"escaped control", "<\"a\\\nb\"@c.org>", 0, NULL, "",
		ADDR_ERR_LOCALPART},
	{"dot at the end of the domain", "<a@c.org.>", 0, NULL, "",
		ADDR_ERR_DOMAIN},
	{"two dots in the domain", "<a@c..org>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"label begins with hyphen", "<a@-c.org>", 0, NULL, "",
		ADDR_ERR_DOMAIN},
	{"label ends with hyphen", "<a@c-.org>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"underscore", "<a@c_d.org>", ADDR_ALLOW_UNDERSCORE, NULL, "",
		ADDR_ERR_SYNTAX},
	{"IPv4 literal", "<a@[192.0.2.1]>", 0, "a@[192.0.2.1]", "", 0},
	{"IPv6 literal", "<a@[IPv6:2001:DB8::1]>", 0, "a@[ipv6:2001:db8::1]",
		"", 0},
	{"IPv6 without tag", "<a@[2001:db8::1]>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"IPv6 tag alone", "<a@[IPv6:]>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"open literal", "<a@[192.0.2.1>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"behind a literal", "<a@[192.0.2.1]b>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"no bracket", "user@example.org", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"no end", "<user@example.org", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"no domain", "<user>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"empty", "", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"blank inside", "<us er@example.org>", 0, NULL, "", ADDR_ERR_SYNTAX},
	{"local part of 64", "<" X64 "@c.org>", 0, X64 "@c.org", "", 0},
	{"local part of 65", "<" X64 "x@c.org>", 0, NULL, "", ADDR_ERR_LENGTH},
	{"local part of 65, allowed", "<" X64 "x@c.org>", ADDR_ALLOW_LONG,
		X64 "x@c.org", "", 0},
	{"path too long, allowed", "<" X64 X64 X64 X64 "@c.org>",
		ADDR_ALLOW_LONG, NULL, "", ADDR_ERR_LENGTH},
	{"label of 63", "<a@" L61 "yy.org>", 0, "a@" L61 "yy.org", "", 0},
	{"label of 64", "<a@" L61 "yyy.org>", 0, NULL, "", ADDR_ERR_DOMAIN},
	{"UTF-8 unasked", "<\xc3\xa9@c.org>", 0, NULL, "", ADDR_ERR_UTF8},
	{"UTF-8 domain unasked", "<e@\xc3\xa9.org>", 0, NULL, "",
		ADDR_ERR_UTF8},
	{"UTF-8", "<\xc3\xa9@\xc3\xa9.org>", ADDR_ALLOW_UTF8,
		"\xc3\xa9@\xc3\xa9.org", "", 0},
	{"Latin-1", "<\xe9@c.org>", ADDR_ALLOW_UTF8, NULL, "",
		ADDR_ERR_LOCALPART},
	{"overlong UTF-8", "<\xc0\xaf@c.org>", ADDR_ALLOW_UTF8, NULL, "",
		ADDR_ERR_LOCALPART},
	{"surrogate", "<\"\xed\xa0\x80\"@c.org>", ADDR_ALLOW_UTF8, NULL, "",
		ADDR_ERR_LOCALPART},
};

static void
paths_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		size_t len = strlen(paths[i].path), used = 0;
		char *s = exact(paths[i].path, len), key[ADDR_KEY_MAX];
		struct addr a;
		enum addr_error e = 0;

		print_message("%s\n", paths[i].name);
		bool ok =
			addr_parse_path(s, len, paths[i].flags, &a, &used, &e);
		assert_int_equal(ok, paths[i].key != NULL);
		if (ok) {
			size_t n = addr_key(&a, key, sizeof key);
			assert_int_equal(n, strlen(paths[i].key));
			assert_memory_equal(key, paths[i].key, n);
			assert_int_equal(len - used, strlen(paths[i].rest));
			assert_int_equal(
				addr_key(&a, key, n > 0 ? a.whole_len - 1 : 0),
				0);
		} else {
			assert_int_equal(e, paths[i].error);
			assert_non_null(addr_strerror(e));
		}
		free(s);
	}
}

static void
nul_ends_nothing(void **state)
{
	static char const path[] = "<a\0b@c.org>",
			  literal[] = "<a@[1.2.3.4\0]>";
	struct addr a;
	size_t used;
	enum addr_error e;

	(void)state;
	assert_false(addr_parse_path(path, sizeof path - 1, 0, &a, &used, &e));
	assert_false(
		addr_parse_path(literal, sizeof literal - 1, 0, &a, &used, &e));
}

static void
keys_of_keys_are_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		char key[ADDR_KEY_MAX];
		struct addr a;
		enum addr_error e;

		if (paths[i].key == NULL || strchr(paths[i].key, '@') == NULL)
			continue;
		size_t len = strlen(paths[i].key);
		char *s = exact(paths[i].key, len);
		assert_true(addr_parse(
			s, len, ADDR_ALLOW_UTF8 | ADDR_ALLOW_LONG, &a, &e));
		assert_int_equal(addr_key(&a, key, sizeof key), len);
		assert_memory_equal(key, s, len);
		free(s);
	}
}

static void
domains_of_helo(void **state)
{
	static struct {
		char const *s;
		unsigned flags;
		bool ok;
	} const cases[] = {{"mx.example.org", 0, true}, {"localhost", 0, true},
		{"[192.0.2.1]", 0, true}, {"[IPv6:::1]", 0, true},
		{"my_pc", 0, false}, {"my_pc", ADDR_ALLOW_UNDERSCORE, true},
		{"a b", 0, false}, {"", 0, false}, {"a.", 0, false},
		{"a)", 0, false}, {"[192.0.2.1]x", 0, false}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i].s);
		char *s = exact(cases[i].s, len);
		print_message("%s\n", cases[i].s);
		assert_int_equal(
			addr_is_domain(s, len, cases[i].flags), cases[i].ok);
		free(s);
	}
}

/* Every way to hide a foreign domain behind ours, or ours behind a foreign
 * one: the domain that is looked up must be the last one. */
static void
relay_spellings(void **state)
{
	static struct {
		char const *path, *domain; /* NULL: refused */
	} const cases[] = {{"<victim%other.org@ours.org>", "ours.org"},
		{"<other.org!victim@ours.org>", "ours.org"},
		{"<@ours.org:victim@other.org>", "other.org"},
		{"<@ours.org,@other.org:victim@ours.org>", "ours.org"},
		{"<\"victim@other.org\"@ours.org>", "ours.org"},
		{"<victim@other.org@ours.org>", NULL},
		{"<victim@ours.org.>", NULL}, {"<victim@other.org.>", NULL},
		{"<victim@[127.0.0.1]>", "[127.0.0.1]"},
		{"<victim@ours.org(other.org)>", NULL},
		{"<victim@other.org,ours.org>", NULL},
		{"<victim@ours.org@>", NULL}, {"<victim@@ours.org>", NULL},
		{"<victim@other.org\t@ours.org>", NULL},
		{"<\"victim\"@other.org>", "other.org"},
		{"<\"\"victim@other.org\"\"@ours.org>", NULL},
		{"<'victim@other.org'@ours.org>", NULL}};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct addr a;
		size_t used, len = strlen(cases[i].path);
		enum addr_error e;
		char *s = exact(cases[i].path, len);
		bool ok = addr_parse_path(s, len, 0, &a, &used, &e);

		print_message("%s\n", cases[i].path);
		assert_int_equal(ok, cases[i].domain != NULL);
		if (ok) {
			assert_int_equal(a.domain_len, strlen(cases[i].domain));
			assert_memory_equal(
				a.domain, cases[i].domain, a.domain_len);
		}
		free(s);
	}
}

static void
details_are_taken_away(void **state)
{
	static char const *const cases[][2] = {
		{"user+detail@a.org", "user@a.org"},
		{"user+a+b@a.org", "user@a.org"},
		{"user+@a.org", "user@a.org"},
		{"+user@a.org", ""},
		{"user@a.org", ""},
		{"user@a+b.org", ""},
		{"\"user+x y\"@a.org", ""},
		{"postmaster", ""},
		{"", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		size_t len = strlen(cases[i][0]), n;
		char *key = malloc(len > 0 ? len : 1);

		assert_non_null(key);
		memcpy(key, cases[i][0], len);
		n = addr_key_base(key, len);
		assert_int_equal(n, strlen(cases[i][1]));
		assert_memory_equal(key, cases[i][1], n);
		free(key);
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(paths_are_parsed),
		cmocka_unit_test(nul_ends_nothing),
		cmocka_unit_test(keys_of_keys_are_the_same),
		cmocka_unit_test(domains_of_helo),
		cmocka_unit_test(relay_spellings),
		cmocka_unit_test(details_are_taken_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
