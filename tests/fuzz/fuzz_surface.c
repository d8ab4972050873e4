/*
 * What the reviewer is told of a path, a link and a text: up to the first NUL a path,
 * up to the second a link's target, then content. Classes must not depend on the case
 * of letters nor on how a text is cut into pieces, and what is shown must be harmless.
 */
#include "fuzz.h"
#include "workspace/digest.h"
#include "workspace/show.h"
#include "workspace/surface.h"

#define INPUT_MAX 65536

static char *take_string(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, 0, *size);
	size_t n = end ? (size_t)(end - *data) : *size;
	char *s = xstrndup((const char *)*data, n);

	*data += n + (end != NULL);
	*size -= n + (end != NULL);
	return s;
}

static void check_path(const char *path)
{
	AUTO_FREE char *other = xstrdup(path);
	unsigned classes = surface_of_path(path);

	for (char *p = other; *p; p++)
		if (*p >= 'a' && *p <= 'z')
			*p = (char)(*p - 32);
	if (surface_of_path(other) != classes || classes & ~SURFACE_ALL)
		abort();
	/* Another directory above takes no class away. */
	{
		AUTO_FREE char *deeper = xasprintf("deeper/%s", path);

		if (*path && *path != '/' && classes & ~surface_of_path(deeper))
			abort();
	}
}

static void check_text(const char *p, size_t n)
{
	AUTO_FREE char *shown = show_escape_text(p, n);
	struct text_scan whole = {0}, pieces = {0};

	if (str_risks(shown, strlen(shown), true) || !str_is_utf8(shown, strlen(shown)))
		abort();
	text_scan_add(&whole, p, n);
	for (size_t i = 0; i < n; i += 1 + i % 3)
		text_scan_add(&pieces, p + i, n - i < 1 + i % 3 ? n - i : 1 + i % 3);
	if (text_scan_end(&whole) != text_scan_end(&pieces))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_FREE char *path = NULL;
	AUTO_FREE char *target = NULL;

	if (size > INPUT_MAX)
		return 0;
	path = take_string(&data, &size);
	target = take_string(&data, &size);
	check_path(path);
	(void)surface_link_leaves(path, target);
	check_text((const char *)data, size);
	return 0;
}
