/* common/monitor/request.h, login.h */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/monitor/login.h"

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
peer_round_trip(void **state)
{
	char s[REQUEST_FRAME_MAX];
	struct request got;

	(void)state;
	for (size_t n = 0; n < 20; n++) {
		struct request r = {
			.kind = REQUEST_PEER, .hash = hash, .hash_len = n};
		size_t len = request_encode(s, sizeof s, &r);
		char *frame;

		assert_int_equal(len, n == 16 ? 19 : 0);
		if (len == 0)
			continue;
		for (size_t part = 0; part <= len + 1; part++) {
			frame = exact(s, part);
			assert_int_equal(
				request_decode(frame, part, &got), part == len);
			free(frame);
		}
		frame = exact(s, len);
		assert_true(request_decode(frame, len, &got));
		assert_int_equal(got.kind, REQUEST_PEER);
		assert_memory_equal(got.hash, hash, 16);
		free(frame);
	}
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
			.hash = hash,
			.hash_len = cases[i].len};
		size_t len = request_encode(s, sizeof s, &r);
		assert_int_equal(len > 0, cases[i].good);
		if (len == 0)
			continue;
		char *frame = exact(s, len);
		assert_true(request_decode(frame, len, &got));
		assert_int_equal(got.key_index, 1);
		assert_int_equal(got.key_type, cases[i].key_type);
		assert_int_equal(got.algorithm, cases[i].algorithm);
		assert_int_equal(got.hash_len, cases[i].len);
		assert_memory_equal(got.hash, hash, got.hash_len);
		free(frame);
	}
}

