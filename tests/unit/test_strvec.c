#include "tap.h"

#include "base/strvec.h"

TEST(strvec_env)
{
	AUTO_STRVEC struct strvec v = {0};

	CHECK(strvec_argv(&v)[0] == NULL);
	strvec_env_set(&v, "A", "1");
	strvec_env_set(&v, "AB", "2");
	strvec_env_set(&v, "A", "3");
	CHECK_INT(v.n, 2);
	CHECK_STR(strvec_env_get(&v, "A"), "3");
	CHECK_STR(strvec_env_get(&v, "AB"), "2");
	strvec_env_unset(&v, "A");
	CHECK(!strvec_env_get(&v, "A"));
	CHECK(v.v[v.n] == NULL);
}
