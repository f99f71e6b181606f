/* smtpd: command lines, the preamble, the Received field, owners. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/command.h"
#include "smtpd/lookup.h"
#include "smtpd/preamble.h"
#include "smtpd/received.h"
#include "smtpd/reply.h"

static char *
exact(char const *s, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

static struct {
	char const *line;
	enum smtp_verb verb;
	char const *argument;
} const lines[] = {
	{"EHLO example.org", SMTP_EHLO, "example.org"},
	{"ehlo example.org", SMTP_EHLO, "example.org"},
	{"eHlO \t example.org \t", SMTP_EHLO, "example.org"},
	{"DATA", SMTP_DATA, ""},
	{"DATA ", SMTP_DATA, ""},
	{"DATAX", SMTP_UNKNOWN, ""},
	{"DAT", SMTP_UNKNOWN, ""},
	{"", SMTP_UNKNOWN, ""},
	{" QUIT", SMTP_UNKNOWN, "QUIT"},
	{"MAIL FROM:<a@b> SIZE=1", SMTP_MAIL, "FROM:<a@b> SIZE=1"},
	{"BDAT 5 LAST", SMTP_BDAT, "5 LAST"},
	{"TURN", SMTP_KNOWN, ""},
	{"GET / HTTP/1.1", SMTP_HTTP, "/ HTTP/1.1"},
	{"Host: x", SMTP_HTTP, "x"},
	{"AUTH PLAIN =", SMTP_AUTH, "PLAIN ="},
};

static void
lines_are_taken_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		size_t len = strlen(lines[i].line);
		char *s = exact(lines[i].line, len);
		struct smtp_command c;

		print_message("%s\n", lines[i].line);
		smtp_command_parse(s, len, &c);
		assert_int_equal(c.verb, lines[i].verb);
		assert_int_equal(c.argument_len, strlen(lines[i].argument));
		assert_memory_equal(
			c.argument, lines[i].argument, c.argument_len);
		free(s);
	}
}

static void
lines_are_checked(void **state)
{
	(void)state;
	assert_int_equal(smtp_line_check("NOOP\tx", 6), SMTP_LINE_CLEAN);
	assert_int_equal(smtp_line_check("NOOP\r", 5), SMTP_LINE_CONTROL);
	assert_int_equal(smtp_line_check("NO\0P", 4), SMTP_LINE_CONTROL);
	assert_int_equal(smtp_line_check("NOOP\177", 5), SMTP_LINE_CONTROL);
	assert_int_equal(smtp_line_check("\xe9\r", 2), SMTP_LINE_CONTROL);
	assert_int_equal(smtp_line_check("\xe9", 1), SMTP_LINE_8BIT);
}

#define P_SIZE SMTP_PARAMETER_SIZE
#define P_ALL (P_SIZE | SMTP_PARAMETER_BODY | SMTP_PARAMETER_AUTH)

static struct {
	char const *name, *text;
	unsigned parameters;
	enum smtp_path_error error; /* 0: taken */
	uint64_t size;
	enum smtp_body body;
} const paths[] = {
	{"plain", "FROM:<a@b.org>", P_ALL, 0, 0, SMTP_BODY_7BIT},
	{"any case", "from:<a@b.org>", P_ALL, 0, 0, SMTP_BODY_7BIT},
	{"null", "FROM:<>", P_ALL, 0, 0, SMTP_BODY_7BIT},
	{"blank behind the colon", "FROM: <a@b.org>", P_ALL, 0, 0,
		SMTP_BODY_7BIT},
	{"size", "FROM:<a@b.org> SIZE=404", P_ALL, 0, 404, SMTP_BODY_7BIT},
	{"all", "FROM:<a@b.org> body=8bitmime  size=1 AUTH=<>", P_ALL, 0, 1,
		SMTP_BODY_8BITMIME},
	{"blank at the end", "FROM:<a@b.org> ", P_ALL, 0, 0, SMTP_BODY_7BIT},
	{"largest size", "FROM:<a@b.org> SIZE=18446744073709551615", P_ALL, 0,
		UINT64_MAX, SMTP_BODY_7BIT},
	{"size overflows", "FROM:<a@b.org> SIZE=18446744073709551616", P_ALL,
		SMTP_PATH_VALUE, 0, 0},
	{"size of 21 digits", "FROM:<a@b.org> SIZE=000000000000000000001",
		P_ALL, SMTP_PATH_VALUE, 0, 0},
	{"negative size", "FROM:<a@b.org> SIZE=-1", P_ALL, SMTP_PATH_VALUE, 0,
		0},
	{"no size", "FROM:<a@b.org> SIZE=", P_ALL, SMTP_PATH_VALUE, 0, 0},
	{"size twice", "FROM:<a@b.org> SIZE=1 SIZE=1", P_ALL, SMTP_PATH_VALUE,
		0, 0},
	{"body unknown", "FROM:<a@b.org> BODY=BINARY", P_ALL, SMTP_PATH_VALUE,
		0, 0},
	{"parameter unknown", "FROM:<a@b.org> RET=HDRS", P_ALL,
		SMTP_PATH_PARAMETER, 0, 0},
	{"parameter not known here", "FROM:<a@b.org> AUTH=<>", P_SIZE,
		SMTP_PATH_PARAMETER, 0, 0},
	{"parameter without value", "FROM:<a@b.org> SIZE", P_ALL,
		SMTP_PATH_PARAMETER, 0, 0},
	{"no blank", "FROM:<a@b.org>SIZE=1", P_ALL, SMTP_PATH_SYNTAX, 0, 0},
	{"no keyword", "<a@b.org>", P_ALL, SMTP_PATH_SYNTAX, 0, 0},
	{"blank before the colon", "FROM :<a@b.org>", P_ALL, SMTP_PATH_SYNTAX,
		0, 0},
	{"nothing", "", P_ALL, SMTP_PATH_SYNTAX, 0, 0},
	{"keyword alone", "FROM:", P_ALL, SMTP_PATH_SYNTAX, 0, 0},
	{"blanks alone", "FROM:  ", P_ALL, SMTP_PATH_SYNTAX, 0, 0},
	{"bad address", "FROM:<a>", P_ALL, SMTP_PATH_ADDRESS, 0, 0},
	{"no brackets", "FROM:a@b.org", P_ALL, SMTP_PATH_ADDRESS, 0, 0},
};

