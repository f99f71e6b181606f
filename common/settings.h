/*
 * settings.h - the settings, as daemons see them
 *
 * settings.cdb holds every setting (also those left at their default) as text
 * in normal form, checked when it was compiled: numbers in decimal, sizes in
 * octets, times in seconds, account names as uids. settings(5) lists them.
 */
#ifndef SETTINGS_H
#define SETTINGS_H

#include <stdint.h>
#include "common/table.h"

/*
 * The setting's text, or NULL if the table lacks it; NUL-ended, points into the
 * table. Values are stored with a NUL behind them.
 */
char const *settings_text(struct table const *settings, char const *key);

/* The setting's number, or otherwise if the table lacks it or it is none. */
uint64_t settings_number(
	struct table const *settings, char const *key, uint64_t otherwise);

#endif
