/**
 * What the instructions of a Dockerfile change in the config that containers run with, their words read already: for images
 * that a scenario builds and for `docker commit --change` alike (moby v20.10.24, builder/dockerfile/dispatchers.go).
 *
 * | instruction | member | before |
 * |---|---|---|
 * | ENV | `Env` | stays; a name that is there keeps its place |
 * | LABEL | `Labels` | stays, but for the same names |
 * | CMD | `Cmd` | goes |
 * | ENTRYPOINT | `Entrypoint` | goes, and with it a `Cmd` that none of these instructions has set |
 * | WORKDIR | `WorkingDir` | a relative one goes on from it |
 * | USER | `User` | goes |
 * | EXPOSE, VOLUME | `ExposedPorts`, `Volumes` | stays; sorted, as Docker writes them |
 * | ONBUILD | `OnBuild` | stays |
 * | HEALTHCHECK | `Healthcheck` | goes |
 */

/** The `config` of an image's config, in Docker's spelling. */
export type RunConfigJson = Readonly<Record<string, unknown>>;

export type RunConfigInstruction =
  | { readonly word: 'ENV' | 'LABEL'; readonly pairs: readonly (readonly [key: string, value: string])[] }
  | { readonly word: 'CMD' | 'ENTRYPOINT'; readonly argv: readonly string[] }
  | { readonly word: 'WORKDIR' | 'USER'; readonly value: string }
  /** Each with its protocol: `80/tcp`. */
  | { readonly word: 'EXPOSE'; readonly ports: readonly string[] }
  | { readonly word: 'VOLUME'; readonly paths: readonly string[] }
  /** The instruction that a build on top of the image begins with. */
  | { readonly word: 'ONBUILD'; readonly trigger: string }
  | { readonly word: 'HEALTHCHECK'; readonly check: object };

/** A config in the making. */
export class RunConfigDraft {
  readonly #members: Record<string, unknown>;
  #isCmdSet = false;

  /** @param before - Copied. */
  constructor(before: RunConfigJson) {
    this.#members = { ...before };
  }

  /** The members now; they change with the next instruction. */
  get members(): RunConfigJson {
    return this.#members;
  }

  /** `NAME=value`. */
  get env(): readonly string[] {
    return textsOf(this.#members['Env']);
  }

  /** Absolute; `/` unless WORKDIR was said. */
  get workdir(): string {
    const directory = this.#members['WorkingDir'];
    return typeof directory === 'string' && directory !== '' ? directory : '/';
  }

  apply(instruction: RunConfigInstruction): void {
    const members = this.#members;
    switch (instruction.word) {
      case 'ENV':
        members['Env'] = withPairs(this.env, instruction.pairs);
        return;
      case 'LABEL':
        members['Labels'] = { ...(members['Labels'] as object), ...Object.fromEntries(instruction.pairs) };
        return;
      case 'CMD':
        members['Cmd'] = instruction.argv;
        this.#isCmdSet = true;
        return;
      case 'ENTRYPOINT':
        members['Entrypoint'] = instruction.argv;
        // A command that was for the entrypoint before means nothing to the new one.
        if (!this.#isCmdSet) delete members['Cmd'];
        return;
      case 'WORKDIR': {
        const { value } = instruction;
        members['WorkingDir'] = value.startsWith('/') ? value : `${this.workdir.replace(/\/$/, '')}/${value}`;
        return;
      }
      case 'USER':
        members['User'] = instruction.value;
        return;
      case 'EXPOSE':
        members['ExposedPorts'] = asSet([...namesOf(members['ExposedPorts']), ...instruction.ports]);
        return;
      case 'VOLUME':
        members['Volumes'] = asSet([...namesOf(members['Volumes']), ...instruction.paths]);
        return;
      case 'ONBUILD':
        members['OnBuild'] = [...textsOf(members['OnBuild']), instruction.trigger];
        return;
      case 'HEALTHCHECK':
        members['Healthcheck'] = instruction.check;
        return;
    }
  }
}

/** Docker's sets of paths and ports: objects without content, sorted. */
export const asSet = (items: readonly string[]): Readonly<Record<string, object>> =>
  Object.fromEntries(items.toSorted().map((item) => [item, {}]));

/** The texts of a member that is a list of them; none where it is not there. */
export const textsOf = (value: unknown): readonly string[] => (Array.isArray(value) ? (value as string[]) : []);

const namesOf = (set: unknown): readonly string[] => Object.keys((set as object | null | undefined) ?? {});

function withPairs(before: readonly string[], pairs: readonly (readonly [string, string])[]): string[] {
  const env = [...before];
  for (const [name, value] of pairs) {
    const at = env.findIndex((each) => each.startsWith(`${name}=`));
    env.splice(at < 0 ? env.length : at, 1, `${name}=${value}`);
  }
  return env;
}
