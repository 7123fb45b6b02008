// `npm run build`: prepares the checkout, the build in `dist` included.

import { ensure, fail } from './ensure.mjs';

await ensure().catch(fail);
