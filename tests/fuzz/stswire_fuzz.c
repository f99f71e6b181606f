/* Frames between remote and sts; what is read can be written. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include "remote/stswire.h"

int LLVMFuzzerTestOneInput(uint8_t const *s, size_t len);
int
LLVMFuzzerTestOneInput(uint8_t const *s, size_t len)
{
	static struct stspolicy p;
	static char frame[32768];
	struct stswire_question q;

	if (stswire_question_decode((char const *)s, len, &q) &&
		q.kind == STSWIRE_REPORT &&
		stswire_report_encode(frame, sizeof frame, &q.report) != len)
		abort();
	if (stswire_answer_decode((char const *)s, len, &p) > 0 &&
		stswire_answer_encode(frame, sizeof frame, &p) != len)
		abort();
	return 0;
}