static void
paths_and_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		size_t len = strlen(paths[i].text);
		char *s = exact(paths[i].text, len);
		struct smtp_path path;
		enum smtp_path_error e;
		enum addr_error ae;
		bool ok = smtp_path_parse(s, len, "FROM:", ADDR_ALLOW_EMPTY,
			paths[i].parameters, &path, &e, &ae);

		print_message("%s\n", paths[i].name);
		assert_int_equal(ok, paths[i].error == 0);
		if (ok) {
			assert_true(path.parameters.size == paths[i].size);
			assert_int_equal(path.parameters.body, paths[i].body);
		} else {
			assert_int_equal(e, paths[i].error);
		}
		free(s);
	}
}

static void
preamble_round_trip(void **state)
{
	struct smtp_preamble p = {.helo = "mx.example.org",
		.tls = "TLSv1.2 ECDHE-ECDSA-AES128-GCM-SHA256"};
	struct smtp_preamble q;
	char text[SMTP_PREAMBLE_MAX];
	size_t used;

	(void)state;
	for (int i = 0; i < 3; i++) {
		size_t len = smtp_preamble_format(text, &p);
		char *s = exact(text, len);

		for (size_t n = 0; n < len; n++) {
			char *part = exact(s, n);
			assert_int_equal(
				smtp_preamble_parse(part, n, &q, &used), 0);
			free(part);
		}
		assert_int_equal(smtp_preamble_parse(s, len, &q, &used), 1);
		assert_int_equal(used, len);
		assert_string_equal(q.helo, p.helo);
		assert_string_equal(q.tls, p.tls);
		free(s);
		p.tls[0] = '\0';
		if (i == 1)
			strcpy(p.helo, "a");
	}
	/* The longest, whose netstring has three digits. */
	for (size_t i = 0; i < SMTP_HELO_MAX; i++)
		p.helo[i] = i % 50 == 49 ? '.' : 'a';
	p.helo[SMTP_HELO_MAX] = '\0';
	memset(p.tls, 't', SMTP_TLS_MAX);
	p.tls[SMTP_TLS_MAX] = '\0';
	size_t len = smtp_preamble_format(text, &p);
	assert_int_equal(len, SMTP_PREAMBLE_MAX);
	assert_int_equal(smtp_preamble_parse(text, len, &q, &used), 1);
	assert_string_equal(q.helo, p.helo);
}

