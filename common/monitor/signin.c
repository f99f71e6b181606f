/* The login of a client; see signin.h. */
#include <string.h>
#include <strings.h>
#include <sodium.h>
#include "common/settings.h"
#include "common/monitor/signin.h"

#define TIMEOUT_S 60
#define TIMEOUT_MAX_S 3600
/* All that comes before login may take this many times the time limit of one
 * command. */
#define TIMEOUTS_MAX 3

int64_t
signin_begin(struct front *f)
{
	uint64_t timeout_s =
		settings_number(&f->settings, "login-timeout", TIMEOUT_S);

	if (timeout_s == 0 || timeout_s > TIMEOUT_MAX_S)
		timeout_s = TIMEOUT_MAX_S;
	f->stream.timeout_ms = (int)timeout_s * 1000;
	return stream_clock_ms() + (int64_t)timeout_s * 1000 * TIMEOUTS_MAX;
}

void
signin_next(struct front *f, int64_t deadline_ms)
{
	int64_t const left_ms = deadline_ms - stream_clock_ms();

	if (left_ms < f->stream.timeout_ms)
		f->stream.timeout_ms = left_ms > 0 ? (int)left_ms : 0;
}

enum signin
signin_password(struct front *f, char const *user, size_t user_len,
	char const *password, size_t password_len, enum request_verdict *v,
	int pipes[2])
{
	char sasl[LOGIN_MESSAGE_MAX];
	size_t const len = 1 + user_len + 1 + password_len;

	/* RFC 4616: no authorization identity, the name, the password. */
	if (user_len > sizeof sasl || password_len > sizeof sasl ||
		len > sizeof sasl || memchr(user, '\0', user_len) != NULL ||
		memchr(password, '\0', password_len) != NULL)
		return SIGNIN_MALFORMED;
	sasl[0] = '\0';
	memcpy(sasl + 1, user, user_len);
	sasl[1 + user_len] = '\0';
	memcpy(sasl + 1 + user_len + 1, password, password_len);
	*v = front_login(f, sasl, len, pipes);
	sodium_memzero(sasl, sizeof sasl);
	return SIGNIN_JUDGED;
}

/* The client's first message, asked for with a challenge unless it came with
 * the command. */
static enum signin
first(char const *initial, size_t initial_len, char const *challenge,
	front_ask *ask, void *data, char *out, size_t max, size_t *len_r)
{
	*len_r = 0;
	if (initial == NULL)
		return (enum signin)ask(data, challenge, out, max, len_r);
	return initial_len == 0 || front_base64(initial, initial_len, out, max,
					   len_r)
		       ? SIGNIN_JUDGED
		       : SIGNIN_MALFORMED;
}

static enum signin
plain(struct front *f, char const *initial, size_t initial_len, front_ask *ask,
	void *data, enum request_verdict *v, int pipes[2])
{
	char sasl[LOGIN_MESSAGE_MAX];
	size_t len;
	enum signin const r = first(
		initial, initial_len, "", ask, data, sasl, sizeof sasl, &len);

	if (r == SIGNIN_JUDGED && len == 0)
		return SIGNIN_MALFORMED;
	if (r == SIGNIN_JUDGED)
		*v = front_login(f, sasl, len, pipes);
	sodium_memzero(sasl, sizeof sasl);
	return r;
}

static enum signin
login(struct front *f, char const *initial, size_t initial_len, front_ask *ask,
	void *data, enum request_verdict *v, int pipes[2])
{
	char user[LOGIN_MESSAGE_MAX], password[LOGIN_MESSAGE_MAX];
	size_t user_len, password_len;
	/* "Username:" */
	enum signin r = first(initial, initial_len, "VXNlcm5hbWU6", ask, data,
		user, sizeof user, &user_len);

	if (r != SIGNIN_JUDGED)
		return r;
	/* "Password:" */
	r = (enum signin)ask(
		data, "UGFzc3dvcmQ6", password, sizeof password, &password_len);
	if (r == SIGNIN_JUDGED)
		r = signin_password(
			f, user, user_len, password, password_len, v, pipes);
	sodium_memzero(password, sizeof password);
	return r;
}

static enum signin
exchange(struct front *f, struct front_mechanism const *m, char const *initial,
	size_t initial_len, front_ask *ask, void *data, enum request_verdict *v,
	int pipes[2])
{
	char sasl[LOGIN_TOKEN_MAX];
	size_t len;
	enum signin const r = first(initial, initial_len, "", ask, data, sasl,
		m->message_max, &len);

	return r != SIGNIN_JUDGED ? r
				  : (enum signin)front_exchange(f, m, sasl, len,
					    ask, data, v, pipes);
}

static bool
is(char const *name, size_t len, char const *word)
{
	return len == strlen(word) && strncasecmp(name, word, len) == 0;
}

enum signin
signin_sasl(struct front *f, char const *name, size_t name_len,
	char const *initial, size_t initial_len, front_ask *ask, void *data,
	enum request_verdict *v, int pipes[2])
{
	struct front_mechanism const *m;

	if (is(name, name_len, "PLAIN"))
		return plain(f, initial, initial_len, ask, data, v, pipes);
	if (is(name, name_len, "LOGIN"))
		return login(f, initial, initial_len, ask, data, v, pipes);
	m = front_mechanism(f, name, name_len);
	return m == NULL ? SIGNIN_UNKNOWN
			 : exchange(f, m, initial, initial_len, ask, data, v,
				   pipes);
}

void
signin_done(struct front *f, int const pipes[2])
{
	sodium_memzero(f->stream.in, f->stream.in_start);
	/* What is left of the time before login does not count. */
	f->stream.timeout_ms = TIMEOUT_S * 1000;
	front_move(f, pipes);
}
