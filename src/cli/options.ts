import { usageError } from './exit-codes.ts';

/** Values of options by name, as commander collects them. */
export type Options = Readonly<Record<string, unknown>>;

export const textOption = (options: Options, name: string): string | undefined => {
  const value = options[name];
  return typeof value === 'string' ? value : undefined;
};

export const listOption = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? (value as string[]) : [];
};

export const flag = (options: Options, name: string): boolean => options[name] === true;

/** The value of an option that has few; another one is a usage error. */
export function choiceOption<T extends string>(options: Options, name: string, values: readonly T[]): T | undefined {
  const value = textOption(options, name);
  const found = values.find((each) => each === value);
  if (value !== undefined && found === undefined) throw usageError(`--${name} is one of: ${values.join(', ')}`);
  return found;
}
