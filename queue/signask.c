/* What the manager asks of the signer, and what it hears back. */
#include <string.h>
#include "queue/signask.h"

size_t
signask_encode(char *s, size_t max, struct signask const *ask)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, ask->number);
	wire_put_bytes(&out, ask->id, ID_LEN);
	wire_put_u64(&out, ask->message_offset);
	wire_put_u64(&out, ask->message_len);
	wire_put_u64(&out, ask->added_offset);
	wire_put_u64(&out, ask->added_len);
	wire_put_u8(&out, (uint8_t)ask->wishes);
	wire_put_u8(&out, ask->is_free);
	wire_put_u32(&out, ask->uid);
	wire_put_bytes(&out, ask->fields, ask->fields_len);
	wire_put_bytes(&out, ask->list, ask->list_len);
	return out.failed ? 0 : out.len;
}

/* They go out as they are: whole lines, and never the empty one that would end
 * the header. */
static bool
are_lines(char const *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool starts = i == 0 || s[i - 1] == '\n';
		if (s[i] == '\0' || (starts && (s[i] == '\r' || s[i] == '\n')))
			return false;
	}
	return len == 0 || s[len - 1] == '\n';
}

bool
signask_decode(char const *s, size_t len, struct signask *ask_r)
{
	struct wire_in in;
	unsigned is_free;
	char const *id;
	size_t id_len;

	wire_open(&in, s, len);
	ask_r->number = wire_get_u32(&in);
	id = wire_get_bytes(&in, ID_LEN, &id_len);
	if (!id_valid(id, id_len))
		return false;
	memcpy(ask_r->id, id, ID_LEN);
	ask_r->id[ID_LEN] = '\0';
	ask_r->message_offset = wire_get_u64(&in);
	ask_r->message_len = wire_get_u64(&in);
	ask_r->added_offset = wire_get_u64(&in);
	ask_r->added_len = wire_get_u64(&in);
	ask_r->wishes = wire_get_u8(&in);
	is_free = wire_get_u8(&in);
	ask_r->is_free = is_free == 1;
	ask_r->uid = wire_get_u32(&in);
	ask_r->fields =
		wire_get_bytes(&in, SIGNASK_FIELDS_MAX, &ask_r->fields_len);
	ask_r->list = wire_get_bytes(&in, SIGNASK_LIST_MAX, &ask_r->list_len);
	return wire_end(&in) && is_free <= 1 &&
	       ask_r->wishes <= (SIGNASK_SIGN | SIGNASK_SEAL) &&
	       are_lines(ask_r->fields, ask_r->fields_len);
}

size_t
signask_answer_encode(char *s, size_t max, struct signask_answer const *answer)
{
	struct wire_out out;

	wire_start(&out, s, max);
	wire_put_u32(&out, answer->number);
	wire_put_u8(&out, (uint8_t)answer->outcome);
	wire_put_u8(&out, answer->is_seven);
	wire_put_bytes(&out, answer->lines, answer->lines_len);
	return out.failed ? 0 : out.len;
}

bool
signask_answer_decode(
	char const *s, size_t len, struct signask_answer *answer_r)
{
	struct wire_in in;
	unsigned outcome, is_seven;

	wire_open(&in, s, len);
	answer_r->number = wire_get_u32(&in);
	outcome = wire_get_u8(&in);
	is_seven = wire_get_u8(&in);
	answer_r->lines =
		wire_get_bytes(&in, JOB_LINES_MAX, &answer_r->lines_len);
	if (!wire_end(&in) || is_seven > 1 ||
		(outcome != SIGNASK_DONE && outcome != SIGNASK_LATER))
		return false;
	answer_r->outcome = (enum signask_outcome)outcome;
	answer_r->is_seven = is_seven == 1;
	return are_lines(answer_r->lines, answer_r->lines_len);
}
