/* common/monitor/request.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/monitor/request.h"

static char const hash[64] = "0123456789abcdef0123456789abcdef"
			     "0123456789abcdef0123456789abcde";

/* An exact-size copy, so that the sanitizer sees one octet too far. */
static char *
exact(char const *s, size_t len)
{
	char *copy = malloc(len > 0 ? len : 1);

	assert_non_null(copy);
	memcpy(copy, s, len);
	return copy;
}

static void
sign_round_trip(void **state)
{
	static struct {
		uint8_t algorithm, key_type;
		size_t len;
		bool good;
	} const cases[] = {
		{4, 'E', 32, true},
		{5, 'R', 48, true},
		{6, 'E', 64, true},
		{4, 'E', 31, false},
		{4, 'E', 48, false},
		{2, 'R', 20, false}, /* SHA-1 */
		{0, 'R', 36, false}, /* MD5 and SHA-1 */
		{7, 'R', 32, false},
		{4, 'X', 32, false},
		{4, 'E', 0, false},
	};
	char s[REQUEST_FRAME_MAX];
	struct request got;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct request r = {.kind = REQUEST_SIGN,
			.key_index = 1,
			.key_type = cases[i].key_type,
			.algorithm = cases[i].algorithm,
			.data = hash,
			.data_len = cases[i].len};
		size_t len = request_encode(s, sizeof s, &r);
		assert_int_equal(len > 0, cases[i].good);
		if (len == 0)
			continue;
		char *frame = exact(s, len);
		assert_true(request_decode(frame, len, &got));
		assert_int_equal(got.key_index, 1);
		assert_int_equal(got.key_type, cases[i].key_type);
		assert_int_equal(got.algorithm, cases[i].algorithm);
		assert_int_equal(got.data_len, cases[i].len);
		assert_memory_equal(got.data, hash, got.data_len);
		free(frame);
	}
}

static void
every_shorter_and_longer_frame_is_refused(void **state)
{
	struct request r = {.kind = REQUEST_SASL,
		.data = "\0alice\0secret",
		.data_len = 13};
	char s[REQUEST_FRAME_MAX];
	size_t len = request_encode(s, sizeof s, &r);
	struct request got;

	(void)state;
	assert_true(len > 0);
	for (size_t n = 0; n < len; n++) {
		char *frame = exact(s, n);
		assert_false(request_decode(frame, n, &got));
		free(frame);
		assert_int_equal(request_encode(s, n, &r), 0);
	}
	assert_int_equal(request_encode(s, len, &r), len);
	s[len] = 0;
	assert_false(request_decode(s, len + 1, &got));
	s[0] = 'Q';
	assert_false(request_decode(s, len, &got));
}

static void
sasl_is_bounded(void **state)
{
	static char const big[REQUEST_SASL_MAX + 1];
	char s[REQUEST_FRAME_MAX];
	struct request got, r = {.kind = REQUEST_SASL, .data = big};

	(void)state;
	r.data_len = sizeof big;
	assert_int_equal(request_encode(s, sizeof s, &r), 0);
	r.data_len = 0;
	assert_int_equal(request_encode(s, sizeof s, &r), 0);
	r.data_len = REQUEST_SASL_MAX;
	size_t len = request_encode(s, sizeof s, &r);
	assert_true(len > 0 && request_decode(s, len, &got));
	assert_int_equal(got.data_len, REQUEST_SASL_MAX);
}

static void
answers_round_trip(void **state)
{
	unsigned char signature[REQUEST_SIGNATURE_MAX] = {1, 2, 3};
	unsigned char const *signature_r;
	char const *mailbox;
	char s[REQUEST_FRAME_MAX];
	enum request_verdict v;
	uint32_t ticket;
	size_t len, n;

	(void)state;
	len = request_signature_encode(
		s, sizeof s, signature, sizeof signature);
	assert_true(request_signature_decode(s, len, &signature_r, &n));
	assert_int_equal(n, sizeof signature);
	assert_memory_equal(signature_r, signature, n);
	len = request_signature_encode(s, sizeof s, signature, 0);
	assert_true(request_signature_decode(s, len, &signature_r, &n));
	assert_int_equal(n, 0);

	len = request_verdict_encode(
		s, sizeof s, REQUEST_OK, "a@b.example", 11);
	assert_true(request_verdict_decode(s, len, &v, &mailbox, &n));
	assert_int_equal(v, REQUEST_OK);
	assert_int_equal(n, 11);
	assert_memory_equal(mailbox, "a@b.example", n);
	s[0] = 'x';
	assert_false(request_verdict_decode(s, len, &v, &mailbox, &n));
	assert_int_equal(
		request_verdict_encode(s, sizeof s, REQUEST_OK, "a\nb", 3), 0);

	len = auth_answer_encode(s, sizeof s, 77, REQUEST_DENIED, "", 0);
	assert_true(auth_answer_decode(s, len, &ticket, &v, &mailbox, &n));
	assert_int_equal(ticket, 77);
	assert_int_equal(v, REQUEST_DENIED);
	assert_int_equal(
		auth_answer_encode(s, sizeof s, 77, REQUEST_OK, "", 0), 0);
}

static void
question_round_trip(void **state)
{
	struct auth_question got, q = {.ticket = 0xfffffffe,
					  .client = "2001:db8::1",
					  .client_len = 11,
					  .service = "pop3",
					  .service_len = 4,
					  .sasl = "\0a\0b",
					  .sasl_len = 4};
	char s[REQUEST_FRAME_MAX];
	size_t len = auth_question_encode(s, sizeof s, &q);

	(void)state;
	char *frame = exact(s, len);
	assert_true(auth_question_decode(frame, len, &got));
	assert_int_equal(got.ticket, q.ticket);
	assert_int_equal(got.client_len, 11);
	assert_memory_equal(got.client, q.client, 11);
	assert_memory_equal(got.service, "pop3", 4);
	assert_memory_equal(got.sasl, q.sasl, 4);
	free(frame);
	q.service = "pop3 x";
	q.service_len = 6;
	assert_int_equal(auth_question_encode(s, sizeof s, &q), 0);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(sign_round_trip),
		cmocka_unit_test(every_shorter_and_longer_frame_is_refused),
		cmocka_unit_test(sasl_is_bounded),
		cmocka_unit_test(answers_round_trip),
		cmocka_unit_test(question_round_trip),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
