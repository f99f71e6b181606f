/* scramclient.h: the example of RFC 7677 3, our own server, and servers that
 * err. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/monitor/scram.h"
#include "common/scramclient.h"
#include "exact.h"

#define NONCE "abcdefghijklmnopqrstuvwx"
#define SALT "W22ZaJ0SNY7soEsUEjb6gQ=="

/* As it is said to our own server. */
static void
login(char const *user, char const *password, char const *theirs, bool succeeds)
{
	struct scramkey key = {.iterations = SCRAMKEY_ITERATIONS_MIN};
	char said[SCRAMCLIENT_MESSAGE_MAX], challenge[LOGIN_CHALLENGE_MAX];
	char final[SCRAM_FINAL_LEN];
	struct scramclient x;
	struct scram server;
	size_t len;

	memset(key.salt, 7, sizeof key.salt);
	scramkey_derive(&key, theirs, strlen(theirs));
	len = scramclient_first(&x, user, strlen(user), NONCE, said);
	assert_true(len > 0);
	assert_true(scram_first(&server, said, len));
	assert_int_equal(server.user_len, strlen(user));
	assert_memory_equal(server.user, user, server.user_len);
	len = scram_challenge(
		&server, &key, "ABCDEFGHIJKLMNOPQRSTUVWX", challenge);
	len = scramclient_final(
		&x, challenge, len, password, strlen(password), said);
	assert_true(len > 0);
	assert_true(scram_final(&server, &key, said, len, final) == succeeds);
	if (!succeeds)
		return;
	assert_true(scramclient_verify(&x, final, sizeof final));
	final[5] ^= 1;
	assert_false(scramclient_verify(&x, final, sizeof final));
	assert_false(scramclient_verify(&x, "v=", 2));
	assert_false(scramclient_verify(&x, "e=no", 4));
}

static void
our_own_server(void **state)
{
	(void)state;
	login("alice@own.test", "secret", "secret", true);
	login("a,b=c", "pass, word=", "pass, word=", true);
	login("alice", "secret", "Secret", false);
}

/* What answers client-first; 0: it is not taken. */
static size_t
answer(char const *server_first, char const *password)
{
	char said[SCRAMCLIENT_MESSAGE_MAX];
	char *copy = exact(server_first, strlen(server_first));
	struct scramclient x;
	size_t len;

	assert_true(scramclient_first(&x, "user", 4, NONCE, said) > 0);
	len = scramclient_final(&x, copy, strlen(server_first), password,
		strlen(password), said);
	free(copy);
	return len;
}

static void
what_is_not_taken(void **state)
{
	static char const *const malformed[] = {"", "r=", "r=" NONCE "x",
		"r=" NONCE ",s=" SALT ",i=4096",
		"r=x" NONCE "x,s=" SALT ",i=4096", "r=" NONCE "x,s=,i=4096",
		"r=" NONCE "x,s=?,i=4096", "r=" NONCE "x,s=" SALT ",i=4095",
		"r=" NONCE "x,s=" SALT ",i=1000001",
		"r=" NONCE "x,s=" SALT ",i=99999999999999999999",
		"r=" NONCE "x,s=" SALT ",i=-4096", "r=" NONCE "x,s=" SALT ",i=",
		"m=x,r=" NONCE "x,s=" SALT ",i=4096",
		"s=" SALT ",r=" NONCE "x,i=4096"};
	char out[SCRAMCLIENT_MESSAGE_MAX];
	struct scramclient x;

	(void)state;
	assert_true(answer("r=" NONCE "x,s=" SALT ",i=4096", "pencil") > 0);
	assert_true(answer("r=" NONCE "x,s=" SALT ",i=4096,x=y", "pencil") > 0);
	for (size_t i = 0; i < sizeof malformed / sizeof *malformed; i++)
		if (answer(malformed[i], "pencil") != 0)
			fail_msg("%s is taken", malformed[i]);
	assert_true(answer("r=" NONCE "x,s=" SALT ",i=4096", "p\xc3\xa9") == 0);
	assert_true(scramclient_first(&x, "", 0, NONCE, out) == 0);
	assert_true(scramclient_first(&x, "\xc3\xa9", 2, NONCE, out) == 0);
}

/* RFC 7677 3, whose nonce is shorter than ours: the keys alone. */
static void
salted_as_in_the_example(void **state)
{
	static unsigned char const salt[] = {0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12,
		0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81};
	static unsigned char const wanted[] = {0xc4, 0xa4, 0x95, 0x10, 0x32,
		0x3a, 0xb4, 0xf9, 0x52, 0xca, 0xc1, 0xfa, 0x99, 0x44, 0x19,
		0x39, 0xe7, 0x8e, 0xa7, 0x4d, 0x6b, 0xe8, 0x1d, 0xdf, 0x70,
		0x96, 0xe8, 0x75, 0x13, 0xdc, 0x61, 0x5d};
	unsigned char out[SCRAMKEY_HASH_LEN];

	(void)state;
	scramkey_salt(salt, sizeof salt, 4096, "pencil", 6, out);
	assert_memory_equal(out, wanted, sizeof wanted);
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(our_own_server),
		cmocka_unit_test(what_is_not_taken),
		cmocka_unit_test(salted_as_in_the_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
