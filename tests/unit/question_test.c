/* question.h and remember.h: what auth is asked, and what it remembers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/monitor/question.h"
#include "common/monitor/remember.h"
#include "exact.h"

#define LIT(s) s, sizeof s - 1

static void
messages_are_read(void **state)
{
	static char big[LOGIN_MESSAGE_MAX + 100];
	static struct {
		char const *s;
		size_t len;
		char const *user, *password; /* NULL: malformed */
	} const cases[] = {
		{LIT("\0bob@a.test\0secret"), "bob@a.test", "secret"},
		{LIT("\0Bob@A.Test\0Secret"), "bob@a.test", "Secret"},
		{LIT("\0bob\0secret"), "bob@our.test", "secret"},
		{LIT("bob\0bob\0x"), "bob@our.test", "x"},
		{LIT("\0bob\0\xc3\xa4 b"), "bob@our.test", "\xc3\xa4 b"},
		/* to act as somebody else */
		{LIT("alice\0bob\0secret"), NULL, NULL},
		{LIT("bobby\0bob\0secret"), NULL, NULL},
		{LIT(""), NULL, NULL},
		{LIT("\0"), NULL, NULL},
		{LIT("\0bob"), NULL, NULL},
		{LIT("\0bob\0"), NULL, NULL},
		{LIT("\0\0secret"), NULL, NULL},
		{LIT("\0bob\0secret\0"), NULL, NULL},
		{LIT("\0bob\0sec\0ret"), NULL, NULL},
		{LIT("\0bob smith\0secret"), NULL, NULL},
		{LIT("\0bob\n\0secret"), NULL, NULL},
		{LIT("\0bob\x7f\0secret"), NULL, NULL},
	};
	struct question q;
	char *s;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		s = exact(cases[i].s, cases[i].len);
		q = (struct question){0};
		assert_int_equal(question_read(&q, s, cases[i].len, "our.test"),
			cases[i].user != NULL);
		free(s);
		if (cases[i].user == NULL)
			continue;
		assert_int_equal(q.user_len, strlen(cases[i].user));
		assert_memory_equal(q.user, cases[i].user, q.user_len);
		assert_string_equal(q.password, cases[i].password);
		assert_int_equal(q.password_len, strlen(cases[i].password));
	}
	/* Too long: the user, the user with our domain, the password. */
	memset(big, 'a', sizeof big);
	big[0] = big[REQUEST_MAILBOX_MAX + 2] = '\0';
	q = (struct question){0};
	assert_false(question_read(&q, big, REQUEST_MAILBOX_MAX + 10, ""));
	/* The failure is logged and counted under what there is of a name. */
	assert_true(q.user_len <= sizeof q.user);
	memset(big, 'a', sizeof big);
	big[0] = big[REQUEST_MAILBOX_MAX] = '\0';
	q = (struct question){0};
	assert_false(question_read(&q, big, REQUEST_MAILBOX_MAX + 10, "x"));
	q = (struct question){0};
	assert_true(question_read(&q, big, REQUEST_MAILBOX_MAX + 10, ""));
	memset(big, 'a', sizeof big);
	big[0] = big[2] = '\0';
	q = (struct question){0};
	assert_false(question_read(&q, big, sizeof big, ""));
}

static void
client_is_cut(void **state)
{
	static char const long_one[100] = "x";
	struct question q = {0};

	(void)state;
	question_set_client(&q, "::1", 3, "imap", 4);
	assert_int_equal(q.client_len, 3);
	question_set_client(
		&q, long_one, sizeof long_one, long_one, sizeof long_one);
	assert_int_equal(q.client_len, sizeof q.client);
}

static struct question
make_question(char const *user, char const *password, char const *hash)
{
	struct question q = {.is_known = true,
		.user_len = strlen(user),
		.password_len = strlen(password)};

	memcpy(q.user, user, q.user_len);
	memcpy(q.password, password, q.password_len);
	memcpy(q.hash, hash, strlen(hash));
	return q;
}

static void
right_password_is_remembered_for_a_while(void **state)
{
	struct question q = make_question("bob", "secret", "hash");
	struct question other[] = {
		make_question("bob", "Secret", "hash"),
		make_question("bobs", "ecret", "hash"),
		make_question("alice", "secret", "hash"),
		/* the password was changed */
		make_question("bob", "secret", "hash 2"),
	};

	(void)state;
	remember_init(60000);
	assert_false(remember_has(&q, 1000));
	remember_add(&q, 1000);
	assert_true(remember_has(&q, 1000));
	assert_true(remember_has(&q, 60999));
	assert_false(remember_has(&q, 61000));
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_false(remember_has(&other[i], 1000));
	/* the user was removed */
	q.is_known = false;
	assert_false(remember_has(&q, 1000));
	q.is_known = true;
	remember_init(0);
	assert_false(remember_has(&q, 1000));
	remember_add(&q, 1000);
	assert_false(remember_has(&q, 1000));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(messages_are_read),
		cmocka_unit_test(client_is_cut),
		cmocka_unit_test(right_password_is_remembered_for_a_while),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
