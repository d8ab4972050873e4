/*
 * The control protocol's readers: the first byte of the input chooses, two bits at a
 * time, which fields are read from the rest.
 */
#include "fuzz.h"
#include "ipc/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_MSG struct msg m = {.received = true};
	AUTO_STRVEC struct strvec v = {0};

	if (size < 4 || size > MSG_MAX)
		return 0;
	m.len = m.cap = size - 4;
	m.body = xmalloc(m.cap + 1);
	memcpy(m.body, data + 4, m.len);
	for (unsigned i = 0; i < 16; i++) {
		switch (data[i / 4] >> (i % 4 * 2) & 3) {
		case 0:
			(void)msg_get_u32(&m);
			break;
		case 1:
			(void)msg_get_u64(&m);
			break;
		case 2:
			if (strlen(msg_get_str(&m)) > size)
				abort();
			break;
		default:
			msg_get_strs(&m, &v, 64);
			if (v.n > 64 * 16)
				abort();
		}
	}
	(void)msg_end(&m);
	return 0;
}
