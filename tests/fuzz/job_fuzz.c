/* Any frame, as each of the four kinds: what is taken is encoded alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "common/job.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

static void
same(char const *frame, size_t frame_len, char const *s, size_t len)
{
	if (frame_len != len || memcmp(frame, s, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char frame[WIRE_FRAME_MAX];
	static struct job job;
	static struct job_report report;
	char const *s = (char const *)data + 1;
	struct job_open open;
	enum job_opened answer;
	uint32_t channel;

	if (size == 0 || size > WIRE_FRAME_MAX)
		return 0;
	size--;
	switch (data[0] & 3) {
	case 0:
		if (job_open_decode(s, size, &open))
			same(frame, job_open_encode(frame, sizeof frame, &open),
				s, size);
		break;
	case 1:
		if (job_opened_decode(s, size, &channel, &answer))
			same(frame,
				job_opened_encode(
					frame, sizeof frame, channel, answer),
				s, size);
		break;
	case 2:
		if (job_decode(s, size, &job))
			same(frame, job_encode(frame, sizeof frame, &job), s,
				size);
		break;
	default:
		if (job_report_decode(s, size, &report))
			same(frame,
				job_report_encode(frame, sizeof frame, &report),
				s, size);
	}
	return 0;
}
