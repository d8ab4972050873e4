#include "conf/trust.h"
#include "policy.h"

#include <sys/random.h>

#define NAME_MAX_LEN 40

static const char *const adjectives[] = {"amber", "bold", "brisk", "calm", "clear", "cosy", "crisp",
	"dapper", "eager", "early", "fair", "fleet", "fond", "gentle", "glad", "golden", "grand",
	"hardy", "keen", "kind", "lively", "lucky", "mellow", "merry", "mild", "neat", "nimble",
	"noble", "patient", "plain", "proud", "quick", "quiet", "ready", "rosy", "rustic", "shy",
	"silver", "sleek", "small", "snug", "sober", "spry", "steady", "still", "stout", "sunny",
	"swift", "tidy", "vivid", "warm", "wise", "witty", "young"};
static const char *const nouns[] = {"acorn", "anvil", "apple", "arch", "badger", "beacon", "birch",
	"bridge", "brook", "cedar", "cliff", "clover", "crane", "dove", "ember", "falcon", "fern",
	"field", "finch", "fox", "gate", "grove", "harbour", "hare", "hazel", "heron", "hill",
	"ivy", "keep", "lantern", "larch", "lark", "maple", "marten", "meadow", "moat", "oak",
	"orchard", "otter", "owl", "pine", "pond", "raven", "reed", "robin", "rook", "spruce",
	"stone", "swan", "tower", "valley", "well", "willow", "wren"};

char *policy_make_name(bool ephemeral)
{
	static const char letters[] = "abcdefghjkmnpqrstuvwxyz23456789";
	uint32_t random[6];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		abort();
	if (ephemeral) {
		char word[7] = "";

		for (size_t i = 0; i < 6; i++)
			word[i] = letters[random[i] % (sizeof(letters) - 1)];
		return xasprintf("run-%s", word);
	}
	return xasprintf("%s-%s", adjectives[random[0] % ARRAY_SIZE(adjectives)],
		nouns[random[1] % ARRAY_SIZE(nouns)]);
}

const char *policy_check_name(const char *name)
{
	static const char *const want =
		"1 to 40 small letters, digits, '.', '_' and '-', the first a letter or digit";
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n == 0 || n > NAME_MAX_LEN || name[n] || strchr("._-", *name) ? want : NULL;
}

char *policy_make_id(const char *name, const char *project)
{
	AUTO_FREE char *digest = sha256_hex(project, strlen(project));

	return xasprintf("%s-%.8s", name, digest);
}
