// `npm run build`: compiles src/ to dist/, whether or not that is needed.

import { build } from './setup.mjs';

build();
