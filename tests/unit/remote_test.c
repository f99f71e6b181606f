/* The pure parts of remote: destinations, the order of hosts, the data. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/databody.h"
#include "remote/destination.h"
#include "remote/mx.h"
#include "remote/text.h"

static bool
parse(char const *text, size_t len, struct destination *d)
{
	char *copy = malloc(len > 0 ? len : 1);
	bool ok;

	memcpy(copy, text, len);
	ok = destination_parse(copy, len, d);
	free(copy);
	return ok;
}

static void
destinations(void **state)
{
	static struct {
		char const *text;
		bool ok;
		char const *name;
		size_t address_len;
		unsigned port;
		bool by_mx;
	} const cases[] = {
		{"Example.ORG", true, "example.org", 0, 0, true},
		{"example.org.", true, "example.org", 0, 0, true},
		{"relay.test:26", true, "relay.test", 0, 26, false},
		{"[192.0.2.1]", true, "[192.0.2.1]", 4, 0, false},
		{"[192.0.2.1]:2525", true, "[192.0.2.1]", 4, 2525, false},
		{"[IPv6:2001:db8::1]", true, "[IPv6:2001:db8::1]", 16, 0,
			false},
		{"[ipv6:::1]:1", true, "[ipv6:::1]", 16, 1, false},
		{"[2001:db8::1]:65535", true, "[2001:db8::1]", 16, 65535,
			false},
		{"", false, NULL, 0, 0, false},
		{".", false, NULL, 0, 0, false},
		{"er..", false, NULL, 0, 0, false},
		{"a..b", false, NULL, 0, 0, false},
		{"a b", false, NULL, 0, 0, false},
		{"a\xc3\xa9.test", false, NULL, 0, 0, false},
		{"a:0", false, NULL, 0, 0, false},
		{"a:65536", false, NULL, 0, 0, false},
		{"a:", false, NULL, 0, 0, false},
		{"a:1x", false, NULL, 0, 0, false},
		{":25", false, NULL, 0, 0, false},
		{"[192.0.2.1", false, NULL, 0, 0, false},
		{"[192.0.2.1]x", false, NULL, 0, 0, false},
		{"[192.0.2]", false, NULL, 0, 0, false},
		{"[]", false, NULL, 0, 0, false},
		{"[", false, NULL, 0, 0, false},
		{"[mx.test]", false, NULL, 0, 0, false},
	};
	struct destination d;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].text);
		assert_int_equal(
			parse(cases[i].text, strlen(cases[i].text), &d),
			cases[i].ok);
		if (!cases[i].ok)
			continue;
		assert_string_equal(d.name, cases[i].name);
		assert_int_equal(d.address_len, cases[i].address_len);
		assert_int_equal(d.port, cases[i].port);
		assert_int_equal(d.by_mx, cases[i].by_mx);
	}
	assert_false(parse("a\0b", 3, &d));
	assert_false(parse("[1.2.3.4\0]", 10, &d));
}

static void
add(struct mx *mx, unsigned preference, uint32_t order, char const *name)
{
	struct mx_host *h = &mx->hosts[mx->count++];

	h->preference = preference;
	h->order = order;
	strcpy(h->name, name);
}

static void
hosts_in_order(void **state)
{
	static struct mx mx;

	(void)state;
	mx.count = 0;
	add(&mx, 20, 1, "d");
	add(&mx, 10, 9, "c");
	add(&mx, 10, 2, "b");
	add(&mx, 5, 7, "a");
	assert_true(mx_arrange(&mx, "self.test"));
	assert_int_equal(mx.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(mx.hosts[i].name[0], "abcd"[i]);
}

static void
no_host_as_bad_as_ourselves(void **state)
{
	static struct mx mx;

	(void)state;
	mx.count = 0;
	add(&mx, 5, 1, "a");
	add(&mx, 10, 1, "b");
	add(&mx, 10, 2, "self.test");
	add(&mx, 20, 3, "c");
	add(&mx, 30, 3, "self.test");
	assert_true(mx_arrange(&mx, "self.test"));
	assert_int_equal(mx.count, 1);
	assert_string_equal(mx.hosts[0].name, "a");
	mx.count = 0;
	add(&mx, 5, 1, "a");
	add(&mx, 5, 2, "self.test");
	assert_false(mx_arrange(&mx, "self.test"));
}

/* The message pushed in pieces of `step` octets, and ended. */
static char *
encode(char const *s, size_t len, size_t step, size_t *len_r)
{
	char *out = malloc(BODY_MOST(len) + BODY_END_MOST + 1);
	struct body b = BODY_ZERO;

	*len_r = 0;
	for (size_t at = 0; at < len; at += step) {
		size_t n = len - at < step ? len - at : step;
		char *piece = malloc(n);
		memcpy(piece, s + at, n);
		*len_r += body_push(&b, piece, n, out + *len_r);
		free(piece);
	}
	*len_r += body_end(&b, out + *len_r);
	out[*len_r] = '\0';
	return out;
}

static void
data(void **state)
{
	static struct {
		char const *in;
		size_t len;
		char const *out;
	} const cases[] = {
		{"", 0, ".\r\n"},
		{"a\r\n", 3, "a\r\n.\r\n"},
		{"a", 1, "a\r\n.\r\n"},
		{".\r\n", 3, "..\r\n.\r\n"},
		{"..a\r\n.b", 7, "...a\r\n..b\r\n.\r\n"},
		{"a.\r\n", 4, "a.\r\n.\r\n"},
		{"a\n.\nb\n", 6, "a\r\n..\r\nb\r\n.\r\n"},
		{"a\rb\r\r\nc\r", 8, "ab\r\nc\r\n.\r\n"},
		{"\r.\r\n", 4, "..\r\n.\r\n"},
		{"a\0\0b\r\n", 6, "ab\r\n.\r\n"},
		{"\0.\r\n", 4, "..\r\n.\r\n"},
		{"\n\r\n\r", 4, "\r\n\r\n.\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (size_t step = 1; step < 9; step++) {
			size_t len;
			char *out =
				encode(cases[i].in, cases[i].len, step, &len);
			assert_int_equal(len, strlen(cases[i].out));
			assert_string_equal(out, cases[i].out);
			free(out);
		}
	}
}

static void
texts_are_cut(void **state)
{
	char text[8];

	(void)state;
	text_join(text, sizeof text, "abc", "", "de", (char *)0);
	assert_string_equal(text, "abcde");
	text_join(text, sizeof text, "abcd", "efgh", "i", (char *)0);
	assert_string_equal(text, "abcdefg");
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(destinations),
		cmocka_unit_test(hosts_in_order),
		cmocka_unit_test(no_host_as_bad_as_ourselves),
		cmocka_unit_test(data),
		cmocka_unit_test(texts_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
