// The second half of the build: the command, as a few files. The argument is the folder that the compiler has written to.
//
// Node takes about a millisecond to find, read and compile a module, and the command has 700 of them. So `cli/` of that folder
// gives way to a bundle: `main.js` and the entries of the threads that it starts, what is shared in `chunks/`, and there, too, what
// one verb alone takes, which is loaded when that verb runs. The library's modules beside `cli/` stay as they are. No module
// is in the bundle twice, and the bundle loads none from outside of itself: a class is the same class everywhere.

import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { rolldown } from 'rolldown';
import { root } from './setup.mjs';

const SOURCES = join(root, 'src');
const PACKAGES = join(root, 'node_modules');
const MAIN = join(SOURCES, 'cli', 'main.ts');
const TABLE = join(SOURCES, 'cli', 'verbs.ts');
const THREADS = ['mounting/serve-worker', 'mounting/overlay-worker'];

const compiled = process.argv[2];
// As deep as the place where it comes to lie: source maps have relative paths.
const bundled = join(compiled, 'cli-bundle');

const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(['main', ...THREADS].map((name) => [name, join(SOURCES, 'cli', `${name}.ts`)])),
  platform: 'node',
  resolve: {
    // For Node, rxjs names its CommonJS form, of which all is loaded, and msgpackr one that looks for a native helper.
    alias: { msgpackr: join(PACKAGES, 'msgpackr/index.js'), rxjs: join(PACKAGES, 'rxjs/dist/esm/index.js') },
  },
  transform: { target: 'node20' },
  plugins: [verbsThatLoad(await tableOfVerbs()), placesOfModules()],
  // How long it takes says nothing of what comes out.
  checks: { bundlerTimings: false },
  onLog: (level, { message }) => {
    // An import that leads nowhere is a warning to the bundler, and an error to whoever runs the verb.
    if (level === 'warn') throw new Error(message);
  },
});
const { output } = await bundle.write({
  dir: bundled,
  format: 'esm',
  entryFileNames: '[name].js',
  chunkFileNames: 'chunks/[name]-[hash].js',
  comments: false,
  // Text without other characters takes half of the memory, and needs no decoding.
  charset: 'ascii',
  sourcemap: true,
  sourcemapExcludeSources: true,
  codeSplitting: {
    groups: [
      // What help takes, and on top of that what nearly every verb takes: two files. The rest is split by who needs it.
      { name: isOfMain, priority: 2 },
      { name: 'store', test: /[\\/]src[\\/](store[\\/]open-store|cli[\\/]run-verb)\.ts$/, priority: 1 },
    ],
  },
});
await bundle.close();

const chunks = output.filter(({ type }) => type === 'chunk');
checkEntries();
writeFileSync(join(bundled, 'THIRD-PARTY-LICENSES.txt'), licencesOf(packagesIn(chunks)));
rmSync(join(compiled, 'cli'), { recursive: true });
renameSync(bundled, join(compiled, 'cli'));

function isOfMain(id, graph) {
  return graph.getModuleInfo(MAIN).importedIds.includes(id) ? 'command' : null;
}

/**
 * In place of the table of verbs: the same table as data, so that help loads no verb, with a `run` that loads the file of its
 * verb first.
 */
function verbsThatLoad(code) {
  return {
    name: 'verbs-that-load',
    load: { filter: { id: TABLE }, handler: () => ({ code, moduleType: 'js', map: { mappings: '' } }) },
  };
}

async function tableOfVerbs() {
  const { VERBS } = await importCompiled('cli', 'verbs.js');
  const places = await placesOfVerbs();
  const entries = VERBS.map((verb) => {
    const [file, name] = places.get(verb) ?? [];
    if (file === undefined) throw new Error(`the verb ${verb.name} is no export of a file of src/cli/verbs/`);
    const { run: _, ...told } = verb;
    const json = JSON.stringify(told);
    if (!isDeepStrictEqual(JSON.parse(json), told)) throw new Error(`the verb ${verb.name} has more than data and run`);
    return `lazily(${json}, () => import('./verbs/${file}.ts').then((file) => file.${name}))`;
  });
  return `
    const lazily = (told, load) => ({
      ...told,
      load,
      run: async (context, args, options) => (await load()).run(context, args, options),
    });
    export const VERBS = [${entries.join(',\n')}];`;
}

/** The file of `src/cli/verbs/` that exports a verb, and the name there. */
async function placesOfVerbs() {
  const places = new Map();
  for (const entry of readdirSync(join(compiled, 'cli', 'verbs')).filter((each) => each.endsWith('.js'))) {
    const exported = Object.entries(await importCompiled('cli', 'verbs', entry));
    for (const [name, value] of exported) places.set(value, [entry.slice(0, -'.js'.length), name]);
  }
  return places;
}

function importCompiled(...path) {
  return import(pathToFileURL(join(compiled, ...path)).href);
}

/** `import.meta.url` of a module stays the place that the compiler gives it: what it looks for lies beside it there. */
function placesOfModules() {
  const mark = (module) => `PLACE_OF_MODULE(${JSON.stringify(module)})`;
  const marks = /PLACE_OF_MODULE\("([^"]+)"\)/g;
  return {
    name: 'places-of-modules',
    transform: {
      filter: { id: /[\\/]src[\\/].*\.ts$/, code: 'import.meta.url' },
      handler: (code, id) => {
        const module = relative(SOURCES, id).replaceAll(sep, '/').replace(/\.ts$/, '.js');
        return { code: code.replaceAll('import.meta.url', mark(module)), map: null };
      },
    },
    renderChunk: (code, { fileName }) => {
      const up = relative(dirname(join('cli', fileName)), '').replaceAll(sep, '/');
      const placed = code.replaceAll(marks, (_, module) => `new URL("${up}/${module}", import.meta.url).href`);
      return placed === code ? null : { code: placed, map: null };
    },
  };
}

/** Entries wait at their top level for what they run; what they load on the way must not wait for them. */
function checkEntries() {
  const entries = new Set(chunks.filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName));
  for (const { fileName, imports } of chunks) {
    const entry = imports.find((each) => entries.has(each));
    if (entry !== undefined) throw new Error(`${fileName} imports ${entry}, which waits for it`);
  }
}

/** The folders of packages of which something is in the bundle. */
function packagesIn(chunks) {
  const modules = chunks.flatMap((chunk) => Object.entries(chunk.modules));
  const ids = modules
    .filter(([id, { renderedLength }]) => id.startsWith(PACKAGES) && renderedLength > 0)
    .map(([id]) => id);
  const names = ids.map((id) => /^(@[^/]+\/)?[^/]+/.exec(relative(PACKAGES, id).replaceAll(sep, '/'))[0]);
  return [...new Set(names)].sort((a, b) => a.localeCompare(b, 'en')).map((name) => join(PACKAGES, name));
}

/** Their licences ask that their texts come along with the code. */
function licencesOf(folders) {
  const parts = folders.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    const files = readdirSync(folder).filter((file) => /^(licen[cs]e|notice|copying|copyrightnotice)/i.test(file));
    if (files.length === 0) throw new Error(`${name} has no licence that could be passed on`);
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8').trim());
    return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
  });
  return `The files of this folder contain code of these packages.\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
