/** One change of one source file that the scripts of some rules have to notice. */
export interface RuleBreak {
  readonly name: string;
  /** How the titles of these rules begin (rules.ts). */
  readonly shows: readonly string[];
  /** Below src/. */
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
}
