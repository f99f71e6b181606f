/*
 * charset_tables.h - what charset_gen writes for charset.c
 *
 * All tables hold BMP code points; 0 means that there is none.
 */
#ifndef MIME_CHARSET_TABLES_H
#define MIME_CHARSET_TABLES_H

#include <stdint.h>

/* Single-octet sets: names as charset.c folds them, code points of 128..255. */
struct charset_single {
	char const *names; /* blank-separated, one blank at each end */
	uint16_t codes[128];
};

extern struct charset_single const charset_singles[];
extern unsigned int const charset_singles_count;

/* Two-octet areas by lead and trail octet. */
#define CHARSET_GB_LEADS 126	/* 81..fe */
#define CHARSET_GB_TRAILS 191	/* 40..fe */
#define CHARSET_BIG5_LEADS 126	/* 81..fe */
#define CHARSET_BIG5_TRAILS 191 /* 40..fe */
#define CHARSET_KR_LEADS 126	/* 81..fe */
#define CHARSET_KR_TRAILS 191	/* 40..fe */
#define CHARSET_SJIS_LEADS 124	/* 81..fc */
#define CHARSET_SJIS_TRAILS 189 /* 40..fc */
#define CHARSET_JIS_ROWS 94	/* 21..7e */

extern uint16_t const charset_gb[CHARSET_GB_LEADS][CHARSET_GB_TRAILS];
extern uint16_t const charset_big5[CHARSET_BIG5_LEADS][CHARSET_BIG5_TRAILS];
extern uint16_t const charset_kr[CHARSET_KR_LEADS][CHARSET_KR_TRAILS];
extern uint16_t const charset_sjis[CHARSET_SJIS_LEADS][CHARSET_SJIS_TRAILS];
extern uint16_t const charset_jis0208[CHARSET_JIS_ROWS][CHARSET_JIS_ROWS];
extern uint16_t const charset_jis0212[CHARSET_JIS_ROWS][CHARSET_JIS_ROWS];

/* The four-octet area of gb18030, BMP part: runs in order of their index. */
struct charset_run {
	uint16_t index; /* 0 is 81 30 81 30 */
	uint16_t code;
};

#define CHARSET_GB_LINEAR_MAX 39420
extern struct charset_run const charset_gb_runs[];
extern unsigned int const charset_gb_runs_count;

#endif
