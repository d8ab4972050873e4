/*
 * The border to C++: toml++ parses, and its tree is copied into plain C nodes.
 * Nothing C++ leaves this file: exceptions are caught, memory comes from mem.h.
 *
 * toml++ builds and frees its tree recursively, so depth is bounded before it
 * sees a byte: values nest at most NEST_MAX, and shape_check() bounds the dots
 * of one key, which toml++ does not.
 */

/*
 * toml++ 3.3 asserts what a malformed file can break ("[" before the end of a line),
 * and without assertions goes on as if it held. Here a broken assertion is an
 * exception: the file is malformed.
 */
#undef NDEBUG
namespace
{
struct malformed {
};
[[noreturn]] void assertion_failed()
{
	throw malformed();
}
} // namespace
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : assertion_failed())

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#define TOML_ENABLE_FORMATTERS 0
#define TOML_ENABLE_WINDOWS_COMPAT 0
#define NEST_MAX 32
#define TOML_MAX_NESTED_VALUES NEST_MAX
/*
 * Its tables of characters call unreachable what é outside of a string reaches; the
 * answer there is no.
 */
#include <toml++/impl/forward_declarations.h>
#pragma push_macro("TOML_UNREACHABLE")
#undef TOML_UNREACHABLE
#define TOML_UNREACHABLE return false
#include <toml++/impl/unicode.h>
#pragma pop_macro("TOML_UNREACHABLE")
#include <toml++/toml.h>

#include <algorithm>
#include <new>
#include <vector>

#include <cerrno>
#include <dirent.h>
#include <unistd.h>

extern "C" {
#include "toml.h"
}

#define DOTS_MAX 16

namespace
{

struct place {
	unsigned line, column;
};

/*
 * Finds what must not reach the parser: NUL, and keys of more than DOTS_MAX dots.
 * Follows strings and comments just as far as needed to know which dots are in a
 * key. Up to the first syntax error it sees what toml++ sees; after it, nothing
 * is built any more.
 */
class shape
{
      public:
	shape(const char *text, size_t n) : text(text), n(n)
	{
	}

	const char *check(place *where)
	{
		const char *bad = nullptr;

		while (at < n && !bad) {
			char c = text[at];

			if (c == '\0')
				bad = "a NUL byte";
			else if (c == '#')
				comment();
			else if (c == '"' || c == '\'')
				string(c);
			else
				bad = plain(c);
		}
		where->line = line;
		where->column = static_cast<unsigned>(at - line_start) + 1;
		return bad;
	}

      private:
	const char *plain(char c)
	{
		if (c == '.') {
			if (++dots > DOTS_MAX)
				return "a key of too many parts";
		} else if (c != ' ' && c != '\t' && strchr("=,[]{}\r\n", c)) {
			dots = 0;
		}
		step();
		return nullptr;
	}

	void step()
	{
		if (text[at++] == '\n') {
			line++;
			line_start = at;
		}
	}

	void comment()
	{
		while (at < n && text[at] != '\n' && text[at] != '\0')
			step();
	}

	bool triple(char quote) const
	{
		return n - at >= 3 && text[at] == quote && text[at + 1] == quote &&
		       text[at + 2] == quote;
	}

	void string(char quote)
	{
		bool many = triple(quote);

		at += many ? 3 : 1;
		while (at < n && text[at] != '\0') {
			if (quote == '"' && text[at] == '\\' && n - at > 1 &&
				text[at + 1] != '\0') {
				at++;
				step();
			} else if (many && triple(quote)) {
				at += 3;
				/* Up to two quotes may stand before the closing three. */
				while (at < n && text[at] == quote)
					at++;
				return;
			} else if (!many && (text[at] == quote || text[at] == '\n')) {
				step();
				return;
			} else {
				step();
			}
		}
	}

	const char *text;
	size_t n, at = 0, line_start = 0;
	unsigned line = 1, dots = 0;
};

char *copy_string(std::string_view s)
{
	return xstrndup(s.data(), s.size());
}

bool has_nul(const std::string &s)
{
	return s.find('\0') != std::string::npos;
}

/* "\u0000" is legal TOML, but as a C string it would be cut short and mean another. */
const toml::source_position *find_nul(const toml::node &from)
{
	if (const auto *table = from.as_table()) {
		for (auto &&[key, node] : *table) {
			if (has_nul(std::string(key.str())))
				return &key.source().begin;
			if (const auto *at = find_nul(node))
				return at;
		}
	} else if (const auto *array = from.as_array()) {
		for (const toml::node &node : *array)
			if (const auto *at = find_nul(node))
				return at;
	} else if (const auto *str = from.as_string()) {
		if (has_nul(str->get()))
			return &from.source().begin;
	}
	return nullptr;
}

struct toml_node *copy(const toml::node &from);

struct child {
	const toml::key *key;
	const toml::node *node;
};

/* std::map has put the keys into alphabetical order; people wrote them in another. */
bool before(const child &a, const child &b)
{
	const auto &x = a.key->source().begin, &y = b.key->source().begin;

	return x.line != y.line ? x.line < y.line : x.column < y.column;
}

void copy_table(const toml::table &from, struct toml_node *to)
{
	std::vector<child> children;

	for (auto &&[key, node] : from)
		children.push_back({&key, &node});
	std::stable_sort(children.begin(), children.end(), before);
	to->items = static_cast<struct toml_node **>(xcalloc(children.size(), sizeof(*to->items)));
	for (const child &c : children) {
		struct toml_node *item = copy(*c.node);

		item->key = copy_string(c.key->str());
		item->line = c.key->source().begin.line;
		item->column = c.key->source().begin.column;
		to->items[to->n_items++] = item;
	}
}

void copy_array(const toml::array &from, struct toml_node *to)
{
	to->items = static_cast<struct toml_node **>(xcalloc(from.size(), sizeof(*to->items)));
	for (const toml::node &node : from)
		to->items[to->n_items++] = copy(node);
}

struct toml_node *copy(const toml::node &from)
{
	auto *to = static_cast<struct toml_node *>(xcalloc(1, sizeof(struct toml_node)));

