/* smtpd/check/uribl.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "smtpd/check/uribl.h"
#include "tests/unit/exact.h"

static struct psl psl;

/* Domains found, with a blank between. */
static char const *
found(struct uribl const *u)
{
	static char out[4096];

	out[0] = '\0';
	for (size_t i = 0; i < u->count; i++) {
		if (i > 0)
			strcat(out, " ");
		strcat(out, u->domains[i]);
	}
	return out;
}

static void
text(void **state)
{
	static struct {
		char const *in, *out;
	} const cases[] = {
		{"", ""},
		{"nothing to see", ""},
		{"see http://www.example.com/x", "example.com"},
		{"HTTPS://Shop.EXAMPLE.co.uk.", "example.co.uk"},
		{"www.example.org, and www.example.org", "example.org"},
		{"seehttp://a.example.com", "example.com"},
		{"http://good.com@evil.org/", "evil.org"},
		{"http://good.com:80@evil.org:8080/", "evil.org"},
		{"http://%65vil.org/", "evil.org"},
		{"http:\\\\evil.org\\x", "evil.org"},
		{"http:///evil.org", "evil.org"},
		{"http://3232235777/", "192.168.1.1"},
		{"http://0xc0.0xa8.1.1/", "192.168.1.1"},
		{"http://0300.0250.0401/", "192.168.1.1"},
		{"http://192.168.257/", "192.168.1.1"},
		{"http://4294967296/", ""},
		{"http://256.1.1.1/", ""},
		{"http://b\xc3\xbc"
		 "cher.example/",
			"xn--bcher-kva.example"},
		{"http://evil\xe3\x80\x82org/", "evil.org"},
		{"http://\xef\xbd\x85vil.org/", "evil.org"},
		/* Soft hyphen, zero width space: nobody sees them. */
		{"http://ev\xc2\xadil.org/", "evil.org"},
		{"http://ev\xe2\x80\x8bil.org/", "evil.org"},
		{"http://xn--bcher-kva.example/", "xn--bcher-kva.example"},
		{"http://go.example.com/?u=http://evil.org/",
			"example.com evil.org"},
		{"http://go.example.com/?u=http%3A%2F%2Fevil.org%2F",
			"example.com evil.org"},
		{"mailto:x@example.com", ""},
		{"a://b.org", ""},
		{"http://", ""},
		{"http://localhost/", ""},
		{"http://..../", ""},
		{"http://a..b.org/", ""},
		{"http://-/", ""},
		{"(http://example.com)", "example.com"},
		{"<http://example.com>", "example.com"},
		{"hxxp://evil.org/", "evil.org"},
		{"wwwwww.example.com", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct uribl u;
		char *s = exact(cases[i].in, strlen(cases[i].in));

		uribl_start(&u, &psl);
		uribl_text(&u, s, strlen(cases[i].in));
		if (strcmp(found(&u), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, found(&u));
		free(s);
	}
}

static void
html(void **state)
{
	static struct {
		char const *in, *out;
	} const cases[] = {
		{"<a href=\"http://example.com/\">x</a>", "example.com"},
		{"<a href='//example.com/x'>x</a>", "example.com"},
		{"<a href=//example.com/x>x</a>", "example.com"},
		{"<a HREF = http:example.com>x</a>", "example.com"},
		{"<a href=\"&#104;ttp&#58;//ex&#x61;mple&#46;com\">",
			"example.com"},
		{"<a href=\"http&colon;&sol;&sol;example&period;com\">",
			"example.com"},
		{"<a href=\"ht\ntp:\t//exam\r\nple.com/\">", "example.com"},
		{"<a href=\"  http:/\\example.com\">", "example.com"},
		{"<img src=http://example.com/a.png>", "example.com"},
		{"<div style=\"background:url(http://example.com/a)\">",
			"example.com"},
		{"<a href=\"/relative\">x</a>", ""},
		{"<a href=\"#\">x</a>", ""},
		{"<a href=", ""},
		{"<a href=\"http://open.example.com", "example.com"},
		{"<a href=\"http://r.example.com/?http://evil.org\">",
			"example.com evil.org"},
		{"text www.example.com text", "example.com"},
		{"&#0; &#xD800; &#1114112; &#", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct uribl u;
		char *s = exact(cases[i].in, strlen(cases[i].in));

		uribl_start(&u, &psl);
		uribl_html(&u, s, strlen(cases[i].in));
		if (strcmp(found(&u), cases[i].out) != 0)
			fail_msg("%s: %s", cases[i].in, found(&u));
		free(s);
	}
}

static void
bounded(void **state)
{
	struct uribl u;
	char url[64];

	(void)state;
	uribl_start(&u, NULL);
	for (int i = 0; i < 100; i++) {
		int n = snprintf(url, sizeof url, "http://a%d.example/", i);
		uribl_text(&u, url, (size_t)n);
	}
	assert_int_equal(u.count, URIBL_DOMAINS_MAX);
	assert_true(u.is_full);
}

static void
names(void **state)
{
	static char const in[] = "http://a.example.com/ http://127.0.0.2/";
	char name[DNS_NAME_SIZE], zone[DNS_NAME_SIZE];
	struct uribl u;

	(void)state;
	uribl_start(&u, &psl);
	uribl_text(&u, in, strlen(in));
	assert_true(uribl_name(&u, 0, "multi.surbl.test", 16, name));
	assert_string_equal(name, "example.com.multi.surbl.test");
	assert_true(uribl_name(&u, 1, "multi.surbl.test", 16, name));
	assert_string_equal(name, "2.0.0.127.multi.surbl.test");
	memset(zone, 'x', sizeof zone);
	assert_false(uribl_name(&u, 0, zone, 250, name));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(text),
		cmocka_unit_test(html),
		cmocka_unit_test(bounded),
		cmocka_unit_test(names),
	};
	int failed;

	if (!psl_open(&psl, NULL))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	psl_close(&psl);
	return failed;
}
