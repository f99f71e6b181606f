/* scram.h and scramkey.h, with the example of RFC 7677, 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>
#include "common/monitor/scram.h"
#include "exact.h"

#define FIRST "n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
#define NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define WHOLE "rOprNGfwEbeRWgbNEkqO" NONCE
#define PROOF "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

/* The example's nonce is longer than ours: its end goes to the client. */
#define CLIENT "n,,n=user,r=rOprNGfwEbeRWgbNEkqO%hvYDp"
#define OURS "WUa2RaTCAfuxFIlj)hNlF$k0"

static struct scramkey
pencil(void)
{
	struct scramkey key = {.iterations = 4096};
	size_t n;

	(void)sodium_base642bin(key.salt, sizeof key.salt,
		"W22ZaJ0SNY7soEsUEjb6gQ==", 24, NULL, &n, NULL,
		sodium_base64_VARIANT_ORIGINAL);
	scramkey_derive(&key, "pencil", 6);
	return key;
}

static bool
first(struct scram *x, char const *s)
{
	char *copy = exact(s, strlen(s));
	bool ok = scram_first(x, copy, strlen(s));

	free(copy);
	return ok;
}

static bool
final(struct scram *x, struct scramkey const *key, char const *s,
	char out[SCRAM_FINAL_LEN])
{
	char *copy = exact(s, strlen(s));
	bool ok = scram_final(x, key, copy, strlen(s), out);

	free(copy);
	return ok;
}

static void
text_of_a_key(void **state)
{
	static char const want[] =
		"SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
		"WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
		"wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
	struct scramkey key = pencil(), again;
	char text[SCRAMKEY_TEXT_SIZE], *s;

	(void)state;
	scramkey_format(text, &key);
	assert_string_equal(text, want);
	for (size_t len = 0; len < sizeof want; len++) {
		s = exact(want, len);
		assert_int_equal(
			scramkey_parse(s, len, &again), len == sizeof want - 1);
		free(s);
	}
	assert_true(scramkey_parse(want, sizeof want - 1, &again));
	assert_memory_equal(&again, &key, sizeof key);
	/* Too few rounds, too many, a zero in front. */
	memcpy(text + 14, "4095", 4);
	assert_false(scramkey_parse(text, strlen(text), &again));
	memcpy(text + 14, "0496", 4);
	assert_false(scramkey_parse(text, strlen(text), &again));
	assert_false(scramkey_parse("SCRAM-SHA-256$99999999999:", 26, &again));
}

static void
what_is_prepared(void **state)
{
	(void)state;
	assert_true(scramkey_is_prepared("a b~", 4));
	assert_false(scramkey_is_prepared("", 0));
	assert_false(scramkey_is_prepared("s\xc3\xa9", 3));
	assert_false(scramkey_is_prepared("a\x7f", 2));
	assert_false(scramkey_is_prepared("a\0", 2));
}

static void
example_of_the_standard(void **state)
{
	static char const want[] = "r=" WHOLE ",s=W22ZaJ0SNY7soEsUEjb6gQ==,"
				   "i=4096";
	struct scramkey key = pencil();
	char out[LOGIN_CHALLENGE_MAX];
	struct scram x;

	(void)state;
	/* The client's part of the nonce is its own, and in AuthMessage. */
	assert_true(first(&x, FIRST));
	assert_memory_equal(x.user, "user", 4);
	assert_int_equal(x.user_len, 4);
	/* Our part has a fixed length; the example's is 6 longer. */
	memcpy(out, want, sizeof want - 1);
	x.text[x.text_len++] = ',';
	memcpy(x.text + x.text_len, out, sizeof want - 1);
	x.nonce_at = x.text_len + 2;
	x.nonce_len = sizeof WHOLE - 1;
	x.text_len += sizeof want - 1;
	assert_true(final(&x, &key, "c=biws,r=" WHOLE ",p=" PROOF, out));
	assert_memory_equal(out,
		"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
		SCRAM_FINAL_LEN);
}

