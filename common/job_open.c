/* What the manager asks of a spawner: the part that runs as root. */
#include "common/job.h"

static size_t
finished(struct wire_out const *out)
{
	return out->failed ? 0 : out->len;
}

size_t
job_open_encode(char *s, size_t max, struct job_open const *open)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, open->channel);
	wire_put_bytes(&out, open->name, open->name_len);
	return finished(&out);
}

bool
job_open_decode(char const *s, size_t len, struct job_open *open_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	open_r->channel = wire_get_u32(&in);
	open_r->name = wire_get_bytes(&in, JOB_ADDRESS_MAX, &open_r->name_len);
	return wire_end(&in) && open_r->name_len > 0;
}

size_t
job_opened_encode(char *s, size_t max, uint32_t channel, enum job_opened answer)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, channel);
	wire_put_u8(&out, (uint8_t)answer);
	return finished(&out);
}

bool
job_opened_decode(char const *s, size_t len, uint32_t *channel_r,
	enum job_opened *answer_r)
{
	struct wire_in in;
	uint8_t answer;

	wire_open(&in, s, len);
	*channel_r = wire_get_u32(&in);
	answer = wire_get_u8(&in);
	*answer_r = (enum job_opened)answer;
	return wire_end(&in) &&
	       (answer == JOB_OPENED || answer == JOB_UNKNOWN ||
		       answer == JOB_LATER);
}
