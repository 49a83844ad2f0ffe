// `npm start`: sets the project up where that is still to do, then runs the demonstration.

import { existsSync } from 'node:fs';
import { fail, root, setUp } from './setup.mjs';

setUp();

const demo = new URL('../dist/demo/start.js', import.meta.url);
if (!existsSync(demo)) fail(`there is no demonstration: src/demo/start.ts is missing in ${root}`);
await import(demo.href);
