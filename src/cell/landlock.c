#include "landlock.h"

#include "sys/kernel.h"

#include <fcntl.h>
#include <sys/syscall.h>

#define LL_READ (LL_FS_EXECUTE | LL_FS_READ_FILE | LL_FS_READ_DIR)
#define LL_SPECIAL (LL_FS_MAKE_FIFO | LL_FS_MAKE_SOCK)
/* Nobody makes device nodes: not even where the kernel would let a root inside. */
#define LL_DEVICES (LL_FS_MAKE_CHAR | LL_FS_MAKE_BLOCK)

static int add(int ruleset, const char *path, unsigned long long rights)
{
	AUTO_FD int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : ll_add_path(ruleset, fd, rights);
}

/* Why there is none, to tell "not built in" from "switched off". */
static int missing(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 0) < 0 && errno == ENOSYS
		       ? -ENOSYS
		       : -EOPNOTSUPP;
}

int cell_landlock_build(const struct cell_landlock_rule *rules, size_t n, int *ret_fd)
{
	const int abi = ll_abi();
	const uint64_t all = ll_fs_rights(abi);
	struct ll_ruleset_attr attr = {.fs = all};
	AUTO_FD int ruleset = -1;
	int r;

	*ret_fd = -1;
	if (abi <= 0)
		return missing();
	if (abi >= 6)
		attr.scoped = LL_SCOPE_ABSTRACT_UNIX | LL_SCOPE_SIGNAL;
	ruleset = ll_create_ruleset(&attr, abi);
	if (ruleset < 0)
		return ruleset;
	r = add(ruleset, "/", LL_READ);
	if (r < 0)
		return r;
	r = add(ruleset, "/proc", (LL_READ | LL_FS_WRITE_FILE | LL_FS_TRUNCATE) & all);
	if (r < 0 && r != -ENOENT)
		return r;
	for (size_t i = 0; i < n; i++) {
		r = add(ruleset, rules[i].path,
			all & ~LL_DEVICES & ~(rules[i].no_special ? LL_SPECIAL : 0));
		if (r < 0 && !(r == -ENOENT && rules[i].optional))
			return r;
	}
	*ret_fd = TAKE_FD(ruleset);
	return 0;
}
