/** What is told of a verb: by help, by completion, and to the parser of arguments. It is data, without the verb's code. */

export interface OptionSpec {
  /** As commander takes it: `-s, --size`, `--name <name>`, `-v, --volume <mount>`. */
  readonly flags: string;
  readonly description: string;
  /** May be given several times; the values come as an array. */
  readonly repeat?: true;
}

export interface ArgumentSpec {
  /** As commander takes it: `<image>`, `[name...]`. */
  readonly form: string;
  readonly description: string;
}

export interface Example {
  /** Without `overlog`. */
  readonly command: string;
  readonly explains: string;
}

export interface VerbForm {
  readonly name: string;
  readonly aliases?: readonly string[];
  /** One line. */
  readonly summary: string;
  /** More, where a line does not tell it. */
  readonly details?: string;
  readonly args: readonly ArgumentSpec[];
  readonly options: readonly OptionSpec[];
  readonly examples: readonly Example[];
  /** `at`: it reads and takes `--at`. */
  readonly reads?: true;
  /** It can print one object a line. */
  readonly streams?: true;
  /** It takes `--bytes`. */
  readonly hasSizes?: true;
}
