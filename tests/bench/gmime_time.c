/*
 * gmime_time ROUNDS FILE... - how long parsing takes with GMime
 *
 * As mime_time: first the message object alone, then with its addresses,
 * subject, date and the type of each part asked for.
 */
#include <gmime/gmime.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/bench/mime_files.h"

static volatile size_t seen;

static void
look_at_part(GMimeObject *parent, GMimeObject *part, gpointer data)
{
	GMimeContentType *type = g_mime_object_get_content_type(part);
	char *text = g_mime_content_type_get_mime_type(type);

	(void)parent;
	(void)data;
	seen += text != NULL;
	g_free(text);
}

static void
parse(char const *s, size_t len, bool index)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(s, len);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

	if (index && message) {
		seen += g_mime_message_get_subject(message) != NULL;
		seen += g_mime_message_get_date(message) != NULL;
		seen += g_mime_message_get_from(message) != NULL;
		seen += g_mime_message_get_to(message) != NULL;
		seen += g_mime_message_get_cc(message) != NULL;
		g_mime_message_foreach(message, look_at_part, NULL);
	}
	if (message)
		g_object_unref(message);
	g_object_unref(parser);
	g_object_unref(stream);
}

int
main(int argc, char **argv)
{
	struct mime_files files = mime_files_read(argc, argv);

	g_mime_init();
	for (int index = 0; index < 2; index++) {
		double const start = mime_files_cpu();

		for (int round = 0; round < files.rounds; round++)
			for (size_t i = 0; i < files.count; i++)
				parse(files.list[i].s, files.list[i].len,
					index);
		files.seconds[index] = mime_files_cpu() - start;
	}
	mime_files_tell(&files);
	return 0;
}
