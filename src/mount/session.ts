/** What the operations of one mount share: whose files they are, the request at hand, and the answer to it. */

import type { Caller } from '../engine/caller.ts';
import { rootCaller } from '../engine/caller.ts';
import { ENOENT, ESTALE } from '../engine/errno.ts';
import { Found } from '../engine/lookup.ts';
import type { Location, Mount, Namespace } from '../engine/namespace.ts';
import { O_RDWR, OpenFile } from '../engine/open-files.ts';
import type { Cause, Ino } from '../events/event.ts';
import type { Inode } from '../projections/tree/inode.ts';
import { Handles } from './handles.ts';
import { KnownEntries } from './known-entries.ts';
import { LastPage } from './last-page.ts';
import { Node, type NodeNumbers, Nodes } from './nodes.ts';
import { Paths } from './paths.ts';
import { writeEntryOut } from './attributes.ts';
import { Reply } from './reply.ts';
import { Request } from './request.ts';
import type { ServeJournal } from './serve-journal.ts';

/** An operation: reads the request, writes the answer's payload, and gives its length; or a negative error number. */
export type Operation = (session: Session) => number;

/** The request has no answer. */
export const NO_REPLY = 0x1_0000_0000;

/** Operations by the opcode that they answer. */
export type Operations = readonly (readonly [opcode: number, operation: Operation])[];

export class Session {
  readonly namespace: Namespace;
  readonly caller: Caller;
  readonly nodes: Nodes;
  readonly known: KnownEntries;
  readonly handles = new Handles();
  readonly paths = new Paths();
  readonly request: Request;
  readonly reply = new Reply();
  /** Open files through which something was written. */
  readonly written = new Set<OpenFile>();
  /** What the page cache is given behind the answer. */
  readonly lastPage = new LastPage();
  /** Filled by lookups and read at once. */
  readonly found = new Found();
  /** The node that the request is about, after {@link Session.node}. */
  readonly target = new Node();

  /** Where it is noted what a server that takes over has to know; null: nobody will. */
  journal: ServeJournal | null = null;

  /** @param requestBytes - Where requests are read to. */
  constructor(namespace: Namespace, requestBytes: Buffer, numbers: NodeNumbers | null = null) {
    this.request = new Request(requestBytes);
    this.namespace = namespace;
    this.caller = rootCaller(namespace);
    this.nodes = new Nodes(namespace, numbers);
    this.known = new KnownEntries(this.nodes);
  }

  /** Finds the request's node in {@link Session.target}. @returns Its inode; undefined: the kernel gets ESTALE. */
  node(): Inode | undefined {
    const { target } = this;
    if (!this.nodes.find(this.request.nodeId, target)) return undefined;
    return target.mount.overlay.tree.get(target.ino);
  }

  /** The directory that a request names, as the place that a name is looked up in. */
  directory(id: number): Location | null {
    const node = new Node();
    return this.nodes.find(id, node) ? { mount: node.mount, ino: node.ino } : null;
  }

  /** A description of the request's node that is not open: what calls on open files need of one. */
  nodeFile(path = ''): OpenFile {
    const { mount, ino, parent, name } = this.target;
    return new OpenFile({ namespace: this.namespace, mount, ino, flags: O_RDWR, parent, name, path });
  }

  /**
   * Runs calls on a description of the request's node. It counts as open meanwhile, so that a copy-up by one call that moves
   * the name to another node takes it along for the next.
   */
  withNodeFile(path: string, calls: (file: OpenFile) => number): number {
    const { files } = this.namespace;
    const file = this.nodeFile(path);
    files.add(file);
    try {
      return calls(file);
    } finally {
      files.remove(file);
    }
  }

  /** The open file of a handle, or a description of the request's node without one. */
  fileOf(handle: number): OpenFile | null {
    return this.handles.get(handle) ?? (this.node() === undefined ? null : this.nodeFile());
  }

  /** Keeps a file open for the kernel. @returns Its handle. */
  hold(file: OpenFile): number {
    const handle = this.handles.add(file);
    const { journal, request } = this;
    if (journal !== null) {
      const { mount, ino, flags, parent, name, path } = file;
      const by = [request.uniqueLow, request.uniqueHigh & UNIQUE_HIGH_MASK] as const;
      const { subject } = mount;
      journal.opened({ handle, by, subject, ino, flags, parent, name, path, entries: null });
    }
    return handle;
  }

  /** Takes an open file out; null when there is none. */
  letGo(handle: number): OpenFile | null {
    this.journal?.closed(handle);
    return this.handles.remove(handle);
  }

  /** Keeps what a node was when it left the tree, for as long as the kernel knows it. */
  keepGone(id: number, { mount, ino }: Location, inode: Inode, seqBefore: number): void {
    this.nodes.remove(id, inode);
    this.journal?.gone({ id, subject: mount.subject, ino, seq: seqBefore });
  }

  /** Number of the newest event; 0 where nothing is written. */
  get head(): number {
    return this.namespace.engine?.log.head ?? 0;
  }

  pathOfTarget(): string {
    const { mount, ino, parent, name } = this.target;
    return parent === 0 ? this.paths.node(mount, ino) : this.paths.entry(mount, parent, name);
  }

  pathIn(directory: Location, name: string): string {
    return this.paths.entry(directory.mount, directory.ino, name);
  }

  /** Who asks: new nodes are theirs. */
  asCaller(umask: number): Caller {
    const { caller, request } = this;
    caller.uid = request.uid;
    caller.gid = request.gid;
    caller.umask = umask;
    return caller;
  }

  /** Runs calls as one transaction under the cause that people will read. */
  transact(cause: Cause, call: () => number): number {
    const { engine } = this.namespace;
    return engine === null ? call() : engine.transact(cause, call);
  }

  /** Answers with what stands under a name now; the kernel remembers it. */
  writeEntry(directory: Location, name: string, at = 0): number {
    const { tree } = directory.mount.overlay;
    const ino = tree.lookup(directory.ino, name);
    const inode = tree.get(ino);
    return inode === undefined ? ENOENT : this.writeNode(directory.mount, ino, inode, directory.ino, name, at);
  }

  writeNode(mount: Mount, ino: Ino, inode: Inode, parent: Ino, name: string, at = 0): number {
    const id = this.nodes.idOf(mount, ino, inode, parent, name, true);
    return writeEntryOut(this.reply, at, id, this.nodes.shownOf(mount, ino), inode);
  }
}

/** The upper half of `unique` without the bit that marks a request that is sent again. */
export const UNIQUE_HIGH_MASK = 0x7fff_ffff;

/** What a node that is gone answers. */
export const GONE = ESTALE;
