/*
 * log_print.h - a line of the logs, for people and as JSON
 *
 * Values are foreign text; log.h has escaped all in them that is not printable
 * ASCII, and it stays so here.
 */
#ifndef LOG_PRINT_H
#define LOG_PRINT_H

#include <stdio.h>
#include "common/admin/logs.h"

/* "2026-11-24 15:08:08 smtpd accepted id=... from=...": without fractions and
 * process numbers. */
void log_print(FILE *out, struct logs_line const *l);

/* One object a line; a key that comes again makes an array. */
void log_print_json(FILE *out, struct logs_line const *l);

#endif
