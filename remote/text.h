/*
 * text.h - putting together the one line that says how a delivery went
 */
#ifndef TEXT_H
#define TEXT_H

#include <stddef.h>

/* Join NUL-ended pieces, ended by NULL, into text_r; what exceeds size, its NUL
 * included, is cut. */
void text_join(char *text_r, size_t size, ...) __attribute__((sentinel));

#endif