#define S(text) text, sizeof(text) - 1

static void
preamble_is_checked(void **state)
{
	static struct {
		char const *s;
		size_t len;
	} const bad[] = {{S("x")}, {S(":")}, {S("0:,")}, {S("1:\0,")},
		{S("3:\0\0\0,")}, {S("3:a\0\0;")}, {S("3:a\0b,")},
		{S("5:a\0\0\0\0,")}, {S("5:aa\0\0b,")}, {S("4:a\0\0\0,")},
		{S("5:a b\0\0,")}, {S("4:a\n\0\0,")}, {S("6:a\0b\r\n\0,")},
		{S("5:a\0)b\0,")}, {S("5:a\0\0x\0,")}, {S("5:a\0\0.\0,")},
		{S("9999:")}, {S("999:")}};
	struct smtp_preamble q;
	size_t used;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char *s = exact(bad[i].s, bad[i].len);
		print_message("%s\n", bad[i].s);
		assert_int_equal(
			smtp_preamble_parse(s, bad[i].len, &q, &used), -1);
		free(s);
	}
}

static struct {
	char const *text;
	enum smtp_parameter_error error; /* 0: taken */
} const parameters[] = {
	{"SMTPUTF8", 0},
	{"SMTPUTF8=", SMTP_PARAMETER_VALUE},
	{"RET=hdrs", 0},
	{"RET=", SMTP_PARAMETER_VALUE},
	{"ENVID=QQ+2B+3D~", 0},
	{"ENVID=", SMTP_PARAMETER_VALUE},
	{"ENVID=+", SMTP_PARAMETER_VALUE},
	{"ENVID=+2", SMTP_PARAMETER_VALUE},
	{"ENVID=+2b", SMTP_PARAMETER_VALUE},
	{"ENVID=+0D", SMTP_PARAMETER_VALUE},
	{"ENVID=+7F", SMTP_PARAMETER_VALUE},
	{"ENVID=a=b", SMTP_PARAMETER_VALUE},
	{"NOTIFY=never", 0},
	{"NOTIFY=SUCCESS,FAILURE,DELAY", 0},
	{"NOTIFY=SUCCESS,SUCCESS", 0},
	{"NOTIFY=NEVER,SUCCESS", SMTP_PARAMETER_VALUE},
	{"NOTIFY=SUCCESS,NEVER", SMTP_PARAMETER_VALUE},
	{"NOTIFY=", SMTP_PARAMETER_VALUE},
	{"NOTIFY=SUCCESS,", SMTP_PARAMETER_VALUE},
	{"NOTIFY=,SUCCESS", SMTP_PARAMETER_VALUE},
	{"ORCPT=rfc822;a+2Bb@example.org", 0},
	{"ORCPT=utf-8;\\x{e9}@example.org", 0},
	{"ORCPT=utf-8;Ã©@example.org", 0},
	{"ORCPT=rfc822;Ã©@example.org", SMTP_PARAMETER_VALUE},
	{"ORCPT=rfc822;", SMTP_PARAMETER_VALUE},
	{"ORCPT=;a@b", SMTP_PARAMETER_VALUE},
	{"ORCPT=a@b", SMTP_PARAMETER_VALUE},
	{"ORCPT=rfc(822;a@b", SMTP_PARAMETER_VALUE},
	{"BY=120;R", 0},
	{"BY=+120;nt", 0},
	{"BY=-999999999;NT", 0},
	{"BY=0;N", 0},
	{"BY=0;R", SMTP_PARAMETER_VALUE},
	{"BY=-5;R", SMTP_PARAMETER_VALUE},
	{"BY=1000000000;R", SMTP_PARAMETER_VALUE},
	{"BY=120", SMTP_PARAMETER_VALUE},
	{"BY=;R", SMTP_PARAMETER_VALUE},
	{"BY=-;N", SMTP_PARAMETER_VALUE},
	{"BY=120;", SMTP_PARAMETER_VALUE},
	{"BY=120;X", SMTP_PARAMETER_VALUE},
	{"BY=120;RTT", SMTP_PARAMETER_VALUE},
	{"HOLDFOR=60", 0},
	{"HOLDFOR=0", SMTP_PARAMETER_VALUE},
	{"HOLDFOR=1000000000", SMTP_PARAMETER_VALUE},
	{"HOLDUNTIL=2026-11-25T10:00:00Z", 0},
	{"HOLDUNTIL=2026-11-25T10:00:00+01:00", SMTP_PARAMETER_VALUE},
	{"REQUIRETLS", 0},
	{"REQUIRETLS=1", SMTP_PARAMETER_VALUE},
	{"MT-PRIORITY=9", 0},
	{"MT-PRIORITY=-9", 0},
	{"MT-PRIORITY=0", 0},
	{"MT-PRIORITY=-0", SMTP_PARAMETER_VALUE},
	{"MT-PRIORITY=10", SMTP_PARAMETER_VALUE},
	{"MT-PRIORITY=+3", SMTP_PARAMETER_VALUE},
	{"MT-PRIORITY=", SMTP_PARAMETER_VALUE},
	{"MT-PRIORITY", SMTP_PARAMETER_UNKNOWN},
	{"BODY", SMTP_PARAMETER_UNKNOWN},
	{"X=1", SMTP_PARAMETER_UNKNOWN},
};

