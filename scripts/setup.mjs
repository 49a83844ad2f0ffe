// What has to be there before anything of the project can run: its packages and its build.
//
// Only Node's own modules are imported here, because on a fresh clone nothing else exists yet. Everything that is
// up to date is left alone, so that the scripts which call this cost nothing the second time.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const NODE_MIN = [20, 19];
const BUNDLER = join('scripts', 'bundle-command.mjs');
const BUILD_STAMP = join(root, 'dist', '.built');

/** Installs and builds whatever is missing or older than the sources; ends the process where that fails. */
export function setUp() {
  refuseOldNode();
  if (!packagesAreInstalled()) installPackages();
  if (!buildIsFresh()) build();
}

/** Compiles src/ to dist/, and bundles the command there. The old dist/ stays in place until the new one is whole. */
export function build() {
  say('building dist/');
  const fresh = join(root, `dist-${process.pid}`);
  const stamp = sourceDigest();
  const compiled = runTool('typescript', 'tsc', ['-p', 'tsconfig.build.json', '--outDir', fresh]);
  // Imported by the bundler are packages, so that it is a process of its own, as the compiler is.
  const status = compiled || runNode([BUNDLER, fresh]);
  if (status !== 0) {
    rmSync(fresh, { recursive: true, force: true });
    fail('the build failed', status);
  }
  // The compiler leaves alone what is not TypeScript.
  for (const file of filesUnder('src').filter((path) => /\.(py|pl)$/.test(path)))
    copyFileSync(join(root, file), join(fresh, file.slice('src/'.length)));
  chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
  writeFileSync(join(fresh, '.built'), stamp);
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  renameSync(fresh, join(root, 'dist'));
}

/**
 * Runs the command `bin` of an installed package, without a shell and without npx, and waits for it.
 *
 * @returns its exit status; 1 where a signal ended it.
 */
export function runTool(packageName, bin, args) {
  const folder = join(root, 'node_modules', packageName);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[bin];
  return runNode([join(folder, file), ...args]);
}

/** Runs Node on `args` in the project's folder and returns its exit status. */
export function runNode(args) {
  return run(process.execPath, args);
}

/** Runs npm on `args` in the project's folder and returns its exit status. */
export function runNpm(args) {
  // Inside `npm run` the npm that is running says where it is; outside, it is a command, and on Windows a script.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith('.js')) return runNode([npm, ...args]);
  return run('npm', args, { shell: process.platform === 'win32' });
}

/** Talk goes to stderr: stdout belongs to what is run afterwards. */
export function say(text) {
  process.stderr.write(`overlog: ${text}\n`);
}

/** Says why and ends the process. */
export function fail(text, status = 1) {
  say(text);
  process.exit(status);
}

function run(command, args, options = {}) {
  const { error, status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) say(`${command}: ${error.message}`);
  return status ?? 1;
}

function refuseOldNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])) return;
  fail(`Node ${NODE_MIN.join('.')} or later is needed; this is ${process.versions.node}`);
}

/** True when every package of the lock file that this machine needs is there in the version it names. */
function packagesAreInstalled() {
  const installed = readJson('node_modules/.package-lock.json');
  if (installed === null) return false;
  const wanted = readJson('package-lock.json');
  if (wanted === null) return true;
  return Object.entries(wanted.packages).every(([path, { version, optional }]) => {
    if (path === '') return true;
    const found = installed.packages[path];
    // npm leaves out an optional package that is for another system.
    return found === undefined ? optional === true : found.version === version;
  });
}

function installPackages() {
  say('installing packages (npm ci)');
  if (runNpm(['ci', '--include=dev']) === 0) return;
  say('npm ci failed; trying npm install');
  const status = runNpm(['install', '--include=dev']);
  if (status !== 0) fail('the packages could not be installed', status);
}

function buildIsFresh() {
  return existsSync(BUILD_STAMP) && readFileSync(BUILD_STAMP, 'utf8') === sourceDigest();
}

/** A digest of all that the build reads. Contents, not times: a checkout gives every file a new time. */
function sourceDigest() {
  const hash = createHash('sha256');
  const files = ['tsconfig.json', 'tsconfig.build.json', 'package-lock.json', BUNDLER, ...filesUnder('src')];
  for (const file of files) {
    const path = join(root, file);
    if (!existsSync(path)) continue;
    const content = readFileSync(path);
    hash.update(`${file}\0${content.byteLength}\0`).update(content);
  }
  return hash.digest('hex');
}

function filesUnder(folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(path) : [path];
    })
    .sort();
}

function readJson(file) {
  const path = join(root, file);
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : null;
}
