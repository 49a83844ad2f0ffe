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
