/*
 * text.h - the lines and fields of the text files that a person edits
 *
 * One line a thing; fields are separated by blanks and tabs. A `#` at the
 * start of a line or behind a blank begins a comment. Lines are counted from 1.
 * Fields point into the text, which belongs to the struct and may be changed in
 * place (a key is put into lower case there).
 */
#ifndef TEXT_H
#define TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Octets of a text file. */
#define TEXT_MAX (256u * 1024 * 1024)

struct text {
	char *path;
	char *s; /* len octets and a NUL */
	size_t len;
	size_t next;   /* where text_line goes on */
	unsigned line; /* number of the last line it gave */
	bool exists;
	mode_t mode;
	uid_t owner;
};

/*
 * Read the file folder/name whole. A file that is not there is an empty text
 * with exists false. False: errno.
 */
bool text_read(struct text *t, char const *folder, char const *name)
	__attribute__((warn_unused_result));
void text_free(struct text *t);

/* The same over s[0..len), which must be allocated with one octet more than
 * len and becomes the text's own; for tests too. */
void text_set(struct text *t, char *s, size_t len);

/*
 * The next line that says something, without its comment: *line_r[0..*len_r),
 * blanks on both sides cut. 1 a line, 0 the end, -1 the line has a control
 * character (t->line is its number; the next call goes on behind it).
 */
int text_line(struct text *t, char **line_r, size_t *len_r);

/*
 * Cut the first field off a line: *field_r is NUL-ended. False: the line has no
 * more.
 */
bool text_field(char **line, size_t *len, char **field_r, size_t *field_len_r);

#endif
