/*
 * records_print.h - records for people and programs; `kereru records`
 */
#ifndef RECORDS_PRINT_H
#define RECORDS_PRINT_H

#include <stdio.h>
#include "common/admin/records.h"

/*
 * As lines of a zone file (RFC 1035 5), every name complete, TXT in strings of
 * 255 octets. What is for the provider's zone, or not known, is a comment.
 */
void records_print_zone(FILE *out, struct records const *r);

/*
 * An array of objects: name, type, value (null: not known), for
 * (records_use_name), needed.
 */
void records_print_json(FILE *out, struct records const *r);

/*
 * Read the folder's files and print what the host and one of its domains (NULL:
 * all of them) need. An exit code of command.h; what is wrong was told.
 */
int records_show(
	FILE *out, char const *folder, char const *domain, bool is_json);

#endif