static void
parameters_are_checked(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++) {
		size_t len = strlen(parameters[i].text);
		char *s = exact(parameters[i].text, len);
		struct smtp_parameters p = {0};
		enum smtp_parameter_error e = 0;

		print_message("%s\n", parameters[i].text);
		assert_int_equal(smtp_parameter_parse(s, len, ~0u, &p, &e),
			parameters[i].error == 0);
		if (parameters[i].error != 0)
			assert_int_equal(e, parameters[i].error);
		/* Twice, and where it is not known. */
		if (parameters[i].error == 0) {
			assert_false(smtp_parameter_parse(s, len, ~0u, &p, &e));
			assert_int_equal(e, SMTP_PARAMETER_VALUE);
			assert_false(smtp_parameter_parse(s, len, 0, &p, &e));
			assert_int_equal(e, SMTP_PARAMETER_UNKNOWN);
		}
		free(s);
	}
}

static void
parameters_are_read(void **state)
{
	struct smtp_parameters p = {0};
	enum smtp_parameter_error e;

	(void)state;
	assert_true(smtp_parameter_parse("BY=-60;Nt", 9, ~0u, &p, &e));
	assert_int_equal(p.by_seconds, -60);
	assert_int_equal(p.by_mode, 'N');
	assert_true(p.by_trace);
	assert_true(smtp_parameter_parse("MT-PRIORITY=-3", 14, ~0u, &p, &e));
	assert_int_equal(p.priority, -3);
	assert_true(
		smtp_parameter_parse("NOTIFY=DELAY,SUCCESS", 20, ~0u, &p, &e));
	assert_int_equal(p.notify, 2 | 8);
}

static struct {
	char const *text;
	uint64_t wanted; /* 0: refused */
} const times[] = {
	{"1970-01-01T00:00:01Z", 1},
	{"2009-03-06T08:01:12Z", 1236326472},
	{"2000-02-29T23:59:59Z", 951868799},
	{"2100-03-01T00:00:00z", 4107542400},
	{"9999-12-31t23:59:59Z", 253402300799},
	{"2100-02-29T00:00:00Z", 0},
	{"2026-13-01T00:00:00Z", 0},
	{"2026-00-01T00:00:00Z", 0},
	{"2026-04-31T00:00:00Z", 0},
	{"2026-11-25T24:00:00Z", 0},
	{"2026-11-25 10:00:00Z", 0},
	{"2026-11-25T10:00:00", 0},
	{"2026-1-25T10:00:00Z0", 0},
	{"", 0},
};

static void
times_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		size_t len = strlen(times[i].text);
		char *s = exact(times[i].text, len);
		uint64_t seconds = 0;

		print_message("%s\n", times[i].text);
		assert_int_equal(smtp_parameter_time(s, len, &seconds),
			times[i].wanted != 0);
		if (times[i].wanted != 0)
			assert_true(seconds == times[i].wanted);
		free(s);
	}
}

