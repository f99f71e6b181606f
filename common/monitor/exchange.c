/* A login by SCRAM, from its first message to its last. */
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include "common/monitor/exchange.h"
#include "common/monitor/scram.h"
#include "common/monitor/throttle.h"

struct exchange {
	struct scram scram;
	struct scramkey key;
	bool is_known;
	bool is_proved; /* what remains is the client's empty message */
	size_t user_len;
	char user[REQUEST_MAILBOX_MAX];
};

/* Keys that nobody has a password for. */
static void
pretend(struct scramkey *key, struct question const *q)
{
	_Static_assert(SCRAMKEY_SALT_LEN == THROTTLE_SALT_LEN, "salts");
	key->iterations = SCRAMKEY_ITERATIONS;
	throttle_salt(q->user, q->user_len, key->salt);
	randombytes_buf(key->stored, sizeof key->stored);
	randombytes_buf(key->server, sizeof key->server);
}

static void
make_nonce(char nonce[SCRAM_NONCE_LEN])
{
	unsigned char octets[SCRAM_NONCE_LEN / 4 * 3];
	char text[SCRAM_NONCE_LEN + 1];

	randombytes_buf(octets, sizeof octets);
	sodium_bin2base64(text, sizeof text, octets, sizeof octets,
		sodium_base64_VARIANT_ORIGINAL);
	memcpy(nonce, text, SCRAM_NONCE_LEN);
}

static enum request_verdict
begin(struct exchange *x, struct question *q, struct login_step const *step,
	int table_fd, char const *login_domain, char *challenge, size_t *len_r)
{
	char nonce[SCRAM_NONCE_LEN];

	if (!scram_first(&x->scram, step->message, step->message_len) ||
		!question_set_user(
			q, x->scram.user, x->scram.user_len, login_domain))
		return REQUEST_DENIED;
	if (!question_find_keys(q, table_fd, &x->key))
		return REQUEST_LATER;
	if (!q->is_known)
		pretend(&x->key, q);
	x->is_known = q->is_known;
	x->user_len = q->user_len;
	memcpy(x->user, q->user, q->user_len);
	make_nonce(nonce);
	*len_r = scram_challenge(&x->scram, &x->key, nonce, challenge);
	return REQUEST_GO_ON;
}

static enum request_verdict
go_on(struct exchange *x, struct question *q, struct login_step const *step,
	char *challenge, size_t *len_r)
{
	bool is_right;

	q->is_known = x->is_known;
	q->user_len = x->user_len;
	memcpy(q->user, x->user, x->user_len);
	if (x->is_proved)
		return step->message_len == 0 ? REQUEST_OK : REQUEST_DENIED;
	is_right = scram_final(&x->scram, &x->key, step->message,
		step->message_len, challenge);
	if (!is_right || !x->is_known)
		return REQUEST_DENIED;
	x->is_proved = true;
	*len_r = SCRAM_FINAL_LEN;
	return REQUEST_GO_ON;
}

enum request_verdict
exchange_step(struct exchange **x, struct question *q,
	struct login_step const *step, int table_fd, char const *login_domain,
	char challenge[LOGIN_CHALLENGE_MAX], size_t *len_r)
{
	if (*x != NULL)
		return go_on(*x, q, step, challenge, len_r);
	*x = calloc(1, sizeof **x);
	return *x == NULL ? REQUEST_LATER
			  : begin(*x, q, step, table_fd, login_domain,
				    challenge, len_r);
}

void
exchange_end(struct exchange **x)
{
	if (*x != NULL)
		sodium_memzero(*x, sizeof **x);
	free(*x);
	*x = NULL;
}
