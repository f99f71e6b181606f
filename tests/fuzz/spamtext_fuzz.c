/* What a classifier is given of any message, and what it answers; lines that
 * are kept for reports. */
#include <stdlib.h>
#include <string.h>
#include "common/classifier.h"
#include "common/lessons.h"
#include "mime/spamtext.h"
#include "smtpd/check/dmarc_line.h"
#include "smtpd/check/facts.h"

int LLVMFuzzerTestOneInput(unsigned char const *data, size_t size);

static bool
each(void *data, bool is_html, char *s, size_t len)
{
	(void)is_html;
	*(bool *)data |= facts_gtube(s, len);
	/* It is the callback's to change. */
	if (len > 0)
		memset(s, 'x', len);
	return true;
}

int
LLVMFuzzerTestOneInput(unsigned char const *data, size_t size)
{
	static struct message m;
	static stralloc text = STRALLOC_ZERO;
	char *s = malloc(size + 1);
	enum classifier_verdict verdict;
	struct dmarc_line line;
	unsigned thousandths;
	bool has_gtube = false;

	if (s == NULL)
		return 0;
	memcpy(s, data, size);
	s[size] = '\0';
	m.text.s = s;
	m.text.len = size;
	m.count = structure_parse(s, size, m.parts, STRUCTURE_PARTS_MAX);
	text.len = 0;
	(void)!spamtext_make(&m, &text, each, &has_gtube);
	if (text.len > SPAMTEXT_MAX)
		abort();
	if (classifier_parse(s, size, &verdict, &thousandths) &&
		(thousandths > 1000 || verdict == CLASSIFIER_NONE))
		abort();
	if (dmarc_line_parse(s, size, &line))
		for (size_t i = 0; i < DMARC_FIELDS; i++)
			if (line.fields[i].len > 0 &&
				(line.fields[i].s < s ||
					line.fields[i].s + line.fields[i].len >
						s + size))
				abort();
	(void)lessons_kind(s);
	free(s);
	return 0;
}
