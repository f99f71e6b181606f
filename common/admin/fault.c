/* Telling a person what is wrong in which file and line. */
#include <stdarg.h>
#include <stdio.h>
#include "common/admin/fault.h"

static void __attribute__((format(printf, 5, 0))) tell(struct faults const *f,
	char const *file, unsigned line, bool is_warning, char const *format,
	va_list args)
{
	char const *kind = is_warning ? "warning: " : "";
	char what[1024];

	if (f->take != NULL) {
		vsnprintf(what, sizeof what, format, args);
		f->take(f->data, is_warning, file, line, what);
		return;
	}
	if (line > 0)
		fprintf(stderr, "%s:%u: %s", file, line, kind);
	else
		fprintf(stderr, "%s: %s", file, kind);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void
fault(struct faults *f, char const *file, unsigned line, char const *format,
	...)
{
	va_list args;

	f->count++;
	if (f->is_silent)
		return;
	va_start(args, format);
	tell(f, file, line, false, format, args);
	va_end(args);
}

void
fault_warning(struct faults *f, char const *file, unsigned line,
	char const *format, ...)
{
	va_list args;

	if (f->is_quiet || f->is_silent)
		return;
	va_start(args, format);
	tell(f, file, line, true, format, args);
	va_end(args);
}