static void
first_messages(void **state)
{
	static struct {
		char const *s, *user; /* NULL: refused */
	} const cases[] = {
		{"n,,n=user,r=x", "user"},
		{"y,,n=user,r=x", "user"},
		{"n,a=user,n=user,r=x", "user"},
		{"n,a=a=2Cb,n=a=2Cb,r=x", "a,b"},
		{"n,,n=a=3Db,r=x,q=1,Z=a=b", "a=b"},
		{"n,,n=bob@a.test,r=!~", "bob@a.test"},
		{"p=tls-unique,,n=user,r=x", NULL},
		{"p,,n=user,r=x", NULL},
		{"n,a=alice,n=user,r=x", NULL},
		{"n,b=user,n=user,r=x", NULL},
		{"n,a=,n=user,r=x", NULL},
		{"n,n=user,r=x", NULL},
		{"N,,n=user,r=x", NULL},
		{"n,,m=1,n=user,r=x", NULL},
		{"n,,n=user,r=x,m=1", NULL},
		{"n,,n=,r=x", NULL},
		{"n,,n=user,r=", NULL},
		{"n,,n=user", NULL},
		{"n,,n=user,", NULL},
		{"n,,r=x,n=user", NULL},
		{"n,,n=us=er,r=x", NULL},
		{"n,,n=user=2,r=x", NULL},
		{"n,,n=user=2c,r=x", NULL},
		{"n,,n=us\xc3\xa9r,r=x", NULL},
		{"n,,n=user,r=a b", NULL},
		{"n,,n=user,r=\x7f", NULL},
		{"n,,n=user,r=x,", NULL},
		{"n,,n=user,r=x,q", NULL},
		{"n,,n=user,r=x,1=1", NULL},
		{"n,,", NULL},
		{"n,", NULL},
		{"n", NULL},
		{"", NULL},
	};
	static char big[LOGIN_MESSAGE_MAX + 2] = "n,,n=user,r=";
	struct scram x;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_int_equal(first(&x, cases[i].s), cases[i].user != NULL);
		if (cases[i].user == NULL)
			continue;
		assert_int_equal(x.user_len, strlen(cases[i].user));
		assert_memory_equal(x.user, cases[i].user, x.user_len);
	}
	memset(big + 12, 'x', SCRAM_CLIENT_NONCE_MAX);
	assert_true(first(&x, big));
	big[12 + SCRAM_CLIENT_NONCE_MAX] = 'x';
	assert_false(first(&x, big));
	/* A NUL within, a name that is too long. */
	assert_false(scram_first(&x, "n,,n=us\0r,r=x", 13));
	memset(big + 5, 'x', REQUEST_MAILBOX_MAX + 1);
	memcpy(big + 5 + REQUEST_MAILBOX_MAX + 1, ",r=x", 5);
	assert_false(first(&x, big));
	memcpy(big + 5 + REQUEST_MAILBOX_MAX, ",r=x", 5);
	assert_true(first(&x, big));
}

/* The largest that both sides may send fits. */
static void
largest_messages(void **state)
{
	static char s[LOGIN_MESSAGE_MAX], f[LOGIN_MESSAGE_MAX];
	struct scramkey key = pencil();
	char out[LOGIN_CHALLENGE_MAX];
	struct scram x;
	size_t n;

	(void)state;
	key.iterations = SCRAMKEY_ITERATIONS_MAX;
	memset(s, 'x', sizeof s);
	memcpy(s, "n,,n=user,r=", 12);
	memcpy(s + 12 + SCRAM_CLIENT_NONCE_MAX, ",q=", 3);
	assert_true(scram_first(&x, s, sizeof s));
	n = scram_challenge(&x, &key, OURS, out);
	assert_true(n < LOGIN_CHALLENGE_MAX);
	memset(f, 'x', sizeof f);
	memcpy(f, "c=biws,", 7);
	memcpy(f + 7, out, 2 + x.nonce_len);
	memcpy(f + 7 + 2 + x.nonce_len, ",q=", 3);
	memcpy(f + sizeof f - 47, ",p=" PROOF, 47);
	assert_false(scram_final(&x, &key, f, sizeof f, out));
	assert_true(x.text_len <= sizeof x.text);
}

static void
last_messages_that_are_refused(void **state)
{
	static char const *const cases[] = {
		/* another header, nonce, order, or proof */
		"c=eSws,r=" WHOLE ",p=" PROOF,
		"c=biws=,r=" WHOLE ",p=" PROOF,
		"c=biw,r=" WHOLE ",p=" PROOF,
		"c=,r=" WHOLE ",p=" PROOF,
		"c=biws,r=" WHOLE "x,p=" PROOF,
		"c=biws,r=rOprNGfwEbeRWgbNEkqO,p=" PROOF,
		"r=" WHOLE ",c=biws,p=" PROOF,
		"c=biws,r=" WHOLE ",m=1,p=" PROOF,
		"c=biws,r=" WHOLE ",q=1,p=" PROOF,
		"c=biws,r=" WHOLE ",q,p=" PROOF,
		"c=biws,r=" WHOLE ",p=" PROOF "=",
		"c=biws,r=" WHOLE ",p=" PROOF ",q=1",
		"c=biws,r=" WHOLE ",p=eHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7And"
		"VQ=",
		"c=biws,r=" WHOLE ",p=dHzb",
		"c=biws,r=" WHOLE ",p=",
		"c=biws,r=" WHOLE ",p",
		"c=biws,r=" WHOLE ",",
		"c=biws,r=" WHOLE,
		"c=biws",
		"",
	};
	struct scramkey key = pencil();
	char out[LOGIN_CHALLENGE_MAX];
	struct scram x;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		assert_true(first(&x, CLIENT));
		(void)scram_challenge(&x, &key, OURS, out);
		assert_false(final(&x, &key, cases[i], out));
	}
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(text_of_a_key),
		cmocka_unit_test(what_is_prepared),
		cmocka_unit_test(example_of_the_standard),
		cmocka_unit_test(first_messages),
		cmocka_unit_test(largest_messages),
		cmocka_unit_test(last_messages_that_are_refused),
	};

	return cmocka_run_group_tests_name("scram", tests, NULL, NULL);
}
