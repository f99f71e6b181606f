/* Any frame, as question and as answer: what is taken is encoded alike, and an
 * answer's lines can't end a header. */
#include <stdlib.h>
#include <string.h>
#include "queue/signask.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static char frame[WIRE_FRAME_MAX];
	char const *s = (char const *)data + 1;
	struct signask ask;
	struct signask_answer answer;

	if (size == 0 || size > WIRE_FRAME_MAX)
		return 0;
	size--;
	if ((data[0] & 1) && signask_decode(s, size, &ask) &&
		(signask_encode(frame, sizeof frame, &ask) != size ||
			memcmp(frame, s, size) != 0))
		abort();
	if ((data[0] & 1) || !signask_answer_decode(s, size, &answer))
		return 0;
	if (signask_answer_encode(frame, sizeof frame, &answer) != size ||
		memcmp(frame, s, size) != 0)
		abort();
	if (memmem(answer.lines, answer.lines_len, "\n\r\n", 3) != NULL ||
		memmem(answer.lines, answer.lines_len, "\n\n", 2) != NULL)
		abort();
	return 0;
}
