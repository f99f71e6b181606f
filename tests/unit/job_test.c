/* job.c: frames are read back as they were written, and only whole ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "common/job.h"

#define ID "0k3v9a2mj4xz7bqr"

static char frame[WIRE_FRAME_MAX];
static struct job job, job_back;
static struct job_report report, report_back;

/* Each decoder on exact-size copies of all shorter frames, and of one octet
 * more: none may be taken. */
typedef bool decoder(char const *s, size_t len);

static bool
open_decoder(char const *s, size_t len)
{
	struct job_open open;

	return job_open_decode(s, len, &open);
}

static bool
opened_decoder(char const *s, size_t len)
{
	enum job_opened answer;
	uint32_t channel;

	return job_opened_decode(s, len, &channel, &answer);
}

static bool
job_decoder(char const *s, size_t len)
{
	return job_decode(s, len, &job_back);
}

static bool
report_decoder(char const *s, size_t len)
{
	return job_report_decode(s, len, &report_back);
}

static void
takes_only_whole(decoder *decode, size_t len)
{
	frame[len] = 0;
	for (size_t n = 0; n <= len + 1; n++) {
		char *copy = malloc(n > 0 ? n : 1);
		memcpy(copy, frame, n);
		assert_int_equal(decode(copy, n), n == len);
		free(copy);
	}
}

static void
opening(void **state)
{
	struct job_open open = {
		.channel = 0xfedcba98, .name = "a@b", .name_len = 3};
	enum job_opened answer;
	uint32_t channel;
	size_t len;

	(void)state;
	len = job_open_encode(frame, sizeof frame, &open);
	takes_only_whole(open_decoder, len);
	assert_true(job_open_decode(frame, len, &open));
	assert_true(open.channel == 0xfedcba98 && open.name_len == 3);
	len = job_opened_encode(frame, sizeof frame, 7, JOB_LATER);
	takes_only_whole(opened_decoder, len);
	assert_true(job_opened_decode(frame, len, &channel, &answer));
	assert_true(channel == 7 && answer == JOB_LATER);
	frame[len - 1] = 'x';
	assert_false(job_opened_decode(frame, len, &channel, &answer));
	assert_int_equal(job_open_encode(frame, 4, &open), 0);
}

static void
jobs(void **state)
{
	size_t len;

	(void)state;
	job = (struct job){.number = 3,
		.id = ID,
		.message_offset = UINT64_MAX,
		.message_len = 1,
		.added_offset = 2,
		.added_len = 3,
		.flags = 1,
		.sender = "",
		.recipient_count = 2};
	job.priority = -9;
	job.deliver_by = 77;
	job.by_mode = 'R';
	job.by_trace = true;
	job.ret = 'H';
	job.envid = "QQ";
	job.envid_len = 2;
	job.recipients[0] = (struct job_recipient){
		.address = "x@y", .address_len = 3, .notify = 1};
	job.recipients[1] =
		(struct job_recipient){.address = "longer@example.org",
			.address_len = 18,
			.notify = 14,
			.orcpt = "rfc822;z",
			.orcpt_len = 8};
	job.lines = "A: b\r\n";
	job.lines_len = 6;
	len = job_encode(frame, sizeof frame, &job);
	takes_only_whole(job_decoder, len);
	assert_true(job_decode(frame, len, &job_back));
	assert_string_equal(job_back.id, ID);
	assert_true(job_back.message_offset == UINT64_MAX &&
		    job_back.sender_len == 0 && job_back.recipient_count == 2 &&
		    job_back.recipients[1].address_len == 18);
	assert_true(job_back.priority == -9 && job_back.deliver_by == 77 &&
		    job_back.by_mode == 'R' && job_back.by_trace &&
		    job_back.ret == 'H' && job_back.envid_len == 2 &&
		    job_back.recipients[0].notify == 1 &&
		    job_back.recipients[0].orcpt_len == 0 &&
		    job_back.recipients[1].notify == 14 &&
		    job_back.recipients[1].orcpt_len == 8);
	assert_int_equal(job_back.lines_len, 6);
	assert_memory_equal(job_back.lines, "A: b\r\n", 6);
	job.priority = 10;
	len = job_encode(frame, sizeof frame, &job);
	assert_false(job_decode(frame, len, &job_back));
	job.priority = 9;
	job.by_mode = 'x';
	len = job_encode(frame, sizeof frame, &job);
	assert_false(job_decode(frame, len, &job_back));
	job.by_mode = 'N';
	job.recipient_count = 0;
	len = job_encode(frame, sizeof frame, &job);
	assert_false(job_decode(frame, len, &job_back));
	memcpy(job.id, "/etc/passwd/etc/", ID_LEN);
	job.recipient_count = 1;
	len = job_encode(frame, sizeof frame, &job);
	assert_false(job_decode(frame, len, &job_back));
}

static void
the_largest_job_fits_a_frame(void **state)
{
	static char address[JOB_ADDRESS_MAX], orcpt[QUEUEFILE_ORCPT_MAX];
	static char lines[JOB_LINES_MAX + 1];
	size_t octets = 0;

	(void)state;
	memset(address, 'a', sizeof address);
	job = (struct job){.id = ID,
		.sender = address,
		.sender_len = sizeof address,
		.envid = orcpt,
		.envid_len = QUEUEFILE_ENVID_MAX};
	memset(orcpt, 'o', sizeof orcpt);
	for (;;) {
		octets += job_recipient_octets(sizeof address, sizeof orcpt);
		if (octets > JOB_OCTETS_MAX)
			break;
		job.recipients[job.recipient_count++] =
			(struct job_recipient){.address = address,
				.address_len = sizeof address,
				.orcpt = orcpt,
				.orcpt_len = sizeof orcpt};
	}
	job.lines = lines;
	job.lines_len = JOB_LINES_MAX;
	size_t len = job_encode(frame, sizeof frame, &job);
	assert_true(len > 0);
	assert_true(job_decode(frame, len, &job_back));
	job.lines_len++;
	len = job_encode(frame, sizeof frame, &job);
	assert_false(job_decode(frame, len, &job_back));
}

static void
reports(void **state)
{
	static char text[JOB_TEXT_MAX + 100];
	size_t len;

	(void)state;
	memset(text, 't', sizeof text);
	report.number = 9;
	report.result_count = 2;
	report.results[0] = (struct job_result){JOB_DONE, "ok", 2};
	report.results[1] = (struct job_result){JOB_RETRY, text, sizeof text};
	len = job_report_encode(frame, sizeof frame, &report);
	takes_only_whole(report_decoder, len);
	assert_true(job_report_decode(frame, len, &report_back));
	assert_true(report_back.number == 9 && report_back.result_count == 2 &&
		    report_back.results[0].status == JOB_DONE &&
		    report_back.results[1].text_len == JOB_TEXT_MAX);
	frame[6] = 'z';
	assert_false(job_report_decode(frame, len, &report_back));
	/* More results than there may be. */
	frame[4] = frame[5] = (char)0xff;
	assert_false(job_report_decode(frame, len, &report_back));
}

int
main(void)
{
	struct CMUnitTest const tests[] = {
		cmocka_unit_test(opening),
		cmocka_unit_test(jobs),
		cmocka_unit_test(the_largest_job_fits_a_frame),
		cmocka_unit_test(reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
