import type { Ino, SubjectId } from '../events/event.ts';

/** What the table needs to know of an open file. */
export interface HeldFile {
  readonly mount: { readonly subject: SubjectId };
  /** Copy-up that breaks a hard link moves the file to its new node. */
  ino: Ino;
  /** The name that it was opened by; 0 and '' without one. */
  readonly parent: Ino;
  readonly name: string;
}

/**
 * Which open files hold each node; shared by all namespaces of one engine.
 *
 * Nearly always it is one, which then stands for itself: a set for each would cost as much as the rest of an open.
 */
export class OpenFileTable {
  readonly #files = new Map<SubjectId, Map<Ino, HeldFile | HeldFile[]>>();

  add(file: HeldFile): void {
    const { subject } = file.mount;
    let ofSubject = this.#files.get(subject);
    if (ofSubject === undefined) this.#files.set(subject, (ofSubject = new Map()));
    const ofNode = ofSubject.get(file.ino);
    if (ofNode === undefined) ofSubject.set(file.ino, file);
    else if (Array.isArray(ofNode)) ofNode.push(file);
    else ofSubject.set(file.ino, [ofNode, file]);
  }

  remove(file: HeldFile): void {
    const ofSubject = this.#files.get(file.mount.subject);
    const ofNode = ofSubject?.get(file.ino);
    if (ofSubject === undefined || ofNode === undefined) return;
    const rest = Array.isArray(ofNode) ? ofNode.filter((other) => other !== file) : [];
    if (rest.length > 0) ofSubject.set(file.ino, rest);
    else if (ofNode === file || Array.isArray(ofNode)) ofSubject.delete(file.ino);
  }

  isOpen(subject: SubjectId, ino: Ino): boolean {
    return this.#files.get(subject)?.has(ino) ?? false;
  }

  of(subject: SubjectId, ino: Ino): Iterable<HeldFile> {
    const ofNode = this.#files.get(subject)?.get(ino) ?? [];
    return Array.isArray(ofNode) ? ofNode : [ofNode];
  }

  /** Open files of one container or volume. */
  countOf(subject: SubjectId): number {
    let count = 0;
    for (const files of this.#files.get(subject)?.values() ?? []) count += Array.isArray(files) ? files.length : 1;
    return count;
  }
}
