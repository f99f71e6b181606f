/* What the manager asks of a delivery, and what it hears back. */
#include <string.h>
#include "common/job.h"

/* Priorities go from -9 to 9, and stand in an octet. */
#define PRIORITY_ZERO 9

static size_t
finished(struct wire_out const *out)
{
	return out->failed ? 0 : out->len;
}

size_t
job_encode(char *s, size_t max, struct job const *job)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, job->number);
	wire_put_bytes(&out, job->id, ID_LEN);
	wire_put_u64(&out, job->message_offset);
	wire_put_u64(&out, job->message_len);
	wire_put_u64(&out, job->added_offset);
	wire_put_u64(&out, job->added_len);
	wire_put_u32(&out, job->flags);
	wire_put_bytes(&out, job->sender, job->sender_len);
	wire_put_u8(&out, (uint8_t)(job->priority + PRIORITY_ZERO));
	wire_put_u64(&out, job->deliver_by);
	wire_put_u8(&out, (uint8_t)job->by_mode);
	wire_put_u8(&out, job->by_trace);
	wire_put_u8(&out, (uint8_t)job->ret);
	wire_put_bytes(&out, job->envid, job->envid_len);
	wire_put_u16(&out, (uint16_t)job->recipient_count);
	for (size_t i = 0; i < job->recipient_count; i++) {
		struct job_recipient const *to = &job->recipients[i];
		wire_put_bytes(&out, to->address, to->address_len);
		wire_put_u8(&out, (uint8_t)to->notify);
		wire_put_bytes(&out, to->orcpt, to->orcpt_len);
	}
	wire_put_bytes(&out, job->lines, job->lines_len);
	return finished(&out);
}

static bool
get_wishes(struct wire_in *in, struct job *job)
{
	unsigned priority = wire_get_u8(in), trace;

	job->priority = (int)priority - PRIORITY_ZERO;
	job->deliver_by = wire_get_u64(in);
	job->by_mode = (char)wire_get_u8(in);
	trace = wire_get_u8(in);
	job->by_trace = trace == 1;
	job->ret = (char)wire_get_u8(in);
	job->envid = wire_get_bytes(in, QUEUEFILE_ENVID_MAX, &job->envid_len);
	if (priority > 2 * PRIORITY_ZERO || trace > 1 ||
		(job->ret != 'F' && job->ret != 'H' && job->ret != '\0'))
		return false;
	return job->deliver_by == 0
		       ? job->by_mode == '\0' && !job->by_trace
		       : job->by_mode == 'R' || job->by_mode == 'N';
}

static bool
get_recipient(struct wire_in *in, struct job_recipient *to)
{
	to->address = wire_get_bytes(in, JOB_ADDRESS_MAX, &to->address_len);
	to->notify = wire_get_u8(in);
	to->orcpt = wire_get_bytes(in, QUEUEFILE_ORCPT_MAX, &to->orcpt_len);
	return to->address_len > 0 && to->notify < 16;
}

bool
job_decode(char const *s, size_t len, struct job *job_r)
{
	struct wire_in in;
	char const *id;
	size_t id_len;

	wire_open(&in, s, len);
	job_r->number = wire_get_u32(&in);
	id = wire_get_bytes(&in, ID_LEN, &id_len);
	if (!id_valid(id, id_len))
		return false;
	memcpy(job_r->id, id, ID_LEN);
	job_r->id[ID_LEN] = '\0';
	job_r->message_offset = wire_get_u64(&in);
	job_r->message_len = wire_get_u64(&in);
	job_r->added_offset = wire_get_u64(&in);
	job_r->added_len = wire_get_u64(&in);
	job_r->flags = wire_get_u32(&in);
	job_r->sender =
		wire_get_bytes(&in, JOB_ADDRESS_MAX, &job_r->sender_len);
	if (!get_wishes(&in, job_r))
		return false;
	job_r->recipient_count = wire_get_u16(&in);
	if (job_r->recipient_count == 0 ||
		job_r->recipient_count > JOB_RECIPIENTS_MAX)
		return false;
	for (size_t i = 0; i < job_r->recipient_count; i++)
		if (!get_recipient(&in, &job_r->recipients[i]))
			return false;
	job_r->lines = wire_get_bytes(&in, JOB_LINES_MAX, &job_r->lines_len);
	return wire_end(&in);
}

size_t
job_report_encode(char *s, size_t max, struct job_report const *report)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, report->number);
	wire_put_u16(&out, (uint16_t)report->result_count);
	for (size_t i = 0; i < report->result_count; i++) {
		struct job_result const *r = &report->results[i];
		wire_put_u8(&out, (uint8_t)r->status);
		wire_put_bytes(&out, r->text,
			r->text_len < JOB_TEXT_MAX ? r->text_len
						   : JOB_TEXT_MAX);
	}
	return finished(&out);
}

bool
job_report_decode(char const *s, size_t len, struct job_report *report_r)
{
	struct wire_in in;

	wire_open(&in, s, len);
	report_r->number = wire_get_u32(&in);
	report_r->result_count = wire_get_u16(&in);
	if (report_r->result_count > JOB_RECIPIENTS_MAX)
		return false;
	for (size_t i = 0; i < report_r->result_count; i++) {
		struct job_result *r = &report_r->results[i];
		uint8_t status = wire_get_u8(&in);
		if (status != JOB_DONE && status != JOB_RELAYED &&
			status != JOB_RETRY && status != JOB_FAILED)
			return false;
		r->status = (enum job_status)status;
		r->text = wire_get_bytes(&in, JOB_TEXT_MAX, &r->text_len);
	}
	return wire_end(&in);
}