static void
received_fields(void **state)
{
	struct smtp_received r = {.name = "",
		.helo = "sorcerer.example.net",
		.client = "192.0.2.7",
		.host = "mx.example.org",
		.id = "0123456789abcdef",
		.tls = "",
		.is_extended = true,
		.recipient = "a@example.org",
		.seconds = 1236326472};
	char out[SMTP_RECEIVED_MAX + 1];

	(void)state;
	out[smtp_received_format(out, &r)] = '\0';
	assert_string_equal(out,
		"Received: from sorcerer.example.net ([192.0.2.7])\r\n"
		"\tby mx.example.org with ESMTP id 0123456789abcdef\r\n"
		"\tfor <a@example.org>;\r\n"
		"\tFri, 06 Mar 2009 08:01:12 +0000\r\n");
	r.client = "2001:db8::1";
	r.tls = "TLSv1.2 X";
	r.recipient = NULL;
	out[smtp_received_format(out, &r)] = '\0';
	assert_string_equal(out,
		"Received: from sorcerer.example.net ([IPv6:2001:db8::1])\r\n"
		"\tby mx.example.org with ESMTPS id 0123456789abcdef\r\n"
		"\t(TLSv1.2 X);\r\n"
		"\tFri, 06 Mar 2009 08:01:12 +0000\r\n");
	r.is_login = true;
	out[smtp_received_format(out, &r)] = '\0';
	assert_non_null(strstr(out, " with ESMTPSA id "));
	r.tls = "";
	out[smtp_received_format(out, &r)] = '\0';
	assert_non_null(strstr(out, " with ESMTPA id "));
	r.is_extended = false;
	out[smtp_received_format(out, &r)] = '\0';
	assert_non_null(strstr(out, " with SMTP id "));
}

static void
owners(void **state)
{
	(void)state;
	assert_true(smtp_lookup_has_uid("m 200001", 8, 200001));
	assert_true(smtp_lookup_has_uid("a 1 22 333", 10, 22));
	assert_true(smtp_lookup_has_uid("a 1 22 333", 10, 333));
	assert_false(smtp_lookup_has_uid("a 1 22 333", 10, 33));
	assert_false(smtp_lookup_has_uid("a 1 22 333", 10, 2));
	assert_false(smtp_lookup_has_uid("m 200001", 7, 200001));
	assert_false(smtp_lookup_has_uid("m", 1, 0));
	assert_false(smtp_lookup_has_uid("m ", 2, 0));
	assert_false(smtp_lookup_has_uid("a", 1, 0));
	assert_false(smtp_lookup_has_uid("x 1", 3, 1));
	assert_false(smtp_lookup_has_uid("m 1x", 4, 1));
	assert_false(smtp_lookup_has_uid("m 99999999999", 13, 9));
	assert_false(smtp_lookup_has_uid("", 0, 0));
}

static void
replies_are_well_formed(void **state)
{
	char text[SMTP_REPLY_MAX];

	(void)state;
	for (enum smtp_reply r = 0; r < SMTP_REPLIES; r++) {
		size_t len = smtp_reply_format(text, r, "x");

		/* Somebody else's words. */
		if (r == SMTP_R_GIVEN)
			continue;
		assert_true(len > 4 && len < 200);
		assert_true(text[0] >= '2' && text[0] <= '5');
		assert_int_equal(text[3], ' ');
		if (r == SMTP_R_GREETING || r == SMTP_R_GO_AHEAD ||
			r == SMTP_R_HELLO)
			continue;
		/* RFC 2034: the class of both codes is the same. */
		assert_int_equal(text[4], text[0]);
		assert_int_equal(text[5], '.');
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(lines_are_taken_apart),
		cmocka_unit_test(lines_are_checked),
		cmocka_unit_test(paths_and_parameters),
		cmocka_unit_test(preamble_round_trip),
		cmocka_unit_test(preamble_is_checked),
		cmocka_unit_test(parameters_are_checked),
		cmocka_unit_test(parameters_are_read),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(received_fields),
		cmocka_unit_test(owners),
		cmocka_unit_test(replies_are_well_formed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
