/* What a front and auth say to each other. */
#include "common/monitor/login.h"
#include "common/wire.h"

static bool
is_step(struct login_step const *step)
{
	return step->mechanism_len <= LOGIN_MECHANISM_MAX &&
	       step->message_len <= LOGIN_TOKEN_MAX;
}

size_t
login_step_encode(char *s, size_t max, struct login_step const *step)
{
	struct wire_out out;

	if (!is_step(step))
		return 0;
	wire_start(&out, s, max);
	wire_put_bytes(&out, step->mechanism, step->mechanism_len);
	wire_put_bytes(&out, step->message, step->message_len);
	return out.failed ? 0 : out.len;
}

bool
login_step_decode(char const *s, size_t len, struct login_step *step_r)
{
	struct wire_in in;

	*step_r = (struct login_step){0};
	wire_open(&in, s, len);
	step_r->mechanism = wire_get_bytes(
		&in, LOGIN_MECHANISM_MAX, &step_r->mechanism_len);
	step_r->message =
		wire_get_bytes(&in, LOGIN_TOKEN_MAX, &step_r->message_len);
	return wire_end(&in) && is_step(step_r);
}

static bool
is_verdict(uint8_t v)
{
	return v == REQUEST_OK || v == REQUEST_DENIED || v == REQUEST_LATER ||
	       v == REQUEST_GO_ON;
}

size_t
login_answer_encode(char *s, size_t max, enum request_verdict v,
	char const *challenge, size_t challenge_len)
{
	struct wire_out out;

	if (challenge_len > LOGIN_CHALLENGE_MAX)
		return 0;
	wire_start(&out, s, max);
	wire_put_u8(&out, (uint8_t)v);
	wire_put_bytes(&out, challenge, challenge_len);
	return out.failed ? 0 : out.len;
}

bool
login_answer_decode(char const *s, size_t len, enum request_verdict *v_r,
	char const **challenge_r, size_t *challenge_len_r)
{
	struct wire_in in;
	uint8_t v;

	wire_open(&in, s, len);
	v = wire_get_u8(&in);
	*challenge_r =
		wire_get_bytes(&in, LOGIN_CHALLENGE_MAX, challenge_len_r);
	*v_r = (enum request_verdict)v;
	return wire_end(&in) && is_verdict(v);
}
