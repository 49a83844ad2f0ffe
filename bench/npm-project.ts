/** A project for `npm install`, with all that it depends on in a cache: nothing is fetched while it is measured. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface NpmProject {
  /** Files of its package.json and package-lock.json by name. */
  readonly manifests: ReadonlyMap<string, Buffer>;
  readonly cache: string;
  /** Where the cache has it from. Nobody listens there any more. */
  readonly registry: string;
  /** Files that an installation writes, package.json of each package included. */
  readonly files: number;
}

const FILES_PER_PACKAGE = 25;

/** @returns null when npm is not installed. */
export async function makeNpmProject(root: string, packages: number): Promise<NpmProject | null> {
  if (spawnSync('npm', ['--version'], { stdio: 'ignore' }).status !== 0) return null;
  const [cache, project] = [join(root, 'npm-cache'), join(root, 'npm-project')];
  const tarballs = new Map(Array.from({ length: packages }, (_, index) => packPackage(root, `bench-package-${index}`)));
  const server = await serve(tarballs);
  try {
    mkdirSync(project);
    const dependencies = Object.fromEntries(Array.from(tarballs.keys(), (name) => [name, VERSION]));
    const manifest = { name: 'bench-project', version: VERSION, private: true, dependencies };
    writeFileSync(join(project, 'package.json'), JSON.stringify(manifest));
    const registry = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await run('npm', ['install', ...NPM_OPTIONS, '--cache', cache, '--registry', registry], project);
    const names = ['package.json', 'package-lock.json'];
    const manifests = new Map(names.map((name) => [name, readFileSync(join(project, name))]));
    return { manifests, cache, registry, files: packages * (FILES_PER_PACKAGE + 1) };
  } finally {
    server.close();
    rmSync(project, { recursive: true, force: true });
  }
}

export function npmInstall({ manifests, cache, registry }: NpmProject, directory: string): void {
  for (const [name, content] of manifests) writeFileSync(join(directory, name), content);
  const argv = ['install', '--offline', ...NPM_OPTIONS, '--cache', cache, '--registry', registry];
  execFileSync('npm', argv, { cwd: directory, stdio: 'ignore' });
}

const VERSION = '1.0.0';
/** The lock file says where each package is from, whatever the user's settings are: so the cache is asked for nothing else. */
const NPM_OPTIONS = [
  '--omit-lockfile-registry-resolved=false',
  '--no-audit',
  '--no-fund',
  '--no-update-notifier',
  '--ignore-scripts',
];

function packPackage(root: string, name: string): [name: string, tarball: Buffer] {
  const folder = join(root, 'packing');
  mkdirSync(join(folder, 'package', 'lib'), { recursive: true });
  writeFileSync(join(folder, 'package', 'package.json'), JSON.stringify({ name, version: VERSION }));
  for (let index = 0; index < FILES_PER_PACKAGE; index++) {
    const text = `// ${name}, ${index}\n`.repeat(1 + ((index * 37) % 200));
    writeFileSync(join(folder, 'package', 'lib', `file-${index}.js`), text);
  }
  const tarball = execFileSync('tar', ['czf', '-', '-C', folder, 'package'], { maxBuffer: 1 << 26 });
  rmSync(folder, { recursive: true });
  return [name, tarball];
}

/** As much of a registry as `npm install` asks for. */
function serve(tarballs: ReadonlyMap<string, Buffer>): Promise<Server> {
  const server = createServer((request, response) => {
    const [, name, file] = (request.url ?? '').split('/');
    const tarball = tarballs.get(decodeURIComponent(name));
    response.setHeader('cache-control', 'public, max-age=86400');
    if (tarball === undefined) response.writeHead(404).end();
    else if (file !== undefined) response.end(tarball);
    else {
      const integrity = `sha512-${createHash('sha512').update(tarball).digest('base64')}`;
      const dist = { tarball: `http://${request.headers.host}/${name}/${VERSION}.tgz`, integrity };
      const versions = { [VERSION]: { name, version: VERSION, dist } };
      response.end(JSON.stringify({ name, 'dist-tags': { latest: VERSION }, versions }));
    }
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

/** Beside the server that it asks, so without blocking. */
function run(program: string, argv: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, argv, { cwd, stdio: 'ignore' });
    child.once('error', reject);
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${program} exited with ${code}`))));
  });
}