	to->line = from.source().begin.line;
	to->column = from.source().begin.column;
	if (const auto *table = from.as_table()) {
		to->type = TOML_TABLE;
		copy_table(*table, to);
	} else if (const auto *array = from.as_array()) {
		to->type = TOML_ARRAY;
		copy_array(*array, to);
	} else if (const auto *str = from.as_string()) {
		to->type = TOML_STRING;
		to->str = copy_string(str->get());
	} else if (const auto *integer = from.as_integer()) {
		to->type = TOML_INT;
		to->integer = integer->get();
	} else if (const auto *real = from.as_floating_point()) {
		to->type = TOML_FLOAT;
		to->real = real->get();
	} else if (const auto *boolean = from.as_boolean()) {
		to->type = TOML_BOOL;
		to->boolean = boolean->get();
	} else {
		to->type = TOML_TIME;
	}
	return to;
}

int refuse(struct err **err, const char *file, unsigned line, unsigned column, std::string_view why)
{
	AUTO_FREE char *name = str_escape0(file);
	AUTO_FREE char *text = str_escape(why.data(), std::min(why.size(), size_t(200)));

	return err_set(err, 0, "%s:%u:%u: %s", name, line, column, text);
}

bool breaks_parser(const char *text, size_t n)
{
	try {
		(void)toml::parse(std::string_view(text, n));
		return false;
	} catch (const malformed &) {
		return true;
	}
}

/* The exception does not say where: the first line with which the parser breaks does. */
unsigned malformed_line(const char *text, size_t n)
{
	std::vector<size_t> ends;
	size_t good = 0, bad;

	for (size_t i = 0; i < n; i++)
		if (text[i] == '\n' || i + 1 == n)
			ends.push_back(i + 1);
	bad = ends.size();
	while (bad - good > 1) {
		size_t middle = good + (bad - good) / 2;

		if (breaks_parser(text, ends[middle - 1]))
			bad = middle;
		else
			good = middle;
	}
	return static_cast<unsigned>(bad);
}

int parse(const char *text, size_t n, const char *file, struct toml_node **ret, struct err **err)
{
	toml::parse_result result = toml::parse(std::string_view(text, n));

	if (!result) {
		const auto &at = result.error().source().begin;

		return refuse(err, file, at.line ? at.line : 1, at.column ? at.column : 1,
			result.error().description());
	}
	if (const auto *at = find_nul(result.table()))
		return refuse(err, file, at->line, at->column, "a NUL in a string");
	*ret = copy(result.table());
	return 0;
}

} // namespace

extern "C" int toml_parse(
	const char *text, size_t n, const char *file, struct toml_node **ret, struct err **err)
{
	place where;
	const char *bad;

	if (n > TOML_MAX)
		return refuse(err, file, 1, 1, "more than 1 MiB: this is no configuration file");
	bad = shape(text, n).check(&where);
	if (bad)
		return refuse(err, file, where.line, where.column, bad);
	try {
		return parse(text, n, file, ret, err);
	} catch (const malformed &) {
		return refuse(err, file, malformed_line(text, n), 1, "this line is no TOML");
	} catch (const std::exception &e) {
		return refuse(err, file, 1, 1, e.what());
	}
}

extern "C" const struct toml_node *toml_get(const struct toml_node *table, const char *key)
{
	for (size_t i = 0; i < table->n_items; i++)
		if (table->items[i]->key && str_eq(table->items[i]->key, key))
			return table->items[i];
	return nullptr;
}

extern "C" const char *toml_type_name(enum toml_type type)
{
	static const char *const names[] = {"a table", "an array", "a string", "an integer",
		"a number with a fraction", "a boolean", "a date or time"};

	static_assert(ARRAY_SIZE(names) == TOML_TIME + 1, "a name for each type");
	return names[type];
}

extern "C" void toml_free(struct toml_node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n_items; i++)
		toml_free(node->items[i]);
	if (node->type == TOML_STRING)
		free(node->str);
	free(node->items);
	free(node->key);
	free(node);
}
