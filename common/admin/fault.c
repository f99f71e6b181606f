/* Telling a person what is wrong in which file and line. */
#include <stdarg.h>
#include <stdio.h>
#include "common/admin/fault.h"

static void __attribute__((format(printf, 4, 0))) tell(char const *file,
	unsigned line, char const *kind, char const *format, va_list args)
{
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
	tell(file, line, "", format, args);
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
	tell(file, line, "warning: ", format, args);
	va_end(args);
}
