/*
 * JSON that an agent has left in its home: a login that comes back, a file that is
 * merged into. What is merged once must be JSON, and merging again must change nothing.
 */
#include "agent/config.h"
#include "agent/credentials.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char set[] = "{\"a\": {\"b\": true}, \"list\": [1, \"two\"], \"n\": 1}";
	struct preset_credential keyed = {}, any = {};
	const char *text = (const char *)data;
	AUTO_FREE char *once = NULL;
	AUTO_FREE char *twice = NULL;
	int r;

	if (size > 65536)
		return 0;
	strvec_push(&keyed.keys, "tokens");
	(void)credential_refused(&keyed, text, size);
	(void)credential_refused(&any, text, size);
	strvec_done(&keyed.keys);
	r = config_merge_json(text, size, set, &once, NULL);
	if (r != 0 && r != -EBADMSG)
		abort();
	if (r == 0 && once &&
		(config_merge_json(once, strlen(once), set, &twice, NULL) != 0 || twice))
		abort();
	return 0;
}
