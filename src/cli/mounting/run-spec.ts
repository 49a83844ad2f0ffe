/** The container that a program runs in: made, or found by its name, in the thread that owns the store. */

import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { type Container, parseVolumeOption, printableName, type Store } from '../../index.ts';

export interface RunSpec {
  /** Name or id of an image; null with `lower`, or for a container that is there. */
  readonly image: string | null;
  /** Real path of a directory that the container starts as; null: none. */
  readonly lower: string | null;
  readonly name: string | null;
  readonly volumes: readonly string[];
  /** Empty: the image's own. */
  readonly command: readonly string[];
  /** Where the program starts, in the container; null: where the image says. */
  readonly workingDirectory: string | null;
}

/** What the program gets from the image's config. */
export interface RunDefaults {
  readonly command: readonly string[];
  readonly environment: readonly string[];
  readonly workingDirectory: string;
  /** `user[:group]` as the config has it. */
  readonly user: string;
  /** The directory that the container was made of, if it was. */
  readonly lower: string | null;
  /** The container was made for this run. */
  readonly isNew: boolean;
  /** Seq before the program began. */
  readonly before: number;
}

/** Label that says which directory of the host a container started as. */
const LOWER_LABEL = 'overlog.lower';

/** Finds or makes the container, and starts it. */
export async function prepareRun(
  store: Store,
  spec: RunSpec,
): Promise<{ container: Container; defaults: RunDefaults }> {
  const there = spec.name === null ? null : store.containers.find(spec.name);
  const container = there ?? (await create(store, spec));
  const workingDirectory = spec.workingDirectory ?? configOf(store, container)?.workingDirectory ?? '';
  try {
    makeWorkingDirectory(container, workingDirectory);
  } catch (error) {
    if (there === null) await container.remove({ volumes: true });
    throw error;
  }
  const before = store.seq;
  await container.start({ attach: true });
  const { command, labels } = container.inspect();
  const config = configOf(store, container);
  return {
    container,
    defaults: {
      command: spec.command.length > 0 ? spec.command : command,
      environment: config?.environment ?? [],
      workingDirectory,
      user: config?.user ?? '',
      lower: labels[LOWER_LABEL] ?? null,
      isNew: there === null,
      before,
    },
  };
}

function configOf(store: Store, container: Container) {
  const { image } = container.inspect();
  return image === null ? null : store.images.get(image).config.run;
}

/** What a command ends with that could not start anything (docker-run(1), "Exit Status"). */
const EXIT_NOT_STARTED = 125;

/** As Docker does, it is made where it is missing, before the program starts (moby, SetupWorkingDirectory). */
function makeWorkingDirectory(container: Container, path: string): void {
  if (path === '') return;
  const absolute = posix.join('/', path);
  try {
    container.fs.mkdirSync(absolute, { recursive: true, mode: 0o755 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'EEXIST' || code === 'ENOTDIR' ? 'something there is not a directory' : `it can't be made (${code})`;
    const message = `the working directory ${printableName(absolute)} of the container can't be used: ${why}`;
    throw Object.assign(new Error(message), { exitCode: EXIT_NOT_STARTED });
  }
}

async function create(store: Store, { image, lower, name, volumes, command }: RunSpec): Promise<Container> {
  if (image === null && lower === null) {
    const which = name === null ? 'it takes --image or --lower' : `there is no container "${name}" yet`;
    throw Object.assign(new Error(`${which}: say what it starts as, with --image REF or --lower DIR`), { exitCode: 2 });
  }
  return store.containers.create({
    image: lower === null ? (image as string) : await loadLower(store, lower),
    ...(name !== null && { name }),
    ...(command.length > 0 && { command: [...command] }),
    mounts: volumes.map(parseVolumeOption),
    labels: lower === null ? {} : { [LOWER_LABEL]: lower },
  });
}

/** The directory as an image of one layer. Equal content is stored once, so a second time costs the reading only. */
async function loadLower(store: Store, directory: string): Promise<string> {
  const tag = `lower/${createHash('sha256').update(directory).digest('hex').slice(0, 12)}:latest`;
  const [{ id }] = await store.images.load(directory, { tag });
  return id;
}
