/**
 * Finds calls on one name that overlapped in time and whose order matters, such as two processes that rename their own
 * file to the same name: the log tells when calls began and ended, not which of them the kernel did first.
 *
 * Where success tells the order (a name was made that must not have been there), nothing is uncertain.
 */

/** `put`: a rename to it. `take`: it went away. `find`: an open that takes what is there, or makes it. */
export type NameUse = 'put' | 'take' | 'find';

interface Use {
  readonly use: NameUse;
  readonly line: number;
}

export class NameRaces {
  /** Pairs found. */
  pairs = 0;
  readonly #recent = new Map<string, Use[]>();
  #quietAfter: number | null = null;

  /**
   * Adds a use of a name that has ended.
   *
   * @param name - Of the entry: its directory and its name.
   * @param startLine - Where the call began; `line` where it ended.
   * @param inFlight - Calls on names that have begun and not ended yet.
   * @returns Whether what is under the name is uncertain by it.
   */
  add(name: string, use: NameUse, startLine: number, line: number, inFlight: number): boolean {
    // Nothing was in flight after that line: whatever comes now began later. A call uses two names, on one line.
    if (this.#quietAfter !== null && this.#quietAfter !== line) this.#recent.clear();
    this.#quietAfter = inFlight === 0 ? line : null;
    let isUncertain = false;
    const recent = this.#recent.get(name);
    if (startLine !== line) {
      for (const other of recent ?? []) {
        if (other.line < startLine || !matters(use, other.use)) continue;
        this.pairs++;
        isUncertain = true;
      }
    }
    if (recent === undefined) this.#recent.set(name, [{ use, line }]);
    else recent.push({ use, line });
    return isUncertain;
  }
}

const matters = (a: NameUse, b: NameUse): boolean => (a === b ? a === 'put' : true);
