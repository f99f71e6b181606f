/*
 * mime_files.h - what mime_time and gmime_time share: the files, the clock
 */
#ifndef MIME_FILES_H
#define MIME_FILES_H

#include <stddef.h>

struct mime_files {
	int rounds;
	size_t count, octets;
	struct mime_file {
		char *s;
		size_t len;
	} * list;
	double seconds[2]; /* parsed; parsed and indexed */
};

/* Exits on any failure. */
static struct mime_files
mime_files_read(int argc, char **argv)
{
	struct mime_files f = {.rounds = argc > 1 ? atoi(argv[1]) : 0};

	f.list = calloc((size_t)argc, sizeof f.list[0]);
	if (f.rounds <= 0 || !f.list)
		exit(100);
	for (int i = 2; i < argc; i++) {
		struct mime_file *one = &f.list[f.count++];
		FILE *file = fopen(argv[i], "rb");
		long len;

		if (!file || fseek(file, 0, SEEK_END) != 0 ||
			(len = ftell(file)) < 0 ||
			fseek(file, 0, SEEK_SET) != 0)
			exit(111);
		one->len = (size_t)len;
		one->s = malloc(one->len + 1);
		if (!one->s || fread(one->s, 1, one->len, file) != one->len)
			exit(111);
		fclose(file);
		f.octets += one->len;
	}
	return f;
}

static double
mime_files_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
mime_files_tell(struct mime_files const *f)
{
	printf("{\"octets\": %zu, \"parsed\": %.6f, \"indexed\": %.6f}\n",
		f->octets * (size_t)f->rounds, f->seconds[0], f->seconds[1]);
}

#endif
