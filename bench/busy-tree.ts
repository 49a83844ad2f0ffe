/** Random calls of a container that is busy: on files of its own and on those of its image. */

import type { OverlogFs } from '../src/index.ts';

const DIRECTORIES = 60;
const FILES_MIN = 300;
const FILES_MAX = 3000;

export class BusyTree {
  readonly #fs: OverlogFs;
  readonly #next: () => number;
  readonly #files: string[] = [];
  readonly #home: string;
  #made = 0;

  /** Two trees of one file system keep out of each other's way. @param next - Random numbers. */
  constructor(fs: OverlogFs, next: () => number) {
    this.#fs = fs;
    this.#next = next;
    this.#home = `/srv/work-${next() % 1e6}`;
    fs.mkdirSync(this.#home);
    for (let index = 0; index < DIRECTORIES; index++) fs.mkdirSync(`${this.#home}/d${index}`);
  }

  /** One call; a file that is gone is no surprise. */
  call(): void {
    const count = this.#files.length;
    const dice = this.#next() % 100;
    if (count < FILES_MIN || (dice < 22 && count < FILES_MAX)) this.#create();
    else if (dice < 40) this.#fs.appendFileSync(this.#any(), `line ${this.#made++}\n`);
    else if (dice < 52) this.#fs.writeFileSync(this.#any(), this.#text());
    else if (dice < 60) this.#fs.chmodSync(this.#any(), 0o600 + (this.#next() % 64));
    else if (dice < 68) this.#rename();
    else if (dice < 72) this.#fs.truncateSync(this.#any(), this.#next() % 200);
    else if (dice < 75) this.#link();
    else if (dice < 83) this.#ofImage();
    else if (dice < 85) this.#fs.utimesSync(this.#any(), this.#made, this.#made);
    else this.#remove();
  }

  #create(): void {
    const path = this.#name('f');
    this.#fs.writeFileSync(path, this.#text());
    this.#files.push(path);
  }

  /** A file of a layer: read by many, and copied up when it is changed; some are removed, which leaves a whiteout. */
  #ofImage(): void {
    const path = `/srv/l${this.#next() % 50}/f${this.#next() % 40}`;
    if (!this.#fs.existsSync(path)) return;
    const dice = this.#next() % 40;
    if (dice === 0) this.#fs.unlinkSync(path);
    else if (dice < 20) this.#fs.appendFileSync(path, `line ${this.#made++}\n`);
    else this.#fs.chmodSync(path, 0o600 + (this.#next() % 64));
  }

  #rename(): void {
    const at = this.#next() % this.#files.length;
    const path = this.#name('r');
    this.#fs.renameSync(this.#files[at], path);
    this.#files[at] = path;
  }

  #link(): void {
    const path = this.#name('h');
    this.#fs.linkSync(this.#any(), path);
    this.#files.push(path);
  }

  #remove(): void {
    const at = this.#next() % this.#files.length;
    this.#fs.unlinkSync(this.#files[at]);
    this.#files[at] = this.#files[this.#files.length - 1];
    this.#files.pop();
  }

  #any(): string {
    return this.#files[this.#next() % this.#files.length];
  }

  #name(letter: string): string {
    return `${this.#home}/d${this.#next() % DIRECTORIES}/${letter}${this.#made++}`;
  }

  #text(): string {
    const lines = 1 + (this.#next() % 12);
    return Array.from({ length: lines }, (_, line) => `made ${this.#made++} line ${line}\n`).join('');
  }
}
