import { cliPage } from './cli-page.ts';
import { errorsPage } from './errors-page.ts';

/** The pages that are made and not written, by their place in the checkout. A test compares each with its file. */
export const pages: Readonly<Record<string, () => string>> = {
  'docs/CLI.md': cliPage,
  'docs/ERRORS.md': errorsPage,
};
