/* Log lines, and the file of counters. */
#include <stdlib.h>
#include "common/admin/metrics.h"

int LLVMFuzzerTestOneInput(uint8_t const *data, size_t size);

int
LLVMFuzzerTestOneInput(uint8_t const *data, size_t size)
{
	static struct metrics m, again;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (!metrics_load(&m, (char const *)data, size))
		metrics_line(&m, "smtp", (char const *)data, size);
	/* What is written can be read. */
	out = open_memstream(&text, &len);
	if (out == NULL)
		return 0;
	metrics_save(&m, out);
	if (fclose(out) != 0 || !metrics_load(&again, text, len) ||
		again.used != m.used || again.log_count != m.log_count)
		abort();
	free(text);
	return 0;
}
