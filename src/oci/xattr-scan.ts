import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { decodeName } from '../events/name.ts';

export type Xattrs = readonly (readonly [name: string, value: Uint8Array])[];

/**
 * Reads the extended attributes of everything below a directory.
 *
 * Node has no call for them, so one run of `getfattr` or else of `python3` reads them all. Nothing is executed from the directory,
 * and its name is given as an argument, never through a shell.
 *
 * @returns By path relative to the directory ('' is itself), objects without xattrs left out; null if neither program is there.
 */
export async function scanXattrs(directory: string): Promise<Map<string, Xattrs> | null> {
  const getfattr = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--', '.'];
  const found = await readLines('getfattr', getfattr, directory, new GetfattrParser());
  return found ?? readLines('python3', ['-I', '-S', '-c', PYTHON_SCAN], directory, new PythonParser());
}

/** Prints a line per object: base64 of path, then of names and values in turn. */
const PYTHON_SCAN = `
import base64, os
def b(x): return base64.b64encode(x).decode()
def show(path):
    try: names = sorted(os.listxattr(path, follow_symlinks=False))
    except OSError: return
    out = []
    for name in names:
        try: out += [b(os.fsencode(name)), b(os.getxattr(path, name, follow_symlinks=False))]
        except OSError: pass
    if out: print(b(path), *out)
show(b'.')
for folder, folders, files in os.walk(b'.'):
    for name in folders + files: show(os.path.join(folder, name))
`;

interface LineParser {
  readonly found: Map<string, Xattrs>;
  line(line: string): void;
}

/** Runs a program in the directory; null if it is not there or fails. */
function readLines(
  command: string,
  args: string[],
  directory: string,
  parser: LineParser,
): Promise<Map<string, Xattrs> | null> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: { ...process.env, LC_ALL: 'C' },
    });
    // latin1 keeps each byte as one character; bytes of names come back by Buffer.from(…, 'latin1').
    child.stdout.setEncoding('latin1');
    const lines = createInterface({ input: child.stdout, crlfDelay: Infinity });
    lines.on('line', (line) => parser.line(line));
    const closed = new Promise<void>((done) => lines.once('close', () => done()));
    child.once('error', () => resolve(null));
    child.once('close', (code) => {
      void closed.then(() => resolve(code === 0 ? parser.found : null));
    });
  });
}

class PythonParser implements LineParser {
  readonly found = new Map<string, Xattrs>();

  line(line: string): void {
    const [path, ...rest] = line.split(' ').map((part) => Buffer.from(part, 'base64'));
    const xattrs: (readonly [string, Uint8Array])[] = [];
    for (let at = 0; at + 1 < rest.length; at += 2) xattrs.push([decodeName(rest[at]), rest[at + 1]]);
    this.found.set(relativePath(path), xattrs);
  }
}

/** Reads `getfattr -d -e hex`: `# file: PATH`, then `NAME=0xHEX` lines, then an empty line; `\ooo` stands for a byte. */
export class GetfattrParser implements LineParser {
  readonly found = new Map<string, Xattrs>();
  #path: string | null = null;
  #xattrs: (readonly [string, Uint8Array])[] = [];

  line(line: string): void {
    if (line.startsWith('# file: ')) {
      this.#path = relativePath(unquote(line.slice(8)));
      this.#xattrs = [];
      this.found.set(this.#path, this.#xattrs);
    } else if (this.#path !== null && line !== '') {
      const equals = line.indexOf('=');
      const name = decodeName(unquote(equals === -1 ? line : line.slice(0, equals)));
      const value = equals === -1 ? '' : line.slice(equals + 1).replace(/^0x/, '');
      this.#xattrs.push([name, Buffer.from(value, 'hex')]);
    }
  }
}

function unquote(text: string): Buffer {
  return Buffer.from(
    text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8))),
    'latin1',
  );
}

/** `./a/b` and `a/b` are `a/b`, `.` is ''. */
function relativePath(path: Buffer): string {
  return decodeName(path).replace(/^\.(?:\/|$)/, '');
}
