/*
 * fold.h - lower case, for searching
 *
 * One character for one, of the same length in UTF-8: Latin, Greek, Cyrillic,
 * Armenian and the full-width forms, as the simple case folding of Unicode has
 * them. The rest stays. Pure.
 */
#ifndef MIME_FOLD_H
#define MIME_FOLD_H

#include <stddef.h>

/* Fold UTF-8 in place; octets that are no UTF-8 stay. */
void fold(char *s, size_t len);

#endif
