/*
 * gen-seccomp: writes the system call filters as C, from src/cell/seccomp-table.h.
 * Runs at build time only. libseccomp gives the numbers of the calls on each
 * architecture; the programs are made here, because its rules cannot say "allow
 * ioctl except these" together with a default other than allow, nor keep an order.
 *
 * A program checks the architecture, finds the call in a balanced tree of ranges
 * (neighbours with the same fate are one range), and runs through the clauses of
 * the few calls that have any. Instructions are made from the last to the first,
 * so that the target of every jump is known; far targets get a BPF_JA.
 */
#include "cell/seccomp-table.h"

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define X32_BIT 0x40000000U
#define MAX_NR 1024
#define MAX_CALLS 1024
#define MAX_INSNS 4096 /* BPF_MAXINSNS */
/* Leaves room for a BPF_JA or two between a jump and its targets. */
#define NEAR 250

static const struct arch {
	const char *name;
	uint32_t scmp, audit;
	bool x32;
} archs[] = {
	{"x86_64", SCMP_ARCH_X86_64, AUDIT_ARCH_X86_64, true},
	{"aarch64", SCMP_ARCH_AARCH64, AUDIT_ARCH_AARCH64, false},
};

static const char *const variant_names[CELL_SECCOMP_N_VARIANTS] = {"default", "direct"};

/* The calls of the table, apart from their groups. */
static struct call {
	char name[64];
	int action;
	int number; /* given in the table, or -1 */
	bool known; /* on some architecture */
} calls[MAX_CALLS];
static size_t n_calls;

/* From the last instruction to the first. */
static struct program {
	struct sock_filter insn[MAX_INSNS];
	int n;
} prog;

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "gen-seccomp: %s: %s\n", what, name);
	exit(1);
}

static int push(uint16_t code, uint32_t k, int jt, int jf)
{
	if (prog.n >= MAX_INSNS)
		fail("program too long", "");
	prog.insn[prog.n] = (struct sock_filter){code, (uint8_t)jt, (uint8_t)jf, k};
	return prog.n++;
}

