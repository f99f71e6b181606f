/* smtpd/policing.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include "common/pair.h"
#include "smtpd/policing.h"
#include "tests/unit/exact.h"

#define B(text)                                                                \
	{                                                                      \
		text, sizeof text - 1                                          \
	}

static struct policing_question const sample = {
	.stage = POLICING_RCPT,
	.client = B("192.0.2.1"),
	.name = B(""),
	.helo = B("mx.example.org"),
	.mailbox = B(""),
	.sender = B("a@example.org"),
	.recipient = B("b@example.net"),
	.size = 5,
};

static void
question_round_trip(void **state)
{
	char s[1024], *frame;
	struct policing_question got, q = sample;
	size_t len = policing_question_encode(s, sizeof s, &sample);

	(void)state;
	assert_true(len > 0);
	frame = exact(s, len);
	assert_true(policing_question_decode(frame, len, &got));
	assert_int_equal(got.stage, POLICING_RCPT);
	assert_int_equal(got.recipient.len, 13);
	assert_int_equal(got.size, 5);
	free(frame);
	for (size_t cut = 0; cut < len; cut++) {
		frame = exact(s, cut);
		assert_false(policing_question_decode(frame, cut, &got));
		free(frame);
	}
	q.helo = (struct checking_bytes)B("a\nb");
	assert_int_equal(policing_question_encode(s, sizeof s, &q), 0);
}

static void
answers(void **state)
{
	static struct {
		struct policing_answer a;
		bool good;
	} const cases[] = {
		{{.action = POLICING_ACCEPT,
			 .delay_ms = 0,
			 .text = "",
			 .messages = 7},
			true},
		{{.action = POLICING_ACCEPT,
			 .delay_ms = 5000,
			 .text = "",
			 .messages = 7},
			true},
		{{.action = POLICING_LATER,
			 .delay_ms = 0,
			 .text = "450 4.7.1 try again later",
			 .messages = 7},
			true},
		{{.action = POLICING_REFUSE,
			 .delay_ms = 0,
			 .text = "550 5.7.1 no",
			 .messages = 7},
			true},
		{{.action = POLICING_LATER,
			 .delay_ms = 0,
			 .text = "",
			 .messages = 7},
			true},
		{{.action = POLICING_LATER,
			 .delay_ms = 0,
			 .text = "550 5.7.1 no",
			 .messages = 7},
			false},
		{{.action = POLICING_REFUSE,
			 .delay_ms = 0,
			 .text = "450 4.7.1 no",
			 .messages = 7},
			false},
		{{.action = POLICING_ACCEPT,
			 .delay_ms = 0,
			 .text = "250 2.0.0 ok",
			 .messages = 7},
			false},
		{{.action = POLICING_REFUSE,
			 .delay_ms = 0,
			 .text = "550-5.7.1 no",
			 .messages = 7},
			false},
		{{.action = POLICING_REFUSE,
			 .delay_ms = 0,
			 .text = "550 a\r\n",
			 .messages = 7},
			false},
		{{.action = POLICING_REFUSE,
			 .delay_ms = 0,
			 .text = "550",
			 .messages = 7},
			false},
		{{.action = POLICING_ACCEPT,
			 .delay_ms = 60001,
			 .text = "",
			 .messages = 7},
			false},
		{{.action = POLICING_ACCEPT,
			 .messages = 7,
			 .is_held = true,
			 .alarm = 'm'},
			true},
		{{.action = POLICING_LATER, .messages = 7, .alarm = 'x'}, true},
		{{.action = POLICING_LATER, .messages = 7, .is_held = true},
			false},
		{{.action = POLICING_ACCEPT, .messages = 7, .alarm = 'z'},
			false},
	};
	char s[1024];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct policing_answer got;
		size_t len = policing_answer_encode(s, sizeof s, &cases[i].a);
		assert_int_equal(len > 0, cases[i].good);
		if (len == 0)
			continue;
		char *frame = exact(s, len);
		assert_true(policing_answer_decode(frame, len, &got));
		assert_int_equal(got.action, cases[i].a.action);
		assert_int_equal(got.delay_ms, cases[i].a.delay_ms);
		assert_string_equal(got.text, cases[i].a.text);
		assert_int_equal(got.messages, 7);
		assert_int_equal(got.is_held, cases[i].a.is_held);
		assert_int_equal(got.alarm, cases[i].a.alarm);
		free(frame);
	}
}

static void
asked(void **state)
{
	struct policing_answer want = {.action = POLICING_LATER,
				       .delay_ms = 100,
				       .text = "450 4.7.1 later"},
			       got;
	char s[1024];
	int ends[2];
	size_t len = policing_answer_encode(s, sizeof s, &want);

	(void)state;
	assert_true(pair_make(ends, false));
	assert_true(pair_send(ends[1], s, len, NULL, 0));
	assert_true(policing_ask(ends[0], &sample, 20000, &got));
	assert_int_equal(got.action, POLICING_LATER);
	/* Nonsense, silence and the end accept. */
	assert_true(pair_send(ends[1], "zz", 2, NULL, 0));
	assert_false(policing_ask(ends[0], &sample, 20000, &got));
	assert_int_equal(got.action, POLICING_ACCEPT);
	assert_false(policing_ask(ends[0], &sample, 1, &got));
	assert_int_equal(got.action, POLICING_ACCEPT);
	close(ends[1]);
	assert_false(policing_ask(ends[0], &sample, 20000, &got));
	assert_int_equal(got.action, POLICING_ACCEPT);
	close(ends[0]);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(question_round_trip),
		cmocka_unit_test(answers),
		cmocka_unit_test(asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
