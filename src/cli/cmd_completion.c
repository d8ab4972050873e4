#include "commands.h"

static const char bash[] =
	"# bash completion for bailey: . <(bailey completion bash)\n"
	"_bailey()\n"
	"{\n"
	"\tlocal line cur=${COMP_WORDS[COMP_CWORD]}\n"
	"\tlocal IFS=$'\\n'\n"
	"\tCOMPREPLY=()\n"
	"\t[ \"$cur\" != = ] || cur=\n"
	"\tfor line in $(bailey --complete \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null); do\n"
	"\t\tcase $line in\n"
	"\t\t:file) COMPREPLY+=($(compgen -f -- \"$cur\")); compopt -o filenames ;;\n"
	"\t\t:dir) COMPREPLY+=($(compgen -d -- \"$cur\")); compopt -o filenames ;;\n"
	"\t\t*) COMPREPLY+=(\"${line%%$'\\t'*}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"}\n"
	"complete -F _bailey bailey\n";

static const char zsh[] =
	"#compdef bailey\n"
	"# zsh completion for bailey: in a directory of $fpath as _bailey, or sourced\n"
	"_bailey()\n"
	"{\n"
	"\tlocal line\n"
	"\tlocal -a items\n"
	"\tfor line in \"${(@f)$(bailey --complete \"${(@)words[2,CURRENT]}\" 2>/dev/null)}\"; do\n"
	"\t\tcase $line in\n"
	"\t\t:file) _files ;;\n"
	"\t\t:dir) _files -/ ;;\n"
	"\t\t?*) items+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t(( ${#items} )) && _describe bailey items\n"
	"}\n"
	"if [ \"$funcstack[1]\" = _bailey ]; then _bailey \"$@\"; else compdef _bailey bailey; "
	"fi\n";

static const char fish[] =
	"# fish completion for bailey: bailey completion fish | source\n"
	"function __bailey_complete\n"
	"\tset -l words (commandline -opc)\n"
	"\tset -l current (commandline -ct)\n"
	"\tfor line in (bailey --complete $words[2..-1] \"$current\" 2>/dev/null)\n"
	"\t\tswitch $line\n"
	"\t\t\tcase ':file'\n"
	"\t\t\t\t__fish_complete_path \"$current\"\n"
	"\t\t\tcase ':dir'\n"
	"\t\t\t\t__fish_complete_directories \"$current\"\n"
	"\t\t\tcase '*'\n"
	"\t\t\t\techo $line\n"
	"\t\tend\n"
	"\tend\n"
	"end\n"
	"complete -c bailey -f -a '(__bailey_complete)'\n";

static const struct {
	const char *name, *script;
} shells[] = {{"bash", bash}, {"zsh", zsh}, {"fish", fish}};

static int run_completion(struct cli *cli UNUSED, struct cmd_args *args)
{
	AUTO_FREE char *quoted = opt_quote(args->operands.v[0]);

	for (size_t i = 0; i < ARRAY_SIZE(shells); i++) {
		if (!str_eq(shells[i].name, args->operands.v[0]))
			continue;
		fputs(shells[i].script, stdout);
		return 0;
	}
	return cli_usage("completion", "no completion for %s: there is bash, zsh and fish", quoted);
}

extern const struct command cmd_completion;
const struct command cmd_completion = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.summary = "Print the completion script for a shell",
	.text = "bash: put '. <(bailey completion bash)' into ~/.bashrc.\n"
		"zsh: write it to a file _bailey in a directory of $fpath.\n"
		"fish: write it to ~/.config/fish/completions/bailey.fish.",
	.complete = "bash|zsh|fish",
	.min_operands = 1,
	.max_operands = 1,
	.run = run_completion,
};