static int load(size_t offset)
{
	return push(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* A target that the next instruction can reach. */
static int within_reach(int target)
{
	if (prog.n - target <= NEAR)
		return target;
	return push(BPF_JMP | BPF_JA, (uint32_t)(prog.n - target - 1), 0, 0);
}

static int jump(uint16_t op, uint32_t k, int yes, int no)
{
	no = within_reach(no);
	yes = within_reach(yes);
	return push(BPF_JMP | op | BPF_K, k, prog.n - yes - 1, prog.n - no - 1);
}

static int ret(int action)
{
	const uint32_t errno_of = action == CELL_SECCOMP_PRETEND ? 0 : (uint32_t)action;
	const uint32_t k = action ? SECCOMP_RET_ERRNO | errno_of : SECCOMP_RET_ALLOW;

	for (int i = prog.n - 1; i >= 0 && prog.n - i < NEAR / 2; i--)
		if (prog.insn[i].code == (BPF_RET | BPF_K) && prog.insn[i].k == k)
			return i;
	return push(BPF_RET | BPF_K, k, 0, 0);
}

static int ret_kill(void)
{
	return push(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS, 0, 0);
}

/* Both architectures are little-endian: the low word of an argument comes first. */
static size_t word_of(const struct cell_seccomp_cond *c)
{
	return offsetof(struct seccomp_data, args) + 8 * (c->arg - 1U) + (c->high ? 4 : 0);
}

static int clause_program(const struct cell_seccomp_clause *cl, int no)
{
	int yes = ret(cl->action);

	for (size_t i = COUNT(cl->cond); i-- > 0;) {
		const struct cell_seccomp_cond *c = &cl->cond[i];

		if (!c->arg)
			continue;
		yes = c->negate ? jump(BPF_JEQ, c->value, no, yes)
				: jump(BPF_JEQ, c->value, yes, no);
		if (c->mask != SC_WORD)
			push(BPF_ALU | BPF_AND | BPF_K, c->mask, 0, 0);
		yes = load(word_of(c));
	}
	return yes;
}

static bool has_clauses(const char *name, unsigned variant)
{
	for (size_t i = 0; i < COUNT(sc_clauses); i++)
		if (strcmp(sc_clauses[i].call, name) == 0 &&
			(sc_clauses[i].variants & (1U << variant)))
			return true;
	return false;
}

static int call_program(const struct call *call, unsigned variant)
{
	int next = ret(call->action);

	for (size_t i = COUNT(sc_clauses); i-- > 0;)
		if (strcmp(sc_clauses[i].call, call->name) == 0 &&
			(sc_clauses[i].variants & (1U << variant)))
			next = clause_program(&sc_clauses[i], next);
	return next;
}

/* Calls from `first` on share a fate: a plain action, or one call with clauses. */
struct range {
	uint32_t first;
	int action;
	const struct call *call; /* NULL: the plain action */
};

static int tree(const struct range *ranges, size_t n, unsigned variant)
{
	int right, left;

	if (n == 1)
		return ranges->call ? call_program(ranges->call, variant) : ret(ranges->action);
	right = tree(ranges + n / 2, n - n / 2, variant);
	left = tree(ranges, n / 2, variant);
	return jump(BPF_JGE, ranges[n / 2].first, right, left);
}

static int number_of(struct call *call, const struct arch *arch)
{
	int nr = seccomp_syscall_resolve_name_arch(arch->scmp, call->name);

	if (call->number >= 0 && nr >= 0 && nr != call->number)
		fail("libseccomp has another number", call->name);
	if (nr < 0)
		nr = call->number;
	if (nr >= MAX_NR)
		fail("number out of range", call->name);
	call->known |= nr >= 0;
	return nr;
}

static void program_for(const struct arch *arch, unsigned variant)
{
	struct range ranges[2 * MAX_CALLS + 1];
	const struct call *by_number[MAX_NR] = {NULL};
	size_t n = 0;
	int start;

	for (size_t i = 0; i < n_calls; i++) {
		int nr = number_of(&calls[i], arch);

		if (nr >= 0)
			by_number[nr] = &calls[i];
	}
	for (uint32_t nr = 0; nr < MAX_NR; nr++) {
		const struct call *call = by_number[nr];
		int action = call ? call->action : ENOSYS;

		if (call && !has_clauses(call->name, variant))
			call = NULL;
		if (n == 0 || call || ranges[n - 1].call || ranges[n - 1].action != action)
			ranges[n++] = (struct range){nr, action, call};
	}
	prog.n = 0;
	start = tree(ranges, n, variant);
	if (arch->x32) {
		/* -1 is a tracer's "no call"; it never runs. */
		int none = jump(BPF_JEQ, 0xffffffffU, ret(ENOSYS), ret_kill());

		start = jump(BPF_JGE, X32_BIT, none, start);
	}
	start = within_reach(start);
	if (start != prog.n - 1)
		push(BPF_JMP | BPF_JA, (uint32_t)(prog.n - start - 1), 0, 0);
	start = load(offsetof(struct seccomp_data, nr));
	jump(BPF_JEQ, arch->audit, start, ret_kill());
	load(offsetof(struct seccomp_data, arch));
}

static void read_table(void)
{
	for (size_t g = 0; g < COUNT(sc_groups); g++) {
		for (const char *p = sc_groups[g].calls; *p; p += strspn(p, " ")) {
			size_t len = strcspn(p, " ");
			struct call *call = &calls[n_calls++];
			char *equals;

			if (n_calls > MAX_CALLS || len >= sizeof(call->name))
				fail("table too long", p);
			memcpy(call->name, p, len);
			p += len;
			call->action = sc_groups[g].action;
			call->number = -1;
			equals = strchr(call->name, '=');
			if (equals) {
				*equals = '\0';
				call->number = 0;
				for (const char *d = equals + 1; *d; d++) {
					if (*d < '0' || *d > '9' || call->number > 100000)
						fail("not a number", d);
					call->number = call->number * 10 + (*d - '0');
				}
			}
			for (size_t i = 0; i + 1 < n_calls; i++)
				if (strcmp(calls[i].name, call->name) == 0)
					fail("in two groups", call->name);
		}
	}
	for (size_t i = 0; i < COUNT(sc_clauses); i++) {
		bool found = false;

		for (size_t k = 0; k < n_calls; k++)
			found |= strcmp(calls[k].name, sc_clauses[i].call) == 0;
		if (!found)
			fail("clause for a call in no group", sc_clauses[i].call);
	}
}

static void print_program(const struct arch *arch, const char *variant)
{
	printf("\nstatic const struct sock_filter %s_%s[] = {\n", arch->name, variant);
	for (int i = prog.n; i-- > 0;)
		printf("\t{0x%02x, %u, %u, 0x%08x},\n", prog.insn[i].code, prog.insn[i].jt,
			prog.insn[i].jf, prog.insn[i].k);
	printf("};\n");
}

int main(void)
{
	read_table();
	printf("/* Made by tools/gen-seccomp.c from src/cell/seccomp-table.h. */\n"
	       "#include <linux/filter.h>\n\n"
	       "struct seccomp_program {\n\tconst struct sock_filter *filter;\n\tunsigned short "
	       "n;\n};\n");
	for (size_t a = 0; a < COUNT(archs); a++) {
		for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++) {
			program_for(&archs[a], v);
			print_program(&archs[a], variant_names[v]);
		}
		printf("\nstatic const struct seccomp_program %s_programs[] = {\n", archs[a].name);
		for (unsigned v = 0; v < CELL_SECCOMP_N_VARIANTS; v++)
			printf("\t{%s_%s, sizeof(%s_%s) / sizeof(struct sock_filter)},\n",
				archs[a].name, variant_names[v], archs[a].name, variant_names[v]);
		printf("};\n");
	}
	for (size_t i = 0; i < n_calls; i++)
		if (!calls[i].known)
			fail("no such call on any architecture", calls[i].name);
	return 0;
}
