/* The text files: whatever makes `kereru compile` refuse them. */
#include <sodium.h>
#include <stdlib.h>
#include "common/admin/certificate.h"
#include "common/admin/check/apart.h"

struct told {
	struct doctor *d;
	bool is_certificate;
};

static void
take(void *data, bool is_warning, char const *file, unsigned line,
	char const *what)
{
	struct told const *t = data;

	if (!t->is_certificate)
		doctor_find(t->d,
			is_warning ? FIND_TEXT_WARNING : FIND_TEXT_FAULT, line,
			file, what, NULL, NULL);
	else if (!is_warning) /* certificates.c looks at dates and names */
		doctor_find(t->d, FIND_CERTIFICATE_UNUSABLE, line, file, what,
			NULL, NULL);
}

static void
examine(struct doctor *d, void *data)
{
	struct told t = {.d = d};
	struct faults f = {.take = take, .data = &t};
	struct config c;
	stralloc certs = STRALLOC_ZERO, keys = STRALLOC_ZERO;

	(void)data;
	if (!config_read(&c, d->folder, &f)) {
		if (f.count == 0)
			_Exit(111);
		return;
	}
	t.is_certificate = true;
	if (!certificate_read(d->folder,
		    values_text(&c.values, "tls-certificates"), &certs, &keys,
		    &f))
		_Exit(111);
	sodium_memzero(keys.s, keys.len);
}

void
text_examine(struct doctor *d)
{
	apart_run(d, 0, 0, examine, NULL, 60);
}
