/* Settings for people and programs: as TOML that can be read back, JSON, a schema. */
#ifndef BAILEY_CLI_CONFIG_PRINT_H
#define BAILEY_CLI_CONFIG_PRINT_H

#include "conf/conf.h"

/* origins: NULL to leave them out. */
void config_print(const struct conf *conf, const struct conf_origins *origins, FILE *out);
void config_print_json(const struct conf *conf, const struct conf_origins *origins, FILE *out);
void config_print_schema(FILE *out);
/* The settings as definitions of a manual page, in scdoc. */
void config_print_man(FILE *out);
void config_print_paths(const struct conf_file *files, size_t n, bool json, FILE *out);

#endif