static void
every_shorter_and_longer_frame_is_refused(void **state)
{
	struct request r = {.kind = REQUEST_SIGN,
		.key_type = 'E',
		.algorithm = 4,
		.hash = hash,
		.hash_len = 32};
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
what_is_asked_for_without_more(void **state)
{
	char s[REQUEST_FRAME_MAX];
	struct request got;

	(void)state;
	for (unsigned kind = 0; kind < 256; kind++) {
		struct request r = {.kind = (enum request_kind)kind};
		bool is_good = kind == 'A' || kind == 'C' || kind == 'P';
		size_t len = request_encode(s, sizeof s, &r);
		assert_int_equal(len, is_good ? 1 : 0);
		s[0] = (char)kind;
		assert_int_equal(request_decode(s, 1, &got), is_good);
		assert_false(request_decode(s, 2, &got));
	}
}

static void
signatures(void **state)
{
	unsigned char signature[REQUEST_SIGNATURE_MAX] = {1, 2, 3};
	unsigned char const *signature_r;
	char s[REQUEST_FRAME_MAX];
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
}

static void
orders_to_a_template(void **state)
{
	struct template_order o;
	char s[REQUEST_FRAME_MAX];
	size_t len = template_encode(
		s, sizeof s, TEMPLATE_FORK, 77, true, 25, "192.0.2.1");

	(void)state;
	assert_true(template_decode(s, len, &o));
	assert_int_equal(o.kind, TEMPLATE_FORK);
	assert_int_equal(o.ticket, 77);
	assert_true(o.implicit_tls);
	assert_int_equal(o.port, 25);
	assert_int_equal(o.client_len, 9);
	assert_memory_equal(o.client, "192.0.2.1", 9);
	for (size_t n = 0; n < len; n++) {
		char *frame = exact(s, n);
		assert_false(template_decode(frame, n, &o));
		free(frame);
	}
	s[0] = '\0';
	assert_false(template_decode(s, len, &o));
	s[0] = 'x';
	assert_false(template_decode(s, len, &o));
	len = template_encode(s, sizeof s, TEMPLATE_FORK, 1, false, 1, "a b");
	assert_false(template_decode(s, len, &o));
}

static void
sessions_with_others(void **state)
{
	struct role_session session;
	char s[REQUEST_FRAME_MAX];
	size_t len = role_session_encode(s, sizeof s, 0xfffffffe, "pop3",
		"2001:db8::1", "a@b.example", 11, true);

	(void)state;
	assert_true(role_session_decode(s, len, &session));
	assert_int_equal(session.ticket, 0xfffffffe);
	assert_memory_equal(session.service, "pop3", 4);
	assert_memory_equal(session.client, "2001:db8::1", 11);
	assert_memory_equal(session.mailbox, "a@b.example", 11);
	assert_true(session.is_listed);
	for (size_t n = 0; n < len; n++) {
		char *frame = exact(s, n);
		assert_false(role_session_decode(frame, n, &session));
		free(frame);
	}
	len = role_session_encode(s, sizeof s, 1, "", "x", "", 0, false);
	assert_false(role_session_decode(s, len, &session));
	len = role_session_encode(s, sizeof s, 1, "imap", "x\n", "", 0, false);
	assert_false(role_session_decode(s, len, &session));
}

static void
who_is_let_in(void **state)
{
	char s[REQUEST_FRAME_MAX];
	char const *mailbox;
	uint32_t ticket;
	size_t n,
		len = request_admit_encode(s, sizeof s, 77, "a@b.example", 11);

	(void)state;
	assert_true(request_admit_decode(s, len, &ticket, &mailbox, &n));
	assert_int_equal(ticket, 77);
	assert_int_equal(n, 11);
	assert_memory_equal(mailbox, "a@b.example", n);
	assert_false(request_admit_decode(s, len - 1, &ticket, &mailbox, &n));
	assert_int_equal(request_admit_encode(s, sizeof s, 77, "", 0), 0);
	assert_int_equal(request_admit_encode(s, sizeof s, 77, "a\nb", 3), 0);
}

static void
steps_of_a_login(void **state)
{
	static char const big[LOGIN_TOKEN_MAX + 1];
	struct login_step got, step = {.mechanism = "PLAIN",
				       .mechanism_len = 5,
				       .message = big,
				       .message_len = sizeof big};
	enum request_verdict v;
	char s[LOGIN_FRAME_MAX];
	char const *challenge;
	size_t n, len;

	(void)state;
	assert_int_equal(login_step_encode(s, sizeof s, &step), 0);
	step.message_len--;
	len = login_step_encode(s, sizeof s, &step);
	assert_true(len > 0 && login_step_decode(s, len, &got));
	assert_int_equal(got.message_len, LOGIN_TOKEN_MAX);
	assert_memory_equal(got.mechanism, "PLAIN", 5);
	assert_false(login_step_decode(s, len - 1, &got));
	step.message_len = 0;
	len = login_step_encode(s, sizeof s, &step);
	assert_true(len > 0 && login_step_decode(s, len, &got));
	step.mechanism_len = 0;
	len = login_step_encode(s, sizeof s, &step);
	assert_true(len > 0 && login_step_decode(s, len, &got));
	step.mechanism_len = LOGIN_MECHANISM_MAX + 1;
	assert_int_equal(login_step_encode(s, sizeof s, &step), 0);

	len = login_answer_encode(s, sizeof s, REQUEST_GO_ON, "r=1", 3);
	assert_true(login_answer_decode(s, len, &v, &challenge, &n));
	assert_int_equal(v, REQUEST_GO_ON);
	assert_memory_equal(challenge, "r=1", 3);
	s[0] = 'x';
	assert_false(login_answer_decode(s, len, &v, &challenge, &n));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(sign_round_trip),
		cmocka_unit_test(peer_round_trip),
		cmocka_unit_test(every_shorter_and_longer_frame_is_refused),
		cmocka_unit_test(what_is_asked_for_without_more),
		cmocka_unit_test(signatures),
		cmocka_unit_test(orders_to_a_template),
		cmocka_unit_test(sessions_with_others),
		cmocka_unit_test(who_is_let_in),
		cmocka_unit_test(steps_of_a_login),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
