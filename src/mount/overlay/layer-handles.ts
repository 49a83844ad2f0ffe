import type { HostCall, HostCalls } from './host-calls.ts';

/**
 * What a kernel's overlay knows objects of its layers again by, also after they were renamed: the number of the file system
 * and a file handle of it (struct ovl_fb, fs/overlayfs/overlayfs.h).
 */
export class LayerHandles {
  readonly #calls: HostCalls;
  readonly #directories: readonly string[];
  readonly #uuids = new Map<number, Buffer | null>();

  /** @param directories - Those of the layers, lowest first. */
  constructor(calls: HostCalls, directories: readonly string[]) {
    this.#calls = calls;
    this.#directories = directories;
  }

  /** Number of a layer's file system; null where it has none that can be asked for. */
  uuidOf(layer: number): Buffer | null {
    let uuid = this.#uuids.get(layer);
    if (uuid !== undefined) return uuid;
    try {
      uuid = Buffer.from(this.#calls.run(['uuid', this.#directories[layer]])[0]);
    } catch {
      uuid = null;
    }
    this.#uuids.set(layer, uuid);
    return uuid;
  }

  /**
   * Handles of objects that lie in one layer; null for each that has none.
   *
   * @param flags - OVL_FH_FLAG_*: {@link HANDLE_OF_UPPER} for the upper's own.
   */
  of(layer: number, paths: readonly string[], flags = 0): (Buffer | null)[] {
    const uuid = this.uuidOf(layer);
    if (uuid === null) return paths.map(() => null);
    const found: (Buffer | null)[] = [];
    for (let at = 0; at < paths.length; at += PATHS_AT_ONCE) {
      const calls = paths.slice(at, at + PATHS_AT_ONCE).map((path): HostCall => ['handle', path, uuid, flags]);
      // A copy: the answer as a whole is not to be kept for a handle.
      for (const answer of this.#calls.run(...calls)) found.push(answer.length === 0 ? null : Buffer.from(answer));
    }
    return found;
  }
}

/** OVL_FH_FLAG_PATH_UPPER */
export const HANDLE_OF_UPPER = 4;

const PATHS_AT_ONCE = 512;
