/* smtpd/data, glance: where a message ends, and what is wrong with it. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "smtpd/data.h"
#include "smtpd/glance.h"

#define S(text) text, sizeof(text) - 1

static struct {
	char const *name;
	char const *in;
	size_t in_len;
	char const *out; /* when there is no flaw */
	size_t out_len;
	unsigned flaws;
	size_t rest; /* octets behind the end; NO_END: it never comes */
} const cases[] = {
#define NO_END ((size_t)-1)
	{"a line", S("Hello\r\n.\r\n"), S("Hello\r\n"), 0, 0},
	{"nothing", S(".\r\n"), S(""), 0, 0},
	{"an empty line", S("\r\n.\r\nQUIT\r\n"), S("\r\n"), 0, 6},
	{"stuffed dot", S("..\r\n.\r\n"), S(".\r\n"), 0, 0},
	{"stuffed dots", S("...a\r\n..b\r\n.\r\n"), S("..a\r\n.b\r\n"), 0, 0},
	{"dot before text", S(".a\r\n.\r\n"), S("a\r\n"), 0, 0},
	{"dot within a line", S("a.\r\nb.c\r\n.\r\n"), S("a.\r\nb.c\r\n"), 0,
		0},
	{"no end", S("a\r\n"), S("a\r\n"), 0, NO_END},
	{"dot behind text", S("a.\r\n"), S("a.\r\n"), 0, NO_END},
	{"8 bits", S("\xff\r\n.\r\n"), S("\xff\r\n"), 0, 0},

	{"smuggling: LF . LF", S("a\n.\nb\r\n.\r\n"), S(""), SMTP_DATA_BARE_LF,
		0},
	{"smuggling: LF . CR LF", S("a\n.\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_LF, 0},
	{"smuggling: LF . CR", S("a\n.\rb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR, 0},
	{"smuggling: CR . LF", S("a\r.\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_LF | SMTP_DATA_BARE_CR, 0},
	{"smuggling: CR . CR", S("a\r.\rb\r\n.\r\n"), S(""), SMTP_DATA_BARE_CR,
		0},
	{"smuggling: CR . CR LF", S("a\r.\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_CR, 0},
	{"smuggling: CRLF . LF", S("a\r\n.\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_LF, 0},
	{"smuggling: CRLF . CR", S("a\r\n.\rb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_CR, 0},
	{"smuggling: CRLF . CR CR LF", S("a\r\n.\r\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_CR, 0},
	{"smuggling: CRLF . NUL CRLF", S("a\r\n.\0\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_NUL, 0},
	{"smuggling: CRLF NUL . CRLF", S("a\r\n\0.\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_NUL, 0},
	{"smuggling: CRCRLF . CRCRLF", S("a\r\r\n.\r\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_CR, 0},
	{"smuggling: CRCRLF . CRLF", S("a\r\r\n.\r\nb\r\n"), S(""),
		SMTP_DATA_BARE_CR, 3},
	{"smuggling: LF at the start", S("\n.\r\nb\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_LF, 0},
	{"smuggling: CRLF .. CRLF is text", S("a\r\n..\r\nb\r\n.\r\n"),
		S("a\r\n.\r\nb\r\n"), 0, 0},
	{"smuggling: CRLF . blank CRLF is text", S("a\r\n. \r\nb\r\n.\r\n"),
		S("a\r\n \r\nb\r\n"), 0, 0},
	{"CR at the start", S("\r\r\n.\r\n"), S(""), SMTP_DATA_BARE_CR, 0},
	{"NUL in a line", S("a\0b\r\n.\r\n"), S(""), SMTP_DATA_NUL, 0},
	{"CR before the dot's CRLF", S("a\r\n.\r.\r\n.\r\n"), S(""),
		SMTP_DATA_BARE_CR, 0},
};

/* Feed in[0..len) in pieces of at most step octets; returns what was eaten. */
static size_t
feed(struct smtp_data *d, char const *in, size_t len, size_t step, char *out,
	size_t *out_len)
{
	size_t i = 0;

	*out_len = 0;
	while (i < len && d->state != SMTP_DATA_END) {
		size_t n = len - i < step ? len - i : step, done = 0;
		/* Each piece on its own, so that none looks beyond it. */
		char *piece = malloc(n);

		assert_non_null(piece);
		memcpy(piece, in + i, n);
		while (done < n && d->state != SMTP_DATA_END) {
			char const *span;
			size_t span_len, eaten;

			eaten = smtp_data_push(
				d, piece + done, n - done, &span, &span_len);
			assert_true(eaten > 0 && eaten <= n - done);
			assert_true(span_len <= eaten);
			memcpy(out + *out_len, span, span_len);
			*out_len += span_len;
			done += eaten;
		}
		free(piece);
		i += done;
	}
	return i;
}

static void
every_case_in_every_step(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		print_message("%s\n", cases[i].name);
		for (size_t step = 1; step <= cases[i].in_len; step++) {
			struct smtp_data d = SMTP_DATA_ZERO;
			size_t out_len;
			size_t eaten = feed(&d, cases[i].in, cases[i].in_len,
				step, out, &out_len);
			bool ended = d.state == SMTP_DATA_END;

			assert_int_equal(ended, cases[i].rest != NO_END);
			if (ended)
				assert_int_equal(
					cases[i].in_len - eaten, cases[i].rest);
			assert_int_equal(d.flaws, cases[i].flaws);
			if (d.flaws != 0)
				continue;
			assert_int_equal(out_len, cases[i].out_len);
			assert_memory_equal(out, cases[i].out, out_len);
		}
	}
}

static void
nothing_to_eat(void **state)
{
	struct smtp_data d = SMTP_DATA_ZERO;
	char const *span;
	size_t len;

	(void)state;
	assert_int_equal(smtp_data_push(&d, "", 0, &span, &len), 0);
	assert_int_equal(len, 0);
	d.state = SMTP_DATA_END;
	assert_int_equal(smtp_data_push(&d, "x", 1, &span, &len), 0);
}

static struct {
	char const *text;
	unsigned hops;
	char const *id;
} const headers[] = {
	{"", 0, ""},
	{"Received: a\r\n\r\n", 1, ""},
	{"received:\r\nRECEIVED: b\r\n\tc\r\n\r\n", 2, ""},
	{"X-Received: a\r\nReceived : b\r\nReceive: c\r\n\r\n", 0, ""},
	{"Subject: a\r\n\r\nReceived: b\r\n", 0, ""},
	{"\r\nReceived: b\r\n", 0, ""},
	{"Subject: Received: a\r\nReceived: b\r\n Received: c\r\n\r\n", 1, ""},
	{"Rec\r\nReceived: b\r\n", 1, ""},
	{"a\r\nReceived:", 1, ""},
	{"a\r\nReceived", 0, ""},
	{"Message-ID: <a@b>\r\n\r\n", 0, "a@b"},
	{"message-id:\r\n\t<a@b>\r\nReceived: c\r\n\r\n", 1, "a@b"},
	{"Message-ID: a\r\n b\r\nMessage-ID: c\r\n\r\n", 0, "ab"},
	{"Message-ID:", 0, ""},
	{"Message-IDs: <a>\r\n\r\nMessage-ID: <b>\r\n", 0, ""},
	{"Re\r\n Message-ID: <a>\r\n\r\n", 0, ""},
};

static void
header_is_glanced_at(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
		size_t len = strlen(headers[i].text);

		for (size_t step = 1; step <= len; step++) {
			struct smtp_glance h = SMTP_GLANCE_ZERO;
			for (size_t at = 0; at < len; at += step) {
				size_t n = len - at < step ? len - at : step;
				char *piece = malloc(n);

				assert_non_null(piece);
				memcpy(piece, headers[i].text + at, n);
				smtp_glance_push(&h, piece, n);
				free(piece);
			}
			assert_int_equal(h.hops, headers[i].hops);
			assert_int_equal(h.id_len, strlen(headers[i].id));
			assert_memory_equal(h.id, headers[i].id, h.id_len);
		}
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(every_case_in_every_step),
		cmocka_unit_test(nothing_to_eat),
		cmocka_unit_test(header_is_glanced_at),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
